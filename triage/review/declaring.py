"""Declaring an interest in a case of a meeting. Whom it recuses does not see the case any more, by a tie."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session, col

from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, may, need
from triage.records import Person
from triage.restriction_records import Tie
from triage.review.group import Group
from triage.review.meeting_records import Declaration, ReviewItem
from triage.review.schedule import LEAST_WORDS, hold
from triage.review.seats import person_named
from triage.ties import declare_tie, standing_tie, withdraw_tie


def declare(
    session: Session,
    review_id: UUID,
    case_id: UUID,
    kind: str,
    group: Group,
    *,
    who: Person,
    now: datetime,
    name: str = "",
    username: str = "",
) -> Declaration:
    """Declare one's own interest in a case on a list; with a name or user name, enter what somebody else declares.
    Before the meeting or at it. Raises Denied and Conflict.
    """
    need(who, Permission.READ_REVIEWS)
    chosen = group.interest_of(kind)
    if chosen is None:
        raise Conflict("Choose what sort of interest it is.")
    review = hold(session, review_id)
    if session.get(ReviewItem, (case_id, review_id)) is None or review.cancelled_at is not None:
        raise Conflict("It is not on this list.")
    person, said = _whose(session, who, name, username)
    stand = [each for each in declarations_of(session, review_id, case_id) if each.withdrawn_at is None]
    if any(_is_theirs(each, person, said) for each in (*stand, *recused_from(session, case_id))):
        raise Conflict("This was declared already.")
    tie = _tie(session, case_id, person, now) if chosen.recuses and person is not None else None
    made = Declaration(
        review_id=review.id,
        case_id=case_id,
        name=said,
        person_id=person.id if person else None,
        kind=chosen.name,
        recused=chosen.recuses,
        tie_id=tie.id if tie else None,
        declared_at=now,
        noted_by=who.username,
    )
    session.add(made)
    session.flush()
    detail = {"meeting": str(review.id), "declaration": str(made.id), "kind": kind, "recused": chosen.recuses}
    note(session, [Line("interest declared", case_id, None, detail)], who=who.username, now=now)
    return made


def withdraw(session: Session, declaration_id: UUID, *, who: Person, why: str, now: datetime) -> Declaration:
    """Say that a declaration was wrong or counts no more. What keeps an account from the case only a supervisor lifts,
    and never its owner. Raises Denied and Conflict.
    """
    need(who, Permission.RUN_REVIEWS)
    made = session.get(Declaration, declaration_id, with_for_update=True)
    if made is None or made.withdrawn_at is not None:
        raise Conflict("This does not stand any more.")
    if len(why.split()) < LEAST_WORDS:
        raise Conflict("Say in a few words why: the minutes give the reason.")
    tie = session.get(Tie, made.tie_id) if made.tie_id else None
    if tie is not None and tie.withdrawn_at is None:
        withdraw_tie(session, tie.id, who=who, why=why, now=now)
    made.withdrawn_at, made.withdrawn_by, made.withdrawn_because = now, who.username, why.strip()
    session.flush()
    line = Line("declaration withdrawn", made.case_id, why.strip(), {"declaration": str(made.id)})
    note(session, [line], who=who.username, now=now)
    return made


def declarations_of(session: Session, review_id: UUID, case_id: UUID | None = None) -> list[Declaration]:
    """What was declared for a meeting, of one case or of all that the session sees, in order."""
    asked = select(Declaration).where(col(Declaration.review_id) == review_id)
    if case_id is not None:
        asked = asked.where(col(Declaration.case_id) == case_id)
    return list(session.scalars(asked.order_by(col(Declaration.declared_at), col(Declaration.name))))


def recused_from(session: Session, case_id: UUID) -> list[Declaration]:
    """Who takes no part in a case, at whichever meeting they declared it; until it, or their tie, is withdrawn."""
    stands = col(Declaration.recused) & col(Declaration.withdrawn_at).is_(None)
    asked = select(Declaration).where(col(Declaration.case_id) == case_id, stands)
    found = list(session.scalars(asked.order_by(col(Declaration.declared_at))))
    ties = [each.tie_id for each in found if each.tie_id is not None]
    gone = select(col(Tie.id)).where(col(Tie.id).in_(ties), col(Tie.withdrawn_at).is_not(None))
    withdrawn = set(session.scalars(gone)) if ties else set()
    return [each for each in found if each.tie_id not in withdrawn]


def _whose(session: Session, who: Person, name: str, username: str) -> tuple[Person | None, str]:
    """Whose interest it is. Only who keeps the reviews enters it for others."""
    if not name.strip() and not username.strip():
        return who, who.name
    need(who, Permission.RUN_REVIEWS)
    person = person_named(session, username)
    return person, person.name if person else name.strip()


def _is_theirs(made: Declaration, person: Person | None, name: str) -> bool:
    return made.person_id == person.id if person else made.person_id is None and made.name == name


def _tie(session: Session, case_id: UUID, person: Person, now: datetime) -> Tie | None:
    """What keeps an account from the case; none for whoever reads no case anyway."""
    standing = standing_tie(session, case_id, person)
    if standing is not None or not may(person, Permission.READ_CASES):
        return standing
    return declare_tie(session, case_id, who=person, now=now)
