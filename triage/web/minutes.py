"""The minutes of a meeting: drafted, edited, approved, corrected, taken along as text or HTML."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response

from collector.plain import clean
from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, may
from triage.review import minutes
from triage.review.attendance import sheet_of
from triage.review.deciding import changed_since
from triage.review.finding_records import Minutes
from triage.review.meeting_records import Review
from triage.web.findings import Several, Words, day_of, find_meeting, terms_of
from triage.web.visit import Visit, Visiting

router = APIRouter()

Part = Annotated[str, Form(max_length=60)]
Number = Annotated[int, Form(ge=0, le=100_000)]
NONE = "No minutes have been drafted for this meeting."


@router.get("/reviews/{day}/minutes")
def minutes_page(visit: Visiting, day: str) -> HTMLResponse:
    """The minutes as they stand; a form while they are not approved."""
    review = find_meeting(visit.session, day)
    return _page(visit, review)


@router.get("/reviews/{day}/minutes.txt")
def minutes_text(visit: Visiting, day: str) -> Response:
    """The minutes as text. The log says who took them along."""
    review, found = _taken(visit, day, "text")
    text = minutes.as_text(visit.session, found, review)
    visit.session.commit()
    return _file(text, "text/plain; charset=utf-8", f"minutes-{day}.txt")


@router.get("/reviews/{day}/minutes.html")
def minutes_html(visit: Visiting, day: str) -> Response:
    """The minutes as one page that needs nothing else."""
    review, found = _taken(visit, day, "html")
    made = visit.part(
        "minutes_file.html",
        review=review,
        state=minutes.state_of(found),
        parts=minutes.shown(visit.session, found),
        corrections=minutes.corrections_of(visit.session, found.id),
    )
    visit.session.commit()
    return _file(bytes(made.body).decode(), "text/html; charset=utf-8", f"minutes-{day}.html")


@router.post("/reviews/{day}/minutes/draft")
def draft(visit: Visiting, day: str) -> Response:
    """Draft them from the records, or draft them again."""

    def change(review: Review) -> None:
        minutes.draft_minutes(
            visit.session, review.id, terms_of(visit).group, who=visit.person, now=visit.now
        )

    return _act(visit, day, "minutes-drafted", change)


@router.post("/reviews/{day}/minutes/edit")
def edit(visit: Visiting, day: str, part: Several, words: Several, version: Number = 0) -> Response:
    """Write parts over."""
    said = {name: clean(each) for name, each in zip(part, words, strict=False)}

    def change(review: Review) -> None:
        found = _found(visit, review)
        minutes.edit_minutes(visit.session, found.id, said, version=version, who=visit.person, now=visit.now)

    return _act(visit, day, "minutes-edited", change)


@router.post("/reviews/{day}/minutes/approve")
def approve(visit: Visiting, day: str) -> Response:
    """Approve them for the group, as who chairs it."""

    def change(review: Review) -> None:
        group, found = terms_of(visit).group, _found(visit, review)
        minutes.approve_minutes(visit.session, found.id, group, who=visit.person, now=visit.now)

    return _act(visit, day, "minutes-approved", change)


@router.post("/reviews/{day}/minutes/correct")
def correct(visit: Visiting, day: str, part: Part = "", words: Words = "", why: Words = "") -> Response:
    """Append to approved minutes."""

    def change(review: Review) -> None:
        found = _found(visit, review)
        minutes.correct_minutes(
            visit.session, found.id, clean(words), clean(why), part=part, who=visit.person, now=visit.now
        )

    return _act(visit, day, "minutes-corrected", change)


def _page(visit: Visit, review: Review) -> HTMLResponse:
    found = minutes.minutes_of(visit.session, review.id)
    mine = may(visit.person, Permission.DECIDE_FINDING)
    following = minutes.next_meeting(visit.session, review, now=visit.now)
    shown: dict[str, Any] = {"parts": [], "corrections": [], "state": "", "approves": ""}
    if found is not None:
        shown["parts"] = minutes.shown(visit.session, found)
        shown["corrections"] = minutes.corrections_of(visit.session, found.id)
        shown["state"] = minutes.state_of(found)
        shown["approves"] = _cannot_approve(visit, found, following)
    return visit.page(
        "minutes.html",
        review=review,
        day=day_of(review),
        minutes=found,
        mine=mine,
        begun=review.meets_at <= visit.now,
        following=following,
        late=changed_since(visit.session, review),
        **shown,
    )


def _cannot_approve(visit: Visit, found: Minutes, following: Review | None) -> str:
    """Why who looks cannot approve them now, if so."""
    if following is None:
        return "That meeting has not begun."
    if visit.person.username in minutes.writers(found):
        return "Somebody who did not write them approves them."
    group = terms_of(visit).group
    sheet = sheet_of(visit.session, following.id)
    if not any(minutes.chairs(each, visit.person, group) for each in sheet):
        return "Who chairs the meeting that approves them enters it here."
    return ""


def _found(visit: Visit, review: Review) -> Minutes:
    found = minutes.minutes_of(visit.session, review.id)
    if found is None:
        raise Conflict(NONE)
    return found


def _taken(visit: Visit, day: str, form: str) -> tuple[Review, Minutes]:
    """The minutes, and a line in the log that they are taken along."""
    review = find_meeting(visit.session, day)
    found = minutes.minutes_of(visit.session, review.id)
    if found is None:
        raise HTTPException(404, NONE)
    detail = {"meeting": day_of(review), "version": found.version, "form": form}
    note(
        visit.session,
        [Line("minutes exported", None, None, detail)],
        who=visit.person.username,
        now=visit.now,
    )
    return review, found


def _file(made: str, kind: str, name: str) -> Response:
    return Response(made, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _act(visit: Visit, day: str, said: str, change: Callable[[Review], None]) -> Response:
    review = find_meeting(visit.session, day)
    back = f"/reviews/{day_of(review)}/minutes"
    return visit.attempt(lambda: change(review), back) or visit.back(said, back)
