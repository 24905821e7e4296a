"""The page on which the oversight group decides on one case at one meeting: its finding, referrals, actions."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from collector.plain import clean
from triage.body_worn import share_seen
from triage.locked import LONDON, Conflict
from triage.permissions import Permission, may
from triage.records import Case
from triage.release import longest_clip
from triage.review import actions, deciding, feedback
from triage.review.finding_codes import FindingCodes
from triage.review.finding_form import MOST_DISSENT, Given, ReferralGiven, Unanswered
from triage.review.finding_records import (
    Action,
    ActionTarget,
    Feedback,
    Finding,
    Referral,
    ReferralBody,
    Talk,
)
from triage.review.meeting_records import Review, ReviewItem
from triage.review.merging import came_from
from triage.track_records import BodyWornVideo
from triage.web.queue import find_case
from triage.web.visit import Visit, Visiting

router = APIRouter()

Short = Annotated[str, Form(max_length=300)]
Words = Annotated[str, Form(max_length=5_000)]
Several = Annotated[list[str], Form(default_factory=list)]
Which = Annotated[UUID | None, Form()]
Number = Annotated[int, Form(ge=0, le=10_000)]
DISSENT_ROWS = 2
TALK = {
    Talk.YES: "Yes: talking more might have avoided force",
    Talk.NO: "No",
    Talk.UNCLEAR: "Not clear",
    Talk.NO_FORCE: "No force was used",
}
SCORES = {"1": "1 poor", "2": "2", "3": "3 fair", "4": "4", "5": "5 exemplary"}
TARGETS = {
    ActionTarget.OFFICER: "Officer, through the supervisor",
    ActionTarget.BCU: "BCU",
    ActionTarget.UNIT: "Unit",
    ActionTarget.TRAINING: "Training",
    ActionTarget.POLICY: "Policy",
    ActionTarget.COMMS: "Communications",
    ActionTarget.COMMUNITY: "Community",
}
BODIES = {ReferralBody.DPS: "DPS", ReferralBody.IOPC: "IOPC"}
NO_GROUP = (
    "Nothing can be decided here: config/review/group.toml says who is in the group, tracks.toml what bars."
)
NO_CODES = "Nothing can be decided here: config/review/findings.toml lists what the group can find."


class Typed(NamedTuple):
    """The forms of the page as they were typed; the days as they were written."""

    given: Given = Given()
    made_on: str = ""
    action: actions.ActionGiven = actions.ActionGiven()
    due_on: str = ""


class CaseFindings(NamedTuple):
    """What a case page says of the oversight group: every version of its findings, referrals, actions, feedback; of
    those that came with another case, `origins` has its number."""

    findings: Sequence[tuple[Finding, Review]]
    referrals: Sequence[Referral]
    actions: Sequence[tuple[Action, str]]
    feedback: Sequence[Feedback]
    origins: Mapping[UUID, int] = {}

    @property
    def standing(self) -> list[tuple[Finding, Review]]:
        return [each for each in self.findings if each[0].superseded_at is None]


def read_findings(session: Session, case_id: UUID, *, now: datetime) -> CaseFindings:
    today = now.astimezone(LONDON).date()
    return CaseFindings(
        deciding.findings_of(session, case_id),
        deciding.standing_referrals(session, case_id),
        [(each, actions.band_of(each, today)) for each in actions.actions_of(session, case_id)],
        feedback.feedback_of(session, case_id),
        came_from(session, case_id),
    )


def find_meeting(session: Session, day: str) -> Review:
    """The meeting on a day of London's calendar, as `2026-07-14`. Raises 404."""
    try:
        begins = datetime.combine(date.fromisoformat(day), time(), LONDON)
    except ValueError:
        begins = None
    if begins is not None:
        on_it = select(Review).where(
            col(Review.meets_at) >= begins, col(Review.meets_at) < begins + timedelta(days=1)
        )
        if (found := session.exec(on_it.order_by(col(Review.meets_at))).first()) is not None:
            return found
    raise HTTPException(404, "There is no meeting on this day.")


def day_of(review: Review) -> str:
    return review.meets_at.astimezone(LONDON).date().isoformat()


