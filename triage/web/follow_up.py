"""The actions of the oversight group: what is open and how long overdue; one action with all that was entered."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from collector.plain import clean
from triage.locked import LONDON, Conflict
from triage.permissions import Permission, may
from triage.records import Case
from triage.review import actions
from triage.review.finding_form import Unanswered
from triage.review.finding_records import Action, ActionOutcome
from triage.review.meeting_records import Review
from triage.web.findings import TARGETS, Short, Words, codes_of, day_of, written_day
from triage.web.visit import Numbered, Visit, Visiting

router = APIRouter()

Act = Annotated[str, Form(max_length=20)]
BANDS = (
    "overdue for six weeks",
    "overdue for two weeks",
    "overdue",
    "done, to be closed",
    "due within a week",
    "not due yet",
)
OUTCOMES = {
    ActionOutcome.WORKED: "It worked",
    ActionOutcome.PARTLY: "It worked in part",
    ActionOutcome.DID_NOT_WORK: "It did not work",
    ActionOutcome.NOT_KNOWN: "Not known",
    ActionOutcome.NOT_DONE: "It was not done",
}
VIEWS = {"": "Open", "closed": "Closed", "all": "All"}
MOST = 300


class ActionRow(NamedTuple):
    """An action in a list, with its band, the number of its case, and its meeting."""

    action: Action
    band: str
    case: int | None
    review: Review


@router.get("/actions")
def actions_page(visit: Visiting, view: str = "", target: str = "") -> HTMLResponse:
    """Open actions, the longest overdue first."""
    return _list(visit, view if view in VIEWS else "", target)


@router.post("/actions")
def ask(
    visit: Visiting, words: Words = "", owner_post: Short = "", due_on: Short = "", target: Short = "",
    theme: Short = "",
) -> Response:  # fmt: skip
    """Ask a post for something that is about no one case, at the last meeting."""
    given = actions.ActionGiven(clean(words), clean(owner_post), written_day(due_on), target, theme)
    themes = [each.name for each in codes_of(visit).theme]
    try:
        review = _last_meeting(visit.session, visit.now)
        if review is None:
            raise Conflict("No meeting has begun yet.")
        made = actions.open_action(
            visit.session, review.id, given, themes=themes, who=visit.person, now=visit.now
        )
        number = made.number
        visit.session.commit()
    except Unanswered as missing:
        visit.session.rollback()
        return _list(visit, "", "", given, due_on, missing.fields, 422)
    except Conflict as conflict:
        visit.session.rollback()
        return _list(visit, "", "", given, due_on, {"action-words": str(conflict)}, 409)
    return visit.back("action-opened", f"/actions/{number}")


@router.get("/actions/{number}")
def action_page(visit: Visiting, number: Numbered) -> HTMLResponse:
    """One action, with what was entered under it."""
    found = _found(visit.session, number)
    [row] = _rows(visit.session, [found], visit.now)
    return visit.page(
        "action.html",
        row=row,
        notes=actions.notes_of(visit.session, found.id),
        day=day_of(row.review),
        closed_in=visit.session.get(Review, found.closed_in) if found.closed_in else None,
        mine=may(visit.person, Permission.DECIDE_FINDING),
        targets=TARGETS,
        outcomes=OUTCOMES,
    )


@router.post("/actions/{number}/{act}")
def act(
    visit: Visiting, number: Numbered, act: str, words: Words = "", due_on: Short = "", outcome: Act = ""
) -> Response:
    """Note progress, move the due date, enter evidence, close it, take it up again."""
    found = _found(visit.session, number)
    words = clean(words)
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}
    known: Mapping[str, tuple[str, Callable[[], object]]] = {
        "note": ("action-noted", lambda: actions.note_progress(visit.session, found.id, words, **given)),
        "due": (
            "action-moved",
            lambda: actions.move_due(visit.session, found.id, written_day(due_on), words, **given),
        ),
        "done": ("action-done", lambda: actions.complete(visit.session, found.id, words, **given)),
        "close": (
            "action-closed",
            lambda: actions.close(visit.session, found.id, actions.Closing(outcome, words), **given),
        ),
        "reopen": ("action-reopened", lambda: actions.reopen_action(visit.session, found.id, words, **given)),
    }
    if act not in known:
        raise HTTPException(404, "There is no such thing to do with an action.")
    said, change = known[act]
    back = f"/actions/{number}"
    return visit.attempt(change, back) or visit.back(said, back)


def _list(
    visit: Visit,
    view: str,
    target: str,
    typed: actions.ActionGiven = actions.ActionGiven(),  # noqa: B008  a value
    due_on: str = "",
    wrong: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    asked = select(Action)
    if view != "all":
        asked = asked.where(
            col(Action.closed_at).is_(None) if not view else col(Action.closed_at).is_not(None)
        )
    if target in set(TARGETS):
        asked = asked.where(Action.target == target)
    order = col(Action.closed_at).desc() if view == "closed" else col(Action.due_on)
    found = visit.session.exec(asked.order_by(order, col(Action.number)).limit(MOST + 1)).all()
    rows = _rows(visit.session, found[:MOST], visit.now)
    if not view:
        rows.sort(key=lambda each: BANDS.index(each.band))
    counts = Counter(each.band for each in rows)
    codes = visit.room.policies.findings
    lifecycle = visit.room.lifecycle
    return visit.page(
        "actions.html",
        status,
        rows=rows,
        more=len(found) > MOST,
        view=view,
        views=VIEWS.items(),
        target=target,
        targets=TARGETS,
        outcomes=OUTCOMES,
        bands=[(name, counts[name]) for name in BANDS if counts[name]],
        typed=typed,
        due_on=due_on,
        wrong=wrong or {},
        last=_last_meeting(visit.session, visit.now)
        if may(visit.person, Permission.DECIDE_FINDING)
        else None,
        themes=[(each.name, each.title) for each in codes.theme] if codes else [],
        posts=lifecycle.roles if lifecycle else (),
    )


def _rows(session: Session, found: Sequence[Action], now: datetime) -> list[ActionRow]:
    today = now.astimezone(LONDON).date()
    ids = {each.case_id for each in found if each.case_id}
    numbers = {
        case: number
        for case, number in session.exec(select(Case.id, Case.number).where(col(Case.id).in_(ids)))
    }
    meetings = {
        each.id: each
        for each in session.exec(select(Review).where(col(Review.id).in_({each.review_id for each in found})))
    }
    return [
        ActionRow(
            each,
            actions.band_of(each, today),
            numbers.get(each.case_id) if each.case_id else None,
            meetings[each.review_id],
        )
        for each in found
    ]


def _found(session: Session, number: int) -> Action:
    found = actions.find_action(session, number) if 0 < number < 2**62 else None
    if found is None:
        raise HTTPException(404, "There is no such action.")
    return found


def _last_meeting(session: Session, now: datetime) -> Review | None:
    begun = select(Review).where(col(Review.meets_at) <= now, col(Review.cancelled_at).is_(None))
    return session.exec(begun.order_by(col(Review.meets_at).desc())).first()
