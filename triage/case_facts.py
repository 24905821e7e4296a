"""Facts of a case: noted with their source, verified by a named person, withdrawn with a reason.

A line rests only on verified facts. When one changes, every line that rests on it is stale from then on, and says why.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from collector.jobs import defer
from triage.breaches import raise_anew
from triage.checking_facts import Fact, FactError, FactKinds
from triage.locked import Conflict, lock, must_be_open, touch
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.permissions import Permission, need
from triage.records import Desk, Person
from triage.statement_records import CaseFact, Statement, StatementState

LONGEST_SOURCE = 300
SAID_WRONG = "what we said is stale"
LIVE = (
    StatementState.DRAFTED, StatementState.IN_REVIEW, StatementState.APPROVED, StatementState.ISSUED,
    StatementState.EXPIRED,
)  # fmt: skip


def note_fact(
    session: Session,
    case_id: UUID,
    name: str,
    value: str,
    source: str,
    kinds: FactKinds,
    *,
    who: Person,
    now: datetime,
) -> CaseFact:
    """Write down what is known, and where it is known from. It counts once somebody has verified it."""
    need(who, Permission.NOTE_FACT)
    [case] = lock(session, case_id)
    must_be_open(case)
    fact = CaseFact(
        case_id=case_id,
        name=name,
        value=_cleaned(kinds, name, value),
        source=_sourced(source),
        noted_by=who.username,
        noted_at=now,
    )
    session.add(fact)
    session.flush()
    _say(session, fact, "fact noted", who=who, now=now)
    return fact


def verify_fact(session: Session, fact_id: UUID, *, who: Person, now: datetime) -> CaseFact:
    """Say as a named person that it is so. Raises Conflict while another value of the same fact is verified."""
    need(who, Permission.VERIFY_FACT)
    fact = _held(session, fact_id)
    if fact.verified_at is not None:
        raise Conflict(f"{fact.verified_by} has verified this already.")
    for other in facts_of(session, fact.case_id):
        if other.name == fact.name and other.verified_at is not None:
            raise Conflict(f"It is verified as “{other.value}”. Withdraw that first, with the reason.")
    fact.verified_by, fact.verified_at = who.username, now
    session.flush()
    _say(session, fact, "fact verified", who=who, now=now)
    return fact


def withdraw_fact(
    session: Session, fact_id: UUID, *, why: str, who: Person, now: datetime
) -> list[Statement]:
    """Say that it is not so, or no longer. Returns the lines that are stale by it. When one of them was issued, the
    comms desk is alerted anew.
    """
    need(who, Permission.NOTE_FACT)
    fact = _held(session, fact_id)
    if fact.verified_at is not None:
        need(who, Permission.VERIFY_FACT)
    if not why.strip():
        raise Conflict("Say why: whoever reads a line that rests on it is shown the reason.")
    fact.withdrawn_by, fact.withdrawn_at, fact.withdrawn_because = who.username, now, why.strip()
    session.flush()
    _say(session, fact, "fact withdrawn", who=who, now=now, why=why.strip())
    because = f"“{fact.name.replace('_', ' ')}: {fact.value}” was withdrawn: {fact.withdrawn_because}"
    stale = mark_stale(session, fact, because, who=who.username, now=now)
    if any(line.state == StatementState.ISSUED for line in stale):
        [case] = lock(session, fact.case_id)
        raise_anew(session, case, Desk.COMMS, rule=SAID_WRONG, now=now)
        touch(session, case, SAID_WRONG, who=who, now=now)
    return stale


def mark_stale(session: Session, fact: CaseFact, because: str, *, who: str, now: datetime) -> list[Statement]:
    """Mark the lines that rest on a fact that stands no more; the first reason stays."""
    asked = select(Statement).where(Statement.case_id == fact.case_id, col(Statement.state).in_(LIVE))
    lines = session.exec(asked.with_for_update()).all()
    rest = [line for line in lines if any(each.get("id") == str(fact.id) for each in line.facts)]
    return _stale(session, rest, because, who=who, now=now)


def mark_answers_stale(
    session: Session, claim: UUID, because: str, *, who: str, now: datetime
) -> list[Statement]:
    """Mark the lines that answer a claim which is no longer decided as it was."""
    asked = select(Statement).where(
        col(Statement.answers).contains([str(claim)]), col(Statement.state).in_(LIVE)
    )
    return _stale(session, session.exec(asked.with_for_update()).all(), because, who=who, now=now)


def _stale(
    session: Session, lines: Iterable[Statement], because: str, *, who: str, now: datetime
) -> list[Statement]:
    stale = [line for line in lines if line.stale_at is None]
    for line in stale:
        line.stale_at, line.stale_because = now, because
    said = [Line("line is stale", line.case_id, None, {"line": f"S-{line.number}"}) for line in stale]
    note(session, said, who=who, now=now)
    return stale


def rests_on(
    session: Session, line: Statement, texts: Iterable[str], *, all_of_them: bool
) -> list[dict[str, Any]]:
    """The facts that a wording rests on, as a line keeps them: those it was filled from, and each verified one whose
    value stands in its words; all that are verified where nobody knows which its writer meant."""
    words = " ".join(texts).casefold()
    known = {each["id"] for each in line.facts if "id" in each}
    standing = [each for each in facts_of(session, line.case_id) if each.verified_at is not None]
    meant = [
        each for each in standing if all_of_them or str(each.id) in known or each.value.casefold() in words
    ]
    now_known = {str(each.id) for each in meant}
    return [
        *(each for each in line.facts if each.get("id") not in now_known),
        *({**as_kept(said(each)), "id": str(each.id)} for each in meant),
    ]


def as_kept(fact: Fact) -> dict[str, Any]:
    """A fact as the row of a line keeps it."""
    at = fact.verified_at.isoformat() if fact.verified_at else None
    return {**fact._asdict(), "verified_at": at}


def facts_of(session: Session, case_id: UUID, *, withdrawn: bool = False) -> Sequence[CaseFact]:
    """The facts of a case, in the order they were noted; those withdrawn too, when asked."""
    asked = select(CaseFact).where(CaseFact.case_id == case_id)
    if not withdrawn:
        asked = asked.where(col(CaseFact.withdrawn_at).is_(None))
    return session.exec(asked.order_by(col(CaseFact.noted_at), col(CaseFact.id))).all()


def said(fact: CaseFact) -> Fact:
    """A fact as templates and the checker take it."""
    return Fact(fact.name, fact.value, fact.source, fact.verified_by, fact.verified_at)


def _held(session: Session, fact_id: UUID) -> CaseFact:
    """A fact that stands, with its case locked."""
    case_id = session.exec(select(CaseFact.case_id).where(CaseFact.id == fact_id)).first()
    if case_id is None:
        raise Conflict("There is no such fact.")
    [case] = lock(session, case_id)
    must_be_open(case)
    fact = session.get(CaseFact, fact_id, populate_existing=True)
    if fact is None or fact.withdrawn_at is not None:
        raise Conflict("This fact was withdrawn meanwhile.")
    return fact


def _cleaned(kinds: FactKinds, name: str, value: str) -> str:
    if not value.strip():
        raise Conflict("Write what is known.")
    try:
        if kinds.of(name).ours:
            raise Conflict("The service knows this by itself.")
        return kinds.clean(name, value)
    except FactError as error:
        raise Conflict(str(error)) from error


def _sourced(source: str) -> str:
    source = " ".join(source.split())
    if not 3 <= len(source) <= LONGEST_SOURCE:
        raise Conflict("Say where it is known from, such as a record and its number.")
    return source


def _say(
    session: Session, fact: CaseFact, what: str, *, who: Person, now: datetime, why: str | None = None
) -> None:
    note(session, [Line(what, fact.case_id, why, {"fact": fact.name})], who=who.username, now=now)
    if what != "fact noted":
        defer(session, "draft", queue="respond", priority=1, case=str(fact.case_id))
    tell_desk(session, "statements", fact.case_id)


def move_facts(session: Session, home: UUID, to: UUID, *, now: datetime) -> None:
    """Bring the facts of a case to another that it was joined to. What is verified there stands; the other waits, and
    the lines that rest on it are stale."""
    standing = {each.name for each in facts_of(session, to) if each.verified_at is not None}
    for fact in facts_of(session, home, withdrawn=True):
        if fact.name in standing and fact.withdrawn_at is None and fact.verified_at is not None:
            because = f"“{fact.name.replace('_', ' ')}: {fact.value}” is another in the case it was joined to"
            mark_stale(session, fact, because, who=MACHINE, now=now)
            fact.verified_by = fact.verified_at = None
        fact.case_id = to
    session.flush()
