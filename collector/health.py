"""How each source is doing, and which boroughs are seen: what the sources page and `goldenhour sources` show."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session, col, select

from collector.boroughs import BOROUGHS, WHOLE
from collector.records import Gap, SourceRow
from collector.rhythm import Heard, is_quiet
from collector.sources import inbound, polled, streamed

OVERDUE = timedelta(minutes=15)
LOOK_BACK = timedelta(days=30)


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


class Health(NamedTuple):
    """One source with its state, what it brought in the last 30 days, and its open gaps.

    `days` are the items seen on each of the last 30 days, the oldest first; `stored` of them could be ours.
    """

    source: SourceRow
    state: State
    seen: int
    stored: int
    gaps: list[Gap]
    days: Sequence[int] = ()


class Cover(NamedTuple):
    """Which enabled sources look at one borough in particular; none means it is not covered."""

    borough: str
    sources: list[str]


def health(session: Session, *, now: datetime) -> list[Health]:
    """All sources by name."""
    rows = session.exec(select(SourceRow).order_by(col(SourceRow.name))).all()
    tallies = session.execute(
        text(
            "SELECT source, sum(seen) AS seen, sum(stored) AS stored FROM tallies"
            " WHERE minute > :since GROUP BY source"
        ),
        {"since": now - LOOK_BACK},
    )
    counts = {each.source: (int(each.seen), int(each.stored)) for each in tallies}
    days = items_a_day(session, now=now)
    gaps = session.exec(select(Gap).where(col(Gap.closed_at).is_(None)).order_by(col(Gap.from_at))).all()
    return [
        Health(
            row,
            state_of(row, now),
            *counts.get(row.name, (0, 0)),
            [each for each in gaps if each.source == row.name],
            days.get(row.name, [0] * LOOK_BACK.days),
        )
        for row in rows
    ]


def items_a_day(session: Session, *, now: datetime) -> dict[str, list[int]]:
    """How many items each source showed on each of the last 30 days (of 24 hours, ending now), oldest first."""
    found = session.execute(
        text(
            "SELECT source, floor(extract(epoch FROM :now - minute) / 86400) AS ago, sum(seen) AS seen"
            " FROM tallies WHERE minute > :since AND minute <= :now GROUP BY source, ago"
        ),
        {"since": now - LOOK_BACK, "now": now},
    )
    days: dict[str, list[int]] = {}
    for each in found:
        days.setdefault(each.source, [0] * LOOK_BACK.days)[-1 - int(each.ago)] = int(each.seen)
    return days


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


def coverage(rows: Sequence[SourceRow]) -> list[Cover]:
    """Every borough with the enabled sources that name it. London-wide sources count for none of them."""
    enabled = [row for row in rows if row.enabled and WHOLE not in row.boroughs]
    return [
        Cover(borough, sorted(row.name for row in enabled if borough in row.boroughs)) for borough in BOROUGHS
    ]
