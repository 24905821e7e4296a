"""How each source is doing: what the sources page, `goldenhour sources` and the banners say of it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlmodel import Session, col, select

from collector.days import Day, days_of
from collector.records import Gap, SourceRow
from collector.rhythm import Heard, is_quiet
from collector.sources import inbound, polled, streamed

OVERDUE = timedelta(minutes=15)
DAYS = 30


class State(StrEnum):
    """How a source is doing, in the words that are shown."""

    OFF = "off"
    STOPPED = "stopped"
    NEW = "not yet fetched"
    OPEN = "open"
    WELL = "well"
    RESTING = "asked to wait"
    FAILING = "failing"
    QUIET = "has gone quiet"
    OVERDUE = "overdue: is the service running?"
    PAUSED = "paused"


# Of a source in these states we see nothing, whatever else it says of itself.
BLIND = frozenset({State.STOPPED, State.PAUSED, State.OVERDUE, State.QUIET})
SHORTEST_PATIENCE = timedelta(minutes=5)


class Health(NamedTuple):
    """One source with its state, its last days with the oldest first, and its open gaps."""

    source: SourceRow
    state: State
    days: Sequence[Day]
    gaps: Sequence[Gap]

    @property
    def seen(self) -> int:
        return sum(day.seen for day in self.days)

    @property
    def stored(self) -> int:
        return sum(day.stored for day in self.days)


def health(session: Session, *, days: int = DAYS, now: datetime) -> list[Health]:
    """All sources by name."""
    rows = session.exec(select(SourceRow).order_by(col(SourceRow.name))).all()
    brought = days_of(session, [row.name for row in rows], days=days, now=now)
    gaps: dict[str, list[Gap]] = defaultdict(list)
    for gap in session.exec(select(Gap).where(col(Gap.closed_at).is_(None)).order_by(col(Gap.from_at))):
        gaps[gap.source].append(gap)
    return [Health(row, state_of(row, now), brought[row.name], gaps[row.name]) for row in rows]


def is_blind(row: SourceRow, now: datetime) -> bool:
    """Whether we do not see what a source shows. One failed fetch is no blindness, nor is a short wait."""
    state = state_of(row, now)
    if state in BLIND:
        return True
    if state not in (State.FAILING, State.RESTING):
        return False
    return row.last_success_at is None or now - row.last_success_at > patience(row)


def patience(row: SourceRow) -> timedelta:
    """How long a source that fails may stay unread before that counts as blind: three of its intervals."""
    return max(timedelta(seconds=3 * max(row.every_s, row.paced_s or 0)), SHORTEST_PATIENCE)


def mark_quiet(session: Session, *, now: datetime) -> list[str]:
    """Note which sources have gone quiet and which speak again; the names of those newly quiet. Caller commits."""
    newly = []
    for row in session.exec(select(SourceRow).where(SourceRow.enabled)).all():
        quiet = state_of(row, now) is State.QUIET
        if quiet and row.quiet_since is None:
            newly.append(row.name)
            row.quiet_since = row.newest_at or row.last_success_at
        elif not quiet and row.quiet_since is not None:
            row.quiet_since = None
    return newly


def state_of(row: SourceRow, now: datetime) -> State:
    """A failing source stays failing until a fetch succeeds, however long it waits in between."""
    if not row.enabled:
        return State.OFF
    if row.stops_at is not None and row.stops_at <= now:
        return State.STOPPED
    if row.kind in inbound():
        return State.OPEN
    if row.paused_until is not None and row.paused_until > now:
        return State.PAUSED
    if row.failures:
        return State.FAILING
    if row.rest_until is not None and row.rest_until > now:
        return State.RESTING
    fetched = row.kind in polled()
    busy = row.lease_until is not None and row.lease_until > now
    if fetched and not busy and row.due_at < now - OVERDUE:
        return State.OVERDUE
    stream, known = row.kind in streamed(), Heard(row.rhythm_s, row.newest_at)
    if is_quiet(known, stream=stream, last_success_at=row.last_success_at, now=now):
        return State.QUIET
    return State.WELL if row.last_success_at is not None else State.NEW
