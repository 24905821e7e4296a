"""A line on its way, as the tests of statements want one."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from config.settings import HERE
from tests.make import LIFECYCLE, NOON
from triage import approving, issuing, statements
from triage.checking import Checker
from triage.checking_facts import read_fact_kinds
from triage.checking_rules import Check, Checks
from triage.records import Case, Person
from triage.second import read_seconds
from triage.statement_records import Statement
from triage.writing import OWN, LineKind, Writing

KINDS = read_fact_kinds(HERE / "statements" / "facts.toml")
STOPS = Check(
    name="verdict", kind="pattern", why="Nobody has decided that yet.", source="for tests",
    patterns=("acted correctly",),
)  # fmt: skip
WARNS = Check(
    name="jargon", kind="pattern", why="Plain words.", source="for tests", blocks=False, patterns=("IC3",)
)
SORRY = LineKind("apology", "H5 Sorry", approver="BCU commander", second="legal services")
ELSEWHERE = LineKind("weather", "H13 Weather", meant_for=lambda case: case.severity > 5)
SECONDS = read_seconds(HERE / "statements" / "second.toml")
WRITING = Writing((SORRY, ELSEWHERE), Checker(Checks(check=(STOPS, WARNS))), KINDS, seconds=SECONDS)
WORDS = "We are aware of a stop in Rye Lane and are looking into it. We will say more by 14:00."
HOUR = timedelta(hours=1)


def begun(session: Session, case: Case, who: Person, words: str = WORDS, **given: Any) -> Statement:
    """A line in its author's own words."""
    line = statements.ask_line(session, case.id, OWN, "In our own words", who=who, now=NOON, **given)
    write(session, line, who, words)
    session.commit()
    return line


def write(
    session: Session,
    line: Statement,
    who: Person,
    words: str,
    internal: str = "",
    short: str = "",
    **given: Any,
) -> Statement:
    given = {"version": line.version, "now": NOON, **given}
    texts = {"long": words, "internal": internal, "short": short}
    return statements.write_line(session, line.number or 0, texts, who=who, **given)


def review(session: Session, line: Statement, who: Person) -> None:
    statements.submit_line(session, line.number or 0, version=line.version, who=who, now=NOON)
    session.commit()


def approve(session: Session, line: Statement, who: Person, **given: Any) -> Statement:
    given = {"accepted": {}, "version": line.version, "now": NOON, **given}
    made = approving.approve_line(session, line.number or 0, WRITING, LIFECYCLE, who=who, **given)
    session.commit()
    return made


def issue(
    session: Session, line: Statement, who: Person, *, now: datetime = NOON, place: str = "X", **given: Any
) -> None:
    issued = issuing.Issued(place=place, at=now, **{"next_at": now + HOUR, **given})
    issuing.record_issue(session, line.number or 0, issued, WRITING, LIFECYCLE, who=who, now=now)
    session.commit()


def spoken(session: Session, case: Case, author: Person, approver: Person, **given: Any) -> Statement:
    """A line that was issued."""
    line = begun(session, case, author, **given)
    review(session, line, author)
    approve(session, line, approver)
    issue(session, line, author)
    return line
