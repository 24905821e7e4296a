"""How each source is doing, and which boroughs are seen: what the sources page and `goldenhour sources` show."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session, col, select

from collector.boroughs import BOROUGHS, WHOLE
from collector.records import Gap, SourceRow
from collector.sources import polled

OVERDUE = timedelta(minutes=15)
LOOK_BACK = timedelta(days=30)


class State(StrEnum):
    """How a source is doing, in the words that are shown."""

    OFF = "off"
    NEW = "not yet fetched"
    WELL = "well"
    RESTING = "asked to wait"
    FAILING = "failing"
    OVERDUE = "overdue: is the service running?"


class Health(NamedTuple):
    """One source with its state, what it brought in the last 30 days, and its open gaps."""

    source: SourceRow
    state: State
    seen: int
    stored: int
    gaps: list[Gap]


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
    gaps = session.exec(select(Gap).where(col(Gap.closed_at).is_(None)).order_by(col(Gap.from_at))).all()
    return [
        Health(
            row,
            state_of(row, now),
            *counts.get(row.name, (0, 0)),
            [each for each in gaps if each.source == row.name],
        )
        for row in rows
    ]


def state_of(row: SourceRow, now: datetime) -> State:
    """A failing source stays failing until a fetch succeeds, however long it waits in between."""
    if not row.enabled:
        return State.OFF
    if row.failures:
        return State.FAILING
    if row.rest_until is not None and row.rest_until > now:
        return State.RESTING
    fetched = row.kind in polled()
    busy = row.lease_until is not None and row.lease_until > now
    if fetched and not busy and row.due_at < now - OVERDUE:
        return State.OVERDUE
    return State.WELL if row.last_success_at is not None else State.NEW


def coverage(rows: Sequence[SourceRow]) -> list[Cover]:
    """Every borough with the enabled sources that name it. London-wide sources count for none of them."""
    enabled = [row for row in rows if row.enabled and WHOLE not in row.boroughs]
    return [
        Cover(borough, sorted(row.name for row in enabled if borough in row.boroughs)) for borough in BOROUGHS
    ]
