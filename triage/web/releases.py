"""The page on which the release of a case's body-worn video is decided, with all that was decided before; its forms."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from collector.plain import clean
from triage import release
from triage.body_worn import share_seen
from triage.checking_facts import FactKinds
from triage.locked import LONDON, Conflict
from triage.permissions import Permission, may
from triage.records import OPEN, Case, Person
from triage.release_facts import reference_of
from triage.release_form import NOTHING_HIDDEN, Given, Told, Unanswered, cannot_be_released
from triage.release_records import BwvDecision, ReleaseOutcome
from triage.track_records import BodyWornVideo
from triage.web.queue import find_case
from triage.web.visit import Visit, Visiting

router = APIRouter()

Short = Annotated[str, Form(max_length=300)]
Words = Annotated[str, Form(max_length=5_000)]
Several = Annotated[list[str], Form(default_factory=list)]
Which = Annotated[UUID | None, Form()]
Field = Annotated[str, Form(max_length=40)]
OUTCOMES = {
    ReleaseOutcome.RELEASE: "Release it",
    ReleaseOutcome.DO_NOT_RELEASE: "Do not release it",
    ReleaseOutcome.DEFER: "Decide later",
}
DECIDED = {
    ReleaseOutcome.RELEASE: "To be released",
    ReleaseOutcome.DO_NOT_RELEASE: "Not released",
    ReleaseOutcome.DEFER: "Decided later",
}


class Filled(NamedTuple):
    """The form as it was typed. `told` has, by name, the time and the reason as they were written."""

    policy: str = ""
    outcome: str = ""
    asked_at: str = ""
    answers: Mapping[str, str] = {}
    exception: str = ""
    necessity: str = ""
    proportionality: str = ""
    redactions: Sequence[str] = ()
    other: str = ""
    told: Mapping[str, tuple[str, str]] = {}
    reason: str = ""
    lawful_basis: str = ""
    why: str = ""

    def read(self) -> Given:
        """What was typed, understood; a time that is none counts as missing."""
        return Given(
            policy=self.policy,
            outcome=self.outcome,
            asked_at=_moment(self.asked_at),
            answers=self.answers,
            exception=self.exception,
            necessity=self.necessity,
            proportionality=self.proportionality,
            redactions=[each for each in (*self.redactions, self.other.strip()) if each],
            told={name: Told(_moment(at), why) for name, (at, why) in self.told.items()},
            reason=self.reason,
            lawful_basis=self.lawful_basis,
            why=self.why,
        )


class ReleaseShown(NamedTuple):
    """What a case page says of a release: what is in force and what waits."""

    stands: BwvDecision | None
    waits: BwvDecision | None


def read_release(session: Session, case_id: UUID) -> ReleaseShown:
    return ReleaseShown(release.standing_release(session, case_id), release.waiting_release(session, case_id))


@router.get("/cases/{ref}/body-worn")
def body_worn_page(visit: Visiting, ref: str) -> HTMLResponse:
    """What is known of it, what was decided, and the form of the day's policy."""
    return _page(visit, find_case(visit.session, ref), Filled())


@router.post("/cases/{ref}/body-worn/decide")
def decide(
    visit: Visiting, ref: str, about: Several, words: Several, redaction: Several, party: Several,
    told_at: Several, told_why: Several, policy: Field = "", outcome: Field = "", asked_at: Field = "",
    exception: Field = "", necessity: Words = "", proportionality: Words = "", other: Short = "",
    reason: Field = "", lawful_basis: Words = "", why: Words = "",
) -> Response:  # fmt: skip
    """Decide; what is missing is said by field, and what was typed stays."""
    case = find_case(visit.session, ref)
    filled = Filled(
        policy=policy, outcome=outcome, asked_at=asked_at, exception=exception, reason=reason,
        answers={name: clean(said) for name, said in zip(about, words, strict=False)},
        told={name: (at, clean(said)) for name, at, said in zip(party, told_at, told_why, strict=False)},
        necessity=clean(necessity), proportionality=clean(proportionality), other=clean(other),
        redactions=[clean(each) for each in redaction], lawful_basis=clean(lawful_basis), why=clean(why),
    )  # fmt: skip
    try:
        made = release.decide_release(
            visit.session, case.id, visit.room.policies.release, filled.read(), _kinds(visit),
            who=visit.person, now=visit.now,
        )  # fmt: skip
        said = "release-decided" if made.decided_at else "release-asked"
        visit.session.commit()
    except Unanswered as missing:
        visit.session.rollback()
        return _page(visit, find_case(visit.session, ref), filled, missing.fields, 422)
    except Conflict as conflict:
        visit.session.rollback()
        return _page(visit, find_case(visit.session, ref), filled, {"outcome": str(conflict)}, 409)
    return visit.back(said, f"/cases/{case.number}/body-worn")


