"""The report of reveals: who looked, in which case, why, and who agreed; never whom. And the locks that stand.

As rows, and as CSV that a spreadsheet does not take for formulas.
"""

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from triage.records import Case, Person
from triage.reveal_records import Reveal, RevealLock

LONDON = ZoneInfo("Europe/London")
DAYS = 90
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
HEADINGS = ("asked", "who", "case", "reason", "why", "agreed by", "first shown", "minutes allowed")


class Told(NamedTuple):
    """One reveal as reported. `minutes` is for how long it was granted; none while it waits."""

    reveal: Reveal
    case: int
    who: str
    agreed_by: str
    minutes: int | None


class Kept(NamedTuple):
    """A lock that stands, and the reveal that set it."""

    lock: RevealLock
    case: int
    who: str


def read_reveals(session: Session, *, now: datetime, days: int = DAYS) -> list[Told]:
    """The reveals asked for in these days, newest first."""
    agreed = aliased(Person)
    asked = (
        select(Reveal, Case.number, Person.name, agreed.name)
        .join(Case, col(Case.id) == col(Reveal.case_id))
        .join(Person, col(Person.id) == col(Reveal.asked_by))
        .outerjoin(agreed, col(agreed.id) == col(Reveal.agreed_by))
        .where(Reveal.asked_at > now - timedelta(days=days))
        .order_by(col(Reveal.asked_at).desc())
    )
    return [
        Told(reveal, number or 0, who, second or "", _minutes(reveal))
        for reveal, number, who, second in session.exec(asked)
    ]


def read_locks(session: Session) -> list[Kept]:
    """The locks that stand, the newest first."""
    asked = (
        select(RevealLock, Case.number, Person.name)
        .join(Reveal, col(Reveal.id) == col(RevealLock.reveal_id))
        .join(Case, col(Case.id) == col(Reveal.case_id))
        .join(Person, col(Person.id) == col(Reveal.asked_by))
        .where(col(RevealLock.opened_at).is_(None))
        .order_by(col(RevealLock.locked_at).desc())
    )
    return [Kept(lock, number or 0, who) for lock, number, who in session.exec(asked)]


def as_csv(told: Sequence[Told]) -> str:
    """The report for a spreadsheet; what would start a formula is marked as text."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, quoting=csv.QUOTE_ALL)
    rows.writerow(HEADINGS)
    for each in told:
        reveal = each.reveal
        cells = (
            _moment(reveal.asked_at),
            each.who,
            f"GH-{each.case}",
            reveal.reason,
            reveal.why,
            each.agreed_by,
            _moment(reveal.shown_at),
            "" if each.minutes is None else str(each.minutes),
        )
        rows.writerow([plain_cell(cell) for cell in cells])
    return out.getvalue()


def plain_cell(words: str) -> str:
    """A cell that no spreadsheet works out."""
    return f"'{words}" if words.lstrip(" ").startswith(FORMULA) else words


def _minutes(reveal: Reveal) -> int | None:
    granted = reveal.agreed_at or reveal.asked_at
    return round((reveal.shown_until - granted).total_seconds() / 60) if reveal.shown_until else None


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(LONDON):%Y-%m-%d %H:%M}" if moment else ""
