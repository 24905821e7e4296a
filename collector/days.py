"""A day of a source, by London's calendar: how many items it showed, and how many of them could be ours and were
stored. Summed from the tallies.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session

LONDON = ZoneInfo("Europe/London")

_DAYS = text(
    """
    SELECT source, CAST(minute AT TIME ZONE 'Europe/London' AS date) AS "on",
        sum(seen) AS seen, sum(stored) AS stored
    FROM tallies WHERE source = ANY(:sources) AND minute >= :since AND minute <= :now
    GROUP BY source, 2
    """
)


class Day(NamedTuple):
    """Items seen and stored on one day."""

    on: date
    seen: int = 0
    stored: int = 0


def days_of(session: Session, sources: Sequence[str], *, days: int, now: datetime) -> dict[str, list[Day]]:
    """The last so many days of each source, the oldest first, today being the last; days without items too."""
    today = now.astimezone(LONDON).date()
    first = today - timedelta(days=days - 1)
    since = datetime.combine(first, datetime.min.time(), LONDON)
    made = {name: [Day(first + timedelta(days=each)) for each in range(days)] for name in sources}
    for row in session.execute(_DAYS, {"sources": list(sources), "since": since, "now": now}):
        made[row.source][(row.on - first).days] = Day(row.on, int(row.seen), int(row.stored))
    return made


def seen_since(session: Session, since: datetime) -> dict[str, int]:
    """How many items each source has shown since a moment; those that showed none are left out."""
    found = session.execute(
        text("SELECT source, sum(seen) AS seen FROM tallies WHERE minute > :since GROUP BY source"),
        {"since": since},
    )
    return {row.source: int(row.seen) for row in found}