@router.post("/cases/{ref}/body-worn/answer")
def answer(
    visit: Visiting, ref: str, decision: Which = None, agreed: Annotated[bool, Form()] = False
) -> Response:
    """Agree as the second person, or not."""
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}

    def change(case: Case) -> None:
        found = _of(visit, case, decision)
        if agreed:
            release.agree_release(visit.session, found, visit.room.policies.release, _kinds(visit), **given)
        else:
            release.refuse_release(visit.session, found, **given)

    return _act(visit, ref, "release-decided" if agreed else "release-refused", change)


@router.post("/cases/{ref}/body-worn/item")
def item(visit: Visiting, ref: str, decision: Which = None, item: Short = "") -> Response:
    """The reference of what was released, elsewhere."""

    def change(case: Case) -> None:
        found = _of(visit, case, decision)
        release.enter_item(visit.session, found, clean(item), who=visit.person, now=visit.now)

    return _act(visit, ref, "release-item", change)


def _page(
    visit: Visit, case: Case, filled: Filled, wrong: dict[str, str] | None = None, status: int = 200
) -> HTMLResponse:
    session, policies = visit.session, visit.room.policies.release
    decisions = release.releases(session, case.id)
    bwv = session.get(BodyWornVideo, case.id)
    clip_s = release.longest_clip(session, case.id)
    return visit.page(
        "release.html",
        status,
        case=case,
        policy=policies.on(visit.now.astimezone(LONDON).date()),
        policies=policies,
        decisions=decisions,
        shown=read_release(session, case.id),
        bwv=bwv or BodyWornVideo(case_id=case.id, version=0, changed_at=visit.now),
        clip_s=clip_s,
        share=share_seen(clip_s, bwv.encounter_s if bwv else None),
        filled=filled,
        wrong=wrong or {},
        outcomes=OUTCOMES,
        decided=DECIDED,
        nothing=NOTHING_HIDDEN,
        references={each.id: reference_of(each) for each in decisions},
        barred=cannot_be_released(bwv),
        open_to_me=case.status in OPEN and may_decide(visit.person),
    )


def may_decide(who: Person) -> bool:
    return may(who, Permission.DECIDE_RELEASE)


def _act(visit: Visit, ref: str, said: str, change: Callable[[Case], None]) -> Response:
    case = find_case(visit.session, ref)
    back = f"/cases/{case.number}/body-worn"
    return visit.attempt(lambda: change(case), back) or visit.back(said, back)


def _of(visit: Visit, case: Case, decision: UUID | None) -> UUID:
    """The decision, if it is one of this case."""
    found = visit.session.get(BwvDecision, decision) if decision else None
    if found is None or found.case_id != case.id:
        raise Conflict("There is no such decision on this case.")
    return found.id


def _kinds(visit: Visit) -> FactKinds | None:
    writing = visit.room.policies.writing
    return writing.facts if writing else None


def _moment(written: str) -> datetime | None:
    """London time as a browser's field gives it; none for what is no time."""
    try:
        return datetime.fromisoformat(written.strip().replace(" ", "T")).replace(tzinfo=LONDON)
    except ValueError:
        return None
