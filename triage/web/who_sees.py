"""Who sees a case: restricting it, lifting that with a second person, and saying that one knows somebody in it."""

from collections.abc import Callable
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session, col, select

from collector.plain import clean, tidy
from triage import restricting, ties
from triage.locked import Conflict
from triage.records import Case, Person
from triage.restricting import RestrictedReason
from triage.restriction_records import Restriction, Tie
from triage.web.case_file import CaseFile
from triage.web.queue import find_case
from triage.web.visit import Visit, Visiting

router = APIRouter()

Words = Annotated[str, Form(max_length=2_000)]
Short = Annotated[str, Form(max_length=200)]
NO_POLICY = "Cases cannot be restricted here: config/policy/restricted.toml was not read."


class WhoSees(NamedTuple):
    """What a case page says of who sees it. `people` are the names and user names on the restriction."""

    restriction: Restriction | None
    because: str
    people: list[tuple[str, str]]
    set_by: str
    lift_asked_by: str
    ties: list[ties.Declared]
    reasons: dict[str, RestrictedReason]


def read_who_sees(visit: Visit, file: CaseFile) -> WhoSees:
    policy = visit.room.policies.restricted
    reasons = dict(policy.reasons) if policy else {}
    case = file.case
    found = restricting.restriction_of(visit.session, case.id) if file.has(Restriction) else None
    known = _people(visit.session, found) if found else {}
    return WhoSees(
        restriction=found,
        because=reasons[found.reason].says if found and found.reason in reasons else "",
        people=[known[each] for each in found.people if each in known] if found else [],
        set_by=known.get(str(found.set_by), ("someone", ""))[0] if found else "",
        lift_asked_by=known.get(str(found.lift_asked_by), ("someone", ""))[0] if found else "",
        ties=ties.ties_of(visit.session, case.id) if file.has(Tie) else [],
        reasons=reasons,
    )


def _people(session: Session, found: Restriction) -> dict[str, tuple[str, str]]:
    """Name and user name by id."""
    ids = {UUID(each) for each in found.people} | {found.set_by}
    ids |= {found.lift_asked_by} if found.lift_asked_by else set()
    asked = select(Person.id, Person.name, Person.username).where(col(Person.id).in_(ids))
    return {str(person): (name, username) for person, name, username in session.exec(asked)}


@router.post("/cases/{ref}/restrict")
def restrict(visit: Visiting, ref: str, reason: Short = "", why: Words = "", people: Words = "") -> Response:
    """Only some see the case from now on; `people` are user names, apart by commas or blanks."""
    policy = visit.room.policies.restricted
    named = [each for each in clean(people).replace(",", " ").split() if each]

    def change(case: Case) -> None:
        if policy is None:
            raise Conflict(NO_POLICY)
        restricting.restrict(
            visit.session, case.id, policy, who=visit.person, reason=reason, why=tidy(clean(why)),
            people=named, now=visit.now,
        )  # fmt: skip

    return _act(visit, ref, "restricted", change)


@router.post("/cases/{ref}/restrict/people")
def people(visit: Visiting, ref: str, name: Short = "", off: Annotated[bool, Form()] = False) -> Response:
    """Name one more person who sees it, or take one off."""
    act = restricting.unname_person if off else restricting.name_person
    return _act(
        visit,
        ref,
        "restriction-changed",
        lambda case: act(visit.session, case.id, clean(name), who=visit.person, now=visit.now),
    )


@router.post("/cases/{ref}/restrict/lift")
def lift(visit: Visiting, ref: str, why: Words = "") -> Response:
    """Ask that everybody sees it again."""

    def change(case: Case) -> None:
        said = tidy(clean(why))
        restricting.ask_to_lift(visit.session, case.id, who=visit.person, why=said, now=visit.now)

    return _act(visit, ref, "lift-asked", change)


@router.post("/cases/{ref}/restrict/answer")
def answer(visit: Visiting, ref: str, agreed: Annotated[bool, Form()] = False) -> Response:
    """Agree to the lifting as the second person, or say no."""

    def change(case: Case) -> None:
        restricting.answer_lift(visit.session, case.id, agreed=agreed, who=visit.person, now=visit.now)

    return _act(visit, ref, "lifted" if agreed else "lift-refused", change)


@router.post("/cases/{ref}/tie")
def tie(visit: Visiting, ref: str) -> Response:
    """Say that one knows somebody in it: back to the queue, as the case is not shown any more."""

    def change(case: Case) -> None:
        ties.declare_tie(visit.session, case.id, who=visit.person, now=visit.now)

    return _act(visit, ref, "tied", change, to="/queue")


@router.post("/cases/{ref}/tie/{tie}/withdraw")
def withdraw(visit: Visiting, ref: str, tie: UUID, why: Words = "") -> Response:
    """Let a person work on it again."""

    def change(_case: Case) -> None:
        ties.withdraw_tie(visit.session, tie, who=visit.person, why=tidy(clean(why)), now=visit.now)

    return _act(visit, ref, "tie-withdrawn", change)


def _act(visit: Visit, ref: str, said: str, change: Callable[[Case], None], to: str = "") -> Response:
    case = find_case(visit.session, ref)
    here = f"/cases/{case.number}"
    return visit.attempt(lambda: change(case), here) or visit.back(
        said, to or here, part="" if to else "who-sees"
    )
