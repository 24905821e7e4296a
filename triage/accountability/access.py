"""The access review: who may do what, when they last came, what a data steward should ask. A person goes through it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session, col, select

from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, may, need
from triage.records import LogEntry, Person, Role

REVIEWED = "access reviewed"
UNUSED = timedelta(days=90)
EVERY = timedelta(days=91)
MANY = 4  # roles of one person, from which on it is asked whether all are needed
READS = (Permission.READ_CASES, Permission.REVEAL)

_LAST_CAME = text("""
    SELECT who, max(at) AS at FROM log_entries WHERE what = 'signed in' GROUP BY who
""")


class Held(NamedTuple):
    """One account that may sign in: its roles, when its owner last came, and what to ask about it."""

    person: Person
    last_came_at: datetime | None
    asks: list[str]


class AccessReview(NamedTuple):
    """`reviewed_at` and `reviewed_by` are of the last time; `due_at` is when the next one is."""

    held: list[Held]
    disabled: int
    reviewed_at: datetime | None
    reviewed_by: str | None
    due_at: datetime

    @property
    def to_ask(self) -> int:
        return sum(bool(each.asks) for each in self.held)


def read_access(session: Session, *, now: datetime) -> AccessReview:
    """Every account as it is now."""
    came: dict[str, datetime] = {row.who: row.at for row in session.execute(_LAST_CAME)}
    people = session.exec(select(Person).order_by(col(Person.username))).all()
    able = [each for each in people if each.disabled_at is None]
    last = session.exec(
        select(LogEntry).where(LogEntry.what == REVIEWED).order_by(col(LogEntry.seq).desc()).limit(1)
    ).first()
    begun = last.at if last else min((each.created_at for each in people), default=now)
    return AccessReview(
        [Held(each, came.get(each.username), _asks(each, came.get(each.username), now)) for each in able],
        len(people) - len(able),
        last.at if last else None,
        last.who if last else None,
        begun + EVERY,
    )


def _asks(person: Person, last: datetime | None, now: datetime) -> list[str]:
    found = []
    if last is None and person.created_at <= now - UNUSED:
        found.append("never signed in")
    if last is not None and last <= now - UNUSED:
        found.append(f"not here for {(now - last).days} days")
    if not person.roles:
        found.append("has no role")
    if len(person.roles) >= MANY:
        found.append(f"has {len(person.roles)} roles")
    if Role.ADMIN in person.roles and any(may(person, each) for each in READS):
        found.append("looks after accounts and reads cases")
    if Role.AUDITOR in person.roles and len(person.roles) > 1:
        found.append("audits, and has other roles")
    return found


def note_review(session: Session, *, who: Person, said: str, now: datetime) -> None:
    """Enter that somebody went through it, and what they had changed. The caller commits. Raises Conflict."""
    need(who, Permission.REVIEW_ACCESS)
    if not said.strip():
        raise Conflict("Say what was changed, or that nothing had to be.")
    found = read_access(session, now=now)
    detail = {"accounts": len(found.held), "asked_about": found.to_ask}
    note(session, [Line(REVIEWED, None, said.strip(), detail)], who=who.username, now=now)