def codes_of(visit: Visit) -> FindingCodes:
    """Raises 404 where no list of findings is set up."""
    if visit.room.policies.findings is None:
        raise HTTPException(404, NO_CODES)
    return visit.room.policies.findings


def terms_of(visit: Visit) -> deciding.Terms:
    """What deciding goes by. Raises 404 where it is not set up."""
    codes, cycle, lifecycle = codes_of(visit), visit.room.policies.cycle, visit.room.lifecycle
    if cycle is None or lifecycle is None:
        raise HTTPException(404, NO_GROUP)
    return deciding.Terms(codes, cycle.group, lifecycle)


@router.get("/reviews/{day}/cases/{ref}")
def decide_page(visit: Visiting, day: str, ref: str) -> HTMLResponse:
    """What is known, what was found before, and the form."""
    review, case = find_meeting(visit.session, day), find_case(visit.session, ref)
    before = deciding.standing_finding(visit.session, review.id, case.id)
    return _page(visit, review, case, Typed(given=_as_typed(before)))


@router.post("/reviews/{day}/cases/{ref}/decide")
def decide(
    visit: Visiting, day: str, ref: str, secondary: Several, step: Several, step_words: Several,
    dissent_post: Several, dissent_words: Several, code: Short = "", talk: Short = "", communication: Short = "",
    legality: Short = "", went_well: Words = "", decision: Words = "", why: Words = "", body: Short = "",
    kind: Short = "", by_post: Short = "", made_on: Short = "", reference: Short = "", correction_why: Words = "",
    seen: Number = 0,
) -> Response:  # fmt: skip
    """Enter what the group found; what is missing is said by field, and what was typed stays."""
    review, case = find_meeting(visit.session, day), find_case(visit.session, ref)
    referral = ReferralGiven(body, kind, clean(by_post), written_day(made_on), clean(reference))
    given = Given(
        code=code, secondary=secondary, talk=talk, communication=communication, legality=legality,
        went_well=clean(went_well), decision=clean(decision), why=clean(why), seen=seen, referral=referral,
        steps={name: clean(said) for name, said in zip(step, step_words, strict=False)},
        dissent=[
            (clean(post), clean(said)) for post, said in zip(dissent_post, dissent_words, strict=False)
        ][:MOST_DISSENT],
        correction_why=clean(correction_why),
    )  # fmt: skip
    typed = Typed(given=given, made_on=made_on)

    def change() -> None:
        deciding.decide(
            visit.session, review.id, case.id, terms_of(visit), given, who=visit.person, now=visit.now
        )  # fmt: skip

    return _act(visit, review, case, change, typed, "finding-corrected" if seen else "finding-decided")


@router.post("/reviews/{day}/cases/{ref}/actions")
def ask(
    visit: Visiting, day: str, ref: str, words: Words = "", owner_post: Short = "", due_on: Short = "",
    target: Short = "", theme: Short = "",
) -> Response:  # fmt: skip
    """Ask a post for something because of this case."""
    review, case = find_meeting(visit.session, day), find_case(visit.session, ref)
    given = actions.ActionGiven(clean(words), clean(owner_post), written_day(due_on), target, theme)
    before = deciding.standing_finding(visit.session, review.id, case.id)
    typed = Typed(given=_as_typed(before), action=given, due_on=due_on)
    themes = [each.name for each in codes_of(visit).theme]

    def change() -> None:
        actions.open_action(
            visit.session, review.id, given, case_id=case.id, themes=themes, who=visit.person, now=visit.now
        )

    return _act(visit, review, case, change, typed, "action-opened", part="h-actions")


@router.post("/cases/{ref}/referrals")
def refer(
    visit: Visiting, ref: str, body: Short = "", kind: Short = "", by_post: Short = "", made_on: Short = "",
    reference: Short = "", corrects: Which = None, why: Words = "",
) -> Response:  # fmt: skip
    """Record that somebody referred the case, elsewhere; or correct an entry."""
    case = find_case(visit.session, ref)
    given = ReferralGiven(body, kind, clean(by_post), written_day(made_on), clean(reference))

    def change() -> None:
        deciding.record_referral(
            visit.session, case.id, given, corrects=corrects, correction_why=clean(why), who=visit.person,
            now=visit.now,
        )  # fmt: skip

    return _referred(visit, case, f"/cases/{case.number}", "referral-recorded", change)


