"""Event mode: while a named event lasts, its sources are asked more often. It ends by itself at a set time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, select

from collector.evidence_records import WatchEvent

LONGEST = timedelta(days=14)
SHORTEST_EVERY = timedelta(minutes=1)


class EventError(ValueError):
    """An event that cannot be watched; the message says why."""


def begin_event(
    session: Session,
    name: str,
    *,
    every: timedelta,
    until: datetime,
    because: str,
    sources: Sequence[str] = (),
    now: datetime,
) -> WatchEvent:
    """Ask these sources (all when none is named) at least so often until a moment. The caller commits.

    An event of the same name is replaced. Raises EventError.
    """
    if every < SHORTEST_EVERY:
        raise EventError("an event asks a source once a minute at most")
    if not now < until <= now + LONGEST:
        raise EventError("an event ends in the future, within 14 days")
    unknown = set(sources) - set(session.scalars(text("SELECT name FROM sources")))
    if unknown:
        raise EventError(f"there is no source {', '.join(sorted(unknown))}; `goldenhour sources` lists them")
    event = session.merge(
        WatchEvent(
            name=name,
            every_s=int(every.total_seconds()),
            from_at=now,
            until_at=until,
            sources=list(sources),
            because=because,
        )
    )
    session.execute(
        text(
            "UPDATE sources SET due_at = least(due_at, :soon) WHERE enabled AND failures = 0"
            " AND (CAST(:names AS text[]) = '{}' OR name = ANY(CAST(:names AS text[])))"
        ),
        {"soon": now + every, "names": list(sources)},
    )
    return event


def end_event(session: Session, name: str, *, now: datetime) -> bool:
    """End an event early. False when none of that name is on. The caller commits."""
    found = session.execute(
        text("UPDATE watch_events SET until_at = :now WHERE name = :name AND until_at > :now RETURNING name"),
        {"name": name, "now": now},
    )
    return found.first() is not None


def events_on(session: Session, *, now: datetime) -> list[WatchEvent]:
    """The events that last, the one that ends first at the top."""
    lasting = select(WatchEvent).where(col(WatchEvent.from_at) <= now, col(WatchEvent.until_at) > now)
    return list(session.exec(lasting.order_by(col(WatchEvent.until_at), col(WatchEvent.name))).all())


def interval_of(session: Session, source: str, *, now: datetime) -> timedelta | None:
    """The shortest interval any lasting event asks of a source, None without one."""
    shortest = session.execute(
        text(
            "SELECT min(every_s) FROM watch_events WHERE from_at <= :now AND until_at > :now"
            " AND (sources = '{}' OR :source = ANY(sources))"
        ),
        {"now": now, "source": source},
    ).scalar_one()
    return timedelta(seconds=shortest) if shortest is not None else None
