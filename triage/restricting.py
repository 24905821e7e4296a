"""Restricting a case: then only the roles of the policy and the people named see it, until two people lift it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from triage.hidden import sees
from triage.locked import Conflict, lock, touch
from triage.notice import tell_everybody
from triage.permissions import Permission, need
from triage.policy import read_policy
from triage.records import Case, Person, Role
from triage.restriction_records import Restriction

LEAST_WORDS = 3


class RestrictedReason(BaseModel):
    """One reason to restrict a case, in words, and the roles that see it then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str = Field(min_length=3)
    roles: tuple[Role, ...]


class RestrictedPolicy(BaseModel):
    """Why a case may be restricted, and who sees it then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    approved_by: str = Field(min_length=3)
    approved_on: date
    because: str = Field(min_length=3)
    reasons: Mapping[str, RestrictedReason] = Field(min_length=1)


def read_restricted_policy(path: Path) -> RestrictedPolicy:
    """The policy. Raises ValueError naming file, key and reason."""
    return read_policy(RestrictedPolicy, path)


def restriction_of(session: Session, case_id: UUID) -> Restriction | None:
    """The restriction that stands on a case."""
    standing = select(Restriction).where(Restriction.case_id == case_id, col(Restriction.lifted_at).is_(None))
    return session.exec(standing).first()


def restrict(
    session: Session,
    case_id: UUID,
    policy: RestrictedPolicy,
    *,
    who: Person,
    reason: str,
    why: str,
    people: Sequence[str] = (),
    now: datetime,
) -> Restriction:
    """Hide a case from all but the roles of this reason, the people named by user name, and oneself.

    A claim of somebody who does not see it any more ends. Raises Denied; Conflict for a reason or name that is none.
    """
    need(who, Permission.RESTRICT)
    if reason not in policy.reasons:
        raise Conflict(f"Choose one of the reasons: {', '.join(policy.reasons)}.")
    why = _words(why, "Say in a few words why only some may see it.")
    named = [_named(session, each) for each in people]
    [case] = lock(session, case_id)
    if restriction_of(session, case_id) is not None:
        raise Conflict(f"GH-{case.number} is restricted already.")
    roles = [role.value for role in policy.reasons[reason].roles]
    ids = list(dict.fromkeys(str(each.id) for each in (who, *named)))
    made = Restriction(
        case_id=case_id, reason=reason, why=why, roles=roles, people=ids, set_by=who.id, set_at=now
    )
    session.add(made)
    session.flush()
    _end_claim(session, case)
    touch(session, case, "restricted", who=who, now=now, why=why, detail={"reason": reason, "people": ids})
    tell_everybody(session, case.id)
    return made


def name_person(session: Session, case_id: UUID, username: str, *, who: Person, now: datetime) -> None:
    """Let one more person see a restricted case. Raises Denied and Conflict."""
    case, found = _standing(session, case_id, who)
    person = _named(session, username)
    if str(person.id) not in found.people:
        found.people = [*found.people, str(person.id)]
        detail = {"person": str(person.id)}
        touch(session, case, "let see a restricted case", who=who, now=now, detail=detail)


def unname_person(session: Session, case_id: UUID, username: str, *, who: Person, now: datetime) -> None:
    """Let a person named before see it no more; roles still count. Raises Denied and Conflict."""
    case, found = _standing(session, case_id, who)
    person = _named(session, username)
    if person.id == who.id:
        raise Conflict("Somebody else has to take you off the list.")
    found.people = [each for each in found.people if each != str(person.id)]
    session.flush()
    _end_claim(session, case)
    detail = {"person": str(person.id)}
    touch(session, case, "no longer let see a restricted case", who=who, now=now, detail=detail)
    tell_everybody(session, case.id)


def ask_to_lift(session: Session, case_id: UUID, *, who: Person, why: str, now: datetime) -> None:
    """Ask that everybody sees the case again; it takes a second person. Raises Denied and Conflict."""
    case, found = _standing(session, case_id, who)
    found.lift_why = _words(why, "Say in a few words why everybody may see it again.")
    found.lift_asked_by, found.lift_asked_at = who.id, now
    touch(session, case, "lifting of the restriction asked for", who=who, now=now, why=found.lift_why)


def answer_lift(session: Session, case_id: UUID, *, agreed: bool, who: Person, now: datetime) -> None:
    """Lift the restriction as the second person, or say no. Raises Denied and Conflict."""
    case, found = _standing(session, case_id, who)
    if found.lift_asked_by is None:
        raise Conflict("Nobody asks for this to be lifted.")
    if found.lift_asked_by == who.id and agreed:
        raise Conflict("A second person must agree: you asked for it.")
    if agreed:
        found.lifted_by, found.lifted_at = who.id, now
    else:
        found.lift_asked_by = found.lift_asked_at = found.lift_why = None
    session.flush()
    what = "restriction lifted" if agreed else "lifting of the restriction refused"
    touch(session, case, what, who=who, now=now, why=found.lift_why)


def pass_on(session: Session, case_id: UUID, new: UUID) -> None:
    """What is split off a restricted case is restricted in the same way."""
    if (found := restriction_of(session, case_id)) is not None:
        kept = found.model_dump(include={"reason", "why", "roles", "people", "set_by", "set_at"})
        session.add(Restriction(case_id=new, **kept))
        session.flush()


def must_stay_restricted(session: Session, case: Case, into: Case) -> None:
    """Raises Conflict when posts of a restricted case would come into one that others see."""
    was, becomes = restriction_of(session, case.id), restriction_of(session, into.id)
    if was is None:
        return
    if becomes is None or set(becomes.roles) - set(was.roles) or set(becomes.people) - set(was.people):
        raise Conflict(
            f"GH-{case.number} is restricted, and more people see GH-{into.number}. Restrict that in the same way, "
            "or have the restriction lifted, before you join them."
        )


def _standing(session: Session, case_id: UUID, who: Person) -> tuple[Case, Restriction]:
    need(who, Permission.RESTRICT)
    [case] = lock(session, case_id)
    found = restriction_of(session, case_id)
    if found is None or not sees(session, who, case_id):
        raise Conflict(f"GH-{case.number} is not restricted.")
    return case, found


def _end_claim(session: Session, case: Case) -> None:
    """A claim on a case that its holder does not see any more ends."""
    holder = session.get(Person, case.claimed_by) if case.claimed_by else None
    if holder is not None and not sees(session, holder, case.id):
        case.claimed_by = case.claimed_until = None


def _named(session: Session, username: str) -> Person:
    plain = username.strip().lower()
    person = session.exec(
        select(Person).where(Person.username == plain, col(Person.disabled_at).is_(None))
    ).first()
    if person is None:
        raise Conflict(f"Nobody here has the user name {plain[:60]!r}.")
    return person


def _words(said: str, otherwise: str) -> str:
    if len(said.split()) < LEAST_WORDS:
        raise Conflict(otherwise)
    return said.strip()
