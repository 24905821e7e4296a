"""Yearly numbers: how much was collected, kept and decided, counted over whole years of London time. Counts only."""

from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session

LONDON = ZoneInfo("Europe/London")
FEW = 5  # a smaller number may point at somebody


class Number(NamedTuple):
    """One number of a year, and what it counts."""

    says: str
    number: int

    @property
    def shown(self) -> str:
        """As the public reads it: a small number is not told exactly."""
        return f"fewer than {FEW}" if 0 < self.number < FEW else f"{self.number:,}"


_STANDING = (  # decisions that were not taken back
    "SELECT count(DISTINCT l.case_id) FROM log_entries l WHERE l.what = '{what}' AND l.at >= :since AND l.at < :until"
    " AND NOT EXISTS (SELECT FROM log_entries u WHERE u.case_id = l.case_id AND u.what = 'undone: {what}'"
    " AND u.seq > l.seq)"
)
COUNTED: tuple[tuple[str, str], ...] = (
    ("public items looked at", "SELECT coalesce(sum(seen), 0) FROM tallies WHERE minute >= :since AND minute < :until"),
    (
        "of these not kept, because they did not look like a police encounter",
        "SELECT coalesce(sum(dropped), 0) FROM tallies WHERE minute >= :since AND minute < :until",
    ),
    ("kept for a person or the machine to look at", "SELECT coalesce(sum(stored), 0) FROM tallies"
     " WHERE minute >= :since AND minute < :until"),
    ("cases opened", "SELECT count(*) FROM cases WHERE opened_at >= :since AND opened_at < :until"),
    ("cases a person confirmed", _STANDING.format(what="confirmed")),
    ("cases a person closed without action", _STANDING.format(what="dismissed")),
    ("claims decided by people, on evidence", "SELECT count(*) FROM log_entries WHERE what = 'claim decided'"
     " AND at >= :since AND at < :until"),
    ("lines issued by the force that were drafted here", "SELECT count(*) FROM log_entries WHERE what = 'line issued'"
     " AND at >= :since AND at < :until"),
    ("times a member of staff asked who wrote a post", "SELECT count(*) FROM reveals"
     " WHERE asked_at >= :since AND asked_at < :until"),
    ("times that was granted and shown", "SELECT count(*) FROM reveals WHERE shown_at >= :since AND shown_at < :until"),
    ("posts taken out because their author deleted them", "SELECT count(*) FROM posts WHERE withdrawn_at >= :since"
     " AND withdrawn_at < :until"),
)  # fmt: skip


def years(since: datetime | None, *, now: datetime, most: int = 3) -> list[int]:
    """The years with anything to tell, this one first."""
    this = now.astimezone(LONDON).year
    first = since.astimezone(LONDON).year if since else this
    return list(range(this, max(first, this - most + 1) - 1, -1))


def numbers(session: Session, year: int) -> list[Number]:
    """What one year of London time came to."""
    given = {"since": _begins(year), "until": _begins(year + 1)}
    return [Number(says, int(session.execute(text(asked), given).scalar_one())) for says, asked in COUNTED]


def _begins(year: int) -> datetime:
    return datetime.combine(date(year, 1, 1), time(), LONDON)
