"""Declaring a tie: somebody who works here knows a person in a case, and is kept from it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from triage.hidden import sees
from triage.locked import Conflict, lock, touch
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.restriction_records import Tie
from triage.track_records import Track

LEAST_WORDS = 3


class Declared(NamedTuple):
    """A tie that stands, and whose it is."""

    tie: Tie
    name: str


def declare_tie(session: Session, case_id: UUID, *, who: Person, now: datetime) -> Tie:
    """Say that one knows somebody in a case. From then on one neither sees it nor acts on it; what one holds of it is
    free for others. Raises Denied; Conflict when it was said before.
    """
    need(who, Permission.READ_CASES)
    [case] = lock(session, case_id)
    if standing_tie(session, case_id, who) is not None:
        raise Conflict("You have said so already.")
    tie = Tie(case_id=case_id, person_id=who.id, declared_at=now)
    session.add(tie)
    if case.claimed_by == who.id:
        case.claimed_by = case.claimed_until = None
    session.execute(
        update(Track).where(col(Track.case_id) == case_id, col(Track.owner) == who.id).values(owner=None)
    )
    session.flush()
    touch(session, case, "own tie declared", who=who, now=now, detail={"tie": str(tie.id)})
    return tie


def withdraw_tie(session: Session, tie_id: UUID, *, who: Person, why: str, now: datetime) -> Tie:
    """Let a person see and work on the case again; never by that person alone. Raises Denied and Conflict."""
    need(who, Permission.SUPERVISE)
    tie = session.get(Tie, tie_id, with_for_update=True)
    if tie is None or tie.withdrawn_at is not None or not sees(session, who, tie.case_id):
        raise Conflict("This does not stand any more.")
    if tie.person_id == who.id:
        raise Conflict("Somebody else must withdraw what you declared.")
    if len(why.split()) < LEAST_WORDS:
        raise Conflict("Say in a few words why they may work on it again.")
    [case] = lock(session, tie.case_id)
    tie.withdrawn_at, tie.withdrawn_by, tie.withdrawn_because = now, who.id, why.strip()
    session.flush()
    touch(session, case, "own tie withdrawn", who=who, now=now, why=why.strip(), detail={"tie": str(tie.id)})
    return tie


def standing_tie(session: Session, case_id: UUID, who: Person) -> Tie | None:
    """What a person has declared of a case and nobody withdrew."""
    asked = select(Tie).where(
        Tie.case_id == case_id, Tie.person_id == who.id, col(Tie.withdrawn_at).is_(None)
    )
    return session.exec(asked).first()


def ties_of(session: Session, case_id: UUID) -> list[Declared]:
    """Who has declared a tie to a case, the first leading."""
    asked = (
        select(Tie, Person.name)
        .join(Person, col(Person.id) == col(Tie.person_id))
        .where(Tie.case_id == case_id, col(Tie.withdrawn_at).is_(None))
        .order_by(col(Tie.declared_at))
    )
    return [Declared(tie, name) for tie, name in session.exec(asked)]


def all_ties(session: Session, *, most: int = 20) -> list[tuple[Declared, int]]:
    """Who is kept from which case by a tie, with the case's number, the newest first: for who supervises."""
    asked = (
        select(Tie, Person.name, Case.number)
        .join(Person, col(Person.id) == col(Tie.person_id))
        .join(Case, col(Case.id) == col(Tie.case_id))
        .where(col(Tie.withdrawn_at).is_(None))
        .order_by(col(Tie.declared_at).desc())
    )
    found = session.exec(asked.limit(most))
    return [(Declared(tie, name), number or 0) for tie, name, number in found]


def pass_ties_on(session: Session, case_id: UUID, other: UUID, *, now: datetime) -> None:
    """Ties to a case are ties to what is split off it, and to what it is joined to."""
    known = {each.tie.person_id for each in ties_of(session, other)}
    for each in ties_of(session, case_id):
        if each.tie.person_id not in known:
            session.add(Tie(case_id=other, person_id=each.tie.person_id, declared_at=now))
    session.flush()