@router.post("/cases/{ref}/referrals/{referral}/back")
def take_back(visit: Visiting, ref: str, referral: UUID, why: Words = "", day: Short = "") -> Response:
    """Say that an entry of a referral was wrong."""
    case = find_case(visit.session, ref)
    back = f"/reviews/{day}/cases/{case.number}" if written_day(day) else f"/cases/{case.number}"

    def change() -> None:
        deciding.take_back_referral(
            visit.session, case.id, referral, why=clean(why), who=visit.person, now=visit.now
        )

    return _referred(visit, case, back, "referral-back", change)


def _referred(visit: Visit, case: Case, back: str, said: str, change: Callable[[], None]) -> Response:
    return visit.attempt(change, back) or visit.back(
        said, back, part="h-referrals" if back != f"/cases/{case.number}" else "findings"
    )


def _page(
    visit: Visit,
    review: Review,
    case: Case,
    typed: Typed,
    wrong: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    session, codes = visit.session, codes_of(visit)
    shown = read_findings(session, case.id, now=visit.now)
    bwv, clip_s = session.get(BodyWornVideo, case.id), longest_clip(session, case.id)
    stands = next((each for each, of in shown.standing if of.id == review.id), None)
    item = session.get(ReviewItem, (case.id, review.id))
    return visit.page(
        "finding.html",
        status,
        case=case,
        review=review,
        day=day_of(review),
        item=item,
        codes=codes,
        typed=typed,
        wrong=wrong or {},
        shown=shown,
        stands=stands,
        bwv=bwv,
        clip_s=clip_s,
        share=share_seen(clip_s, bwv.encounter_s if bwv else None),
        refused=_refused(visit, review, case),
        dissent_rows=max(DISSENT_ROWS, len(typed.given.dissent)),
        posts=visit.room.lifecycle.roles if visit.room.lifecycle else (),
        lawful=[(each.name, each.title) for each in codes.legality],
        themes=[(each.name, each.title) for each in codes.theme],
        talk=TALK,
        scores=SCORES,
        targets=TARGETS,
        bodies=BODIES,
    )


def _refused(visit: Visit, review: Review, case: Case) -> str:
    """Why nothing can be decided here now, if so."""
    if not may(visit.person, Permission.DECIDE_FINDING):
        return "Oversight reviewers decide."
    try:
        deciding.must_be_decided_here(
            visit.session, review.id, case, terms_of(visit), who=visit.person, now=visit.now
        )
    except Conflict as conflict:
        return str(conflict)
    return ""


def _act(
    visit: Visit,
    review: Review,
    case: Case,
    change: Callable[[], None],
    typed: Typed,
    said: str,
    part: str = "",
) -> Response:
    day, number = day_of(review), case.number
    try:
        change()
        visit.session.commit()
    except (Unanswered, Conflict) as conflict:
        visit.session.rollback()
        wrong = conflict.fields if isinstance(conflict, Unanswered) else {"code": str(conflict)}
        status = 422 if isinstance(conflict, Unanswered) else 409
        again = find_meeting(visit.session, day), find_case(visit.session, str(number))
        return _page(visit, *again, typed, wrong, status)
    return visit.back(said, f"/reviews/{day}/cases/{number}", part=part)


def _as_typed(before: Finding | None) -> Given:
    """The form filled in with the finding that stands, to be corrected."""
    if before is None:
        return Given()
    return Given(
        code=before.code, secondary=before.secondary, talk=before.talk or "",
        communication=str(before.communication or ""), legality=before.legality or "",
        went_well=before.went_well or "", decision=before.decision, why=before.why,
        steps={each["step"]: each["words"] for each in before.steps},
        dissent=[(each["post"], each["words"]) for each in before.dissent], seen=before.version,
    )  # fmt: skip


def written_day(written: str) -> date | None:
    """The day that a field of a form holds; none for what is no day."""
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        return None
