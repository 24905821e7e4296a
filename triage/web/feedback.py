"""What BCUs and panels are told after a meeting: what is due, what was sent, who confirmed; panels' forms."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlmodel import col, select

from collector.plain import clean
from triage.locked import LONDON, Conflict
from triage.permissions import Permission, may
from triage.records import Case
from triage.review import actions, feedback, panel_feedback
from triage.review.deciding import standing_finding
from triage.review.finding_records import Feedback, PanelForm, YouSaid
from triage.review.meeting_records import Review
from triage.review.panel_feedback import BadRow, Refused
from triage.web.findings import Short, Words, codes_of, day_of
from triage.web.visit import Visit, Visiting

router = APIRouter()

VIEWS = {"": "To do", "sent": "Waiting for word", "done": "Confirmed", "all": "All"}
MOST, MOST_LINES = 100, 12
LARGEST_FILE = 200_000


class FeedbackRow(NamedTuple):
    """Feedback with its case and meeting. `changed`: the finding was corrected after it was sent."""

    feedback: Feedback
    case: Case
    review: Review
    day: str
    late: bool
    changed: bool


@router.get("/feedback")
def feedback_page(visit: Visiting, view: str = "") -> HTMLResponse:
    """What is due to BCUs, what panels said and were told."""
    return _page(visit, view if view in VIEWS else "")


@router.post("/feedback/forms")
def import_forms(visit: Visiting, file: UploadFile) -> Response:
    """Import panels' forms from a file; with one bad row, none."""
    read = file.file.read(LARGEST_FILE + 1)
    try:
        if len(read) > LARGEST_FILE:
            raise Refused([BadRow(0, f"The file is larger than {LARGEST_FILE // 1000} KB: split it.")])
        panel_feedback.import_forms(visit.session, read, codes_of(visit), who=visit.person, now=visit.now)
        visit.session.commit()
    except Refused as refused:
        visit.session.rollback()
        return _page(visit, "", refused.rows, 422)
    return visit.back("forms-imported", "/feedback", part="h-forms")


@router.post("/feedback/said")
def say(
    visit: Visiting, panel: Short = "", said: Words = "", did: Words = "", action: Short = ""
) -> Response:
    """Write one line of "you said, we did"."""

    def change() -> None:
        number = action.strip().upper().removeprefix("A-")
        found = None
        if number:
            found = actions.find_action(visit.session, int(number)) if number.isdecimal() else None
            if found is None:
                raise Conflict("There is no such action.")
        panel_feedback.say_done(
            visit.session,
            clean(panel),
            clean(said),
            clean(did),
            action=found,
            who=visit.person,
            now=visit.now,
        )

    return _act(visit, "panel-answered", change, "h-said")


@router.post("/feedback/said/{line}/told")
def told(visit: Visiting, line: UUID) -> Response:
    """Record that the panel was told."""

    def change() -> None:
        panel_feedback.record_told(visit.session, line, who=visit.person, now=visit.now)

    return _act(visit, "panel-told", change, "h-said")


@router.post("/feedback/{feedback_id}/write")
def write(visit: Visiting, feedback_id: UUID, words: Words = "") -> Response:
    """Write over what the BCU is told."""

    def change() -> None:
        feedback.write_feedback(visit.session, feedback_id, clean(words), who=visit.person, now=visit.now)

    return _act(visit, "feedback-written", change, f"f-{feedback_id}")


@router.post("/feedback/{feedback_id}/sent")
def sent(visit: Visiting, feedback_id: UUID, to: Short = "", sent_at: Short = "") -> Response:
    """Record that it was sent, elsewhere."""

    def change() -> None:
        feedback.record_sent(
            visit.session, feedback_id, clean(to), sent_at=_moment(sent_at), who=visit.person, now=visit.now
        )

    return _act(visit, "feedback-sent", change, f"f-{feedback_id}")


@router.post("/feedback/{feedback_id}/confirmed")
def confirmed(visit: Visiting, feedback_id: UUID, by: Short = "") -> Response:
    """Enter that the BCU confirmed the officer was told."""

    def change() -> None:
        feedback.confirm_told(visit.session, feedback_id, clean(by), who=visit.person, now=visit.now)

    return _act(visit, "feedback-confirmed", change, f"f-{feedback_id}")


def _page(visit: Visit, view: str, bad_rows: Sequence[BadRow] = (), status: int = 200) -> HTMLResponse:
    session, codes = visit.session, visit.room.policies.findings
    forms = session.exec(select(PanelForm).order_by(col(PanelForm.met_on).desc())).all()
    lines = session.exec(
        select(YouSaid).order_by(col(YouSaid.told_at).is_not(None), col(YouSaid.written_at).desc())
    )
    return visit.page(
        "feedback.html",
        status,
        rows=_rows(visit, view),
        view=view,
        views=VIEWS.items(),
        forms=forms,
        newest=forms[:MOST_LINES],
        scores=panel_feedback.scores(forms, codes) if codes else [],
        questions=codes.panel_question if codes else (),
        lines=list(lines)[:MOST_LINES],
        numbers=_numbers(visit, forms),
        bad_rows=bad_rows,
        mine=may(visit.person, Permission.DECIDE_FINDING),
    )


def _rows(visit: Visit, view: str) -> list[FeedbackRow]:
    asked = (
        select(Feedback, Case, Review)
        .join(Case, col(Case.id) == col(Feedback.case_id))
        .join(Review, col(Review.id) == col(Feedback.review_id))
    )
    unsent, unconfirmed = col(Feedback.sent_at).is_(None), col(Feedback.confirmed_at).is_(None)
    if view == "":
        asked = asked.where(unsent)
    elif view == "sent":
        asked = asked.where(~unsent, unconfirmed)
    elif view == "done":
        asked = asked.where(~unconfirmed)
    order = col(Feedback.due_at) if view in ("", "sent") else col(Feedback.due_at).desc()
    found = visit.session.exec(asked.order_by(order, col(Case.number)).limit(MOST)).all()
    return [
        FeedbackRow(
            each,
            case,
            review,
            day_of(review),
            (each.sent_at or visit.now) > each.due_at,
            _changed(visit, each),
        )
        for each, case, review in found
    ]


def _changed(visit: Visit, each: Feedback) -> bool:
    if each.sent_at is None:
        return False
    stands = standing_finding(visit.session, each.review_id, each.case_id)
    return stands is not None and stands.entered_at > each.sent_at


def _numbers(visit: Visit, forms: Sequence[PanelForm]) -> dict[UUID, int]:
    ids = {each.case_id for each in forms if each.case_id}
    return {
        case: number or 0
        for case, number in visit.session.exec(select(Case.id, Case.number).where(col(Case.id).in_(ids)))
    }


def _act(visit: Visit, said: str, change: Callable[[], None], part: str) -> Response:
    return visit.attempt(change, "/feedback") or visit.back(
        said, "/feedback?view=all" if part.startswith("f-") else "/feedback", part=part
    )


def _moment(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written.strip()).replace(tzinfo=LONDON)
    except ValueError:
        return None
