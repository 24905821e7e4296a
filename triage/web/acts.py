"""What people do to cases: each form changes one thing through triage/actions.py, then the page says so."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import RedirectResponse, Response
from sqlmodel import select
from starlette.datastructures import QueryParams

from triage import actions
from triage.exemplary import list_as_exemplary
from triage.records import Alert, AlertState, Case, Desk, Status
from triage.web.filters import Filters, fits
from triage.web.queue import case_row, find_case
from triage.web.security import safe_next
from triage.web.visit import SAID, Visiting, listed
from triage.web.words import REASONS

router = APIRouter()

To = Annotated[str, Form(max_length=2000)]
Why = Annotated[str, Form(max_length=2000)]

# what takes an act back; the row offers it right after
UNDONE_BY = {"claimed": "release", "dismissed": "undo", "watched": "undo", "confirmed": "undo"}
MOST_AT_ONCE = 100
MOST_TAKEN = 20


def _act(visit: Visiting, ref: str, said: str, to: str, change: Callable[[Case], object]) -> Response:
    """Do it, commit, and show it: the row in place for htmx, else back to the page with one sentence.

    What another person did first is told in the words of the act, and nothing is changed.
    """
    case = find_case(visit.session, ref)
    back = safe_next(to or f"/cases/{case.number}")
    try:
        change(case)
        visit.session.commit()
    except actions.Conflict as conflict:
        visit.session.rollback()
        if visit.in_place:
            return case_row(visit, find_case(visit.session, ref), told=str(conflict), wrong=True)
        return visit.page("conflict.html", 409, detail=str(conflict), back=back)
    if visit.in_place:
        done = find_case(visit.session, ref)
        return case_row(visit, done, told=SAID[said], undone_by=UNDONE_BY.get(said, ""))
    return visit.back(said, back, undo=[case.number or 0] if said in UNDONE_BY else [])


@router.post("/cases/{ref}/claim")
def claim(visit: Visiting, ref: str, to: To = "") -> Response:
    return _act(visit, ref, "claimed", to, lambda case: _claim(visit, case.id))


@router.post("/cases/{ref}/release")
def release(visit: Visiting, ref: str, to: To = "") -> Response:
    def change(case: Case) -> object:
        return actions.release(visit.session, case.id, who=visit.person, now=visit.now)

    return _act(visit, ref, "released", to, change)


@router.post("/cases/{ref}/acknowledge")
def acknowledge(visit: Visiting, ref: str, desk: Annotated[Desk, Form()], to: To = "") -> Response:
    """For one desk: the other still has its own alert to answer."""
    return _act(visit, ref, "acknowledged", to, lambda case: _acknowledge(visit, case.id, desk))


@router.post("/cases/{ref}/dismiss")
def dismiss(
    visit: Visiting, ref: str, reason: Annotated[str, Form(max_length=200)] = "", why: Why = "", to: To = ""
) -> Response:
    """`reason` is `<status>: <words>` of an offered one, or `<status>:` with `why` in one's own words."""
    status, _, offered = reason.partition(":")
    words = "; ".join(part for part in (offered.strip(), why.strip()) if part)
    if status not in REASONS or not words:
        return _ask_again(visit, find_case(visit.session, ref), reason, why)

    def change(case: Case) -> object:
        return actions.dismiss(
            visit.session, case.id, who=visit.person, status=Status(status), why=words, now=visit.now
        )

    return _act(visit, ref, "dismissed", to, change)


def _ask_again(visit: Visiting, case: Case, chosen: str, why: str) -> Response:
    wrong = "Choose a reason, or choose what it is and say why in your words"
    shown: dict[str, Any] = {"case": case, "reasons": REASONS, "wrong": wrong, "chosen": chosen, "why": why}
    if not visit.in_place:
        return visit.page("dismiss.html", 422, **shown)
    answer = visit.part("dismiss_form.html", **shown)
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#sheet-body", "innerHTML"
    return answer


@router.post("/cases/{ref}/watch")
def watch(visit: Visiting, ref: str, to: To = "") -> Response:
    def change(case: Case) -> object:
        return actions.watch(visit.session, case.id, who=visit.person, now=visit.now)

    return _act(visit, ref, "watched", to, change)


@router.post("/cases/{ref}/confirm")
def confirm(visit: Visiting, ref: str, to: To = "") -> Response:
    def change(case: Case) -> object:
        return actions.confirm(
            visit.session, case.id, who=visit.person, now=visit.now, lifecycle=visit.room.lifecycle
        )

    return _act(visit, ref, "confirmed", to, change)


@router.post("/cases/{ref}/undo")
def undo(visit: Visiting, ref: str, to: To = "") -> Response:
    """Take back one's own last closing, watching or confirming."""

    def change(case: Case) -> object:
        return actions.undo(
            visit.session, case.id, who=visit.person, now=visit.now, lifecycle=visit.room.lifecycle
        )

    return _act(visit, ref, "undone", to, change)


@router.post("/cases/{ref}/reopen")
def reopen(visit: Visiting, ref: str, why: Why = "Opened again from the desk", to: To = "") -> Response:
    def change(case: Case) -> object:
        return actions.reopen(visit.session, case.id, who=visit.person, why=why, now=visit.now)

    return _act(visit, ref, "reopened", to, change)


@router.post("/cases/{ref}/suggestion")
def suggestion(
    visit: Visiting, ref: str, post: Annotated[UUID, Form()], same: Annotated[bool, Form()]
) -> Response:
    """Whether a suggested post is about the same incident: a person decides."""
    decide = actions.confirm_suggestion if same else actions.refuse_suggestion

    def change(case: Case) -> object:
        return decide(visit.session, case.id, post, who=visit.person, now=visit.now)

    return _act(visit, ref, "joined" if same else "refused", "", change)


@router.post("/cases/{ref}/exemplary")
def exemplary(visit: Visiting, ref: str, why: Why = "") -> Response:
    """Put what people praise before the oversight meeting."""

    def change(case: Case) -> object:
        return list_as_exemplary(visit.session, case.id, who=visit.person, why=why, now=visit.now)

    return _act(visit, ref, "exemplary", "", change)


@router.post("/cases/{ref}/split")
def split(visit: Visiting, ref: str, why: Why, post: Annotated[list[UUID] | None, Form()] = None) -> Response:
    if not post:
        raise HTTPException(422, "Pick the posts to split off first.")

    def change(case: Case) -> object:
        return actions.split(visit.session, case.id, post, who=visit.person, why=why, now=visit.now)

    return _act(visit, ref, "split", "", change)


@router.post("/cases/{ref}/join")
def join(visit: Visiting, ref: str, why: Why, other: Annotated[str, Form(max_length=40)]) -> Response:
    """The other case's posts come into this one."""
    joined = find_case(visit.session, other.strip()).id

    def change(case: Case) -> object:
        return actions.join(visit.session, case.id, joined, who=visit.person, why=why, now=visit.now)

    return _act(visit, ref, "joined", "", change)


@router.post("/queue/next")
def take_next(
    visit: Visiting, under: To = "", most: Annotated[int, Form(ge=1, le=MOST_TAKEN)] = 1
) -> Response:
    """Claim the gravest cases nobody has under the filters of the address `under`: one is opened, several are listed
    as one's own."""
    filters = Filters.read(QueryParams(under.partition("?")[2]))._replace(view="unclaimed")
    taken = actions.claim_next(
        visit.session,
        who=visit.person,
        now=visit.now,
        most=most,
        among=fits(filters, visit.person, now=visit.now),
        lease=visit.room.lease,
    )
    numbers = [case.number for case in taken]
    visit.session.commit()
    if most > 1 and numbers:
        return visit.back("batch-claimed", filters.address(view="mine"))
    return RedirectResponse(f"/cases/{numbers[0]}?said=claimed" if numbers else "/queue?said=none-free", 303)


class Asked(NamedTuple):
    """One act on several cases, and the sentence for when all went well. `undone_by` is the act that takes it back."""

    change: Callable[[Visiting, UUID], object]
    said: str
    undone_by: str = ""


@router.post("/queue/bulk")
def bulk(
    visit: Visiting,
    act: Annotated[str, Form(max_length=200)],
    case: Annotated[list[str] | None, Form()] = None,
    to: To = "/queue",
) -> Response:
    """The same act on every ticked case, each on its own: one that someone else has does not stop the others.

    `act` is one of BULK, or the reason of a closing as on the form of one case, such as `not_ours: Outside London`.
    """
    asked = BULK.get(act) or _closing(act)
    if asked is None or not case or len(case) > MOST_AT_ONCE:
        raise HTTPException(422, f"Tick between one and {MOST_AT_ONCE} cases, then choose what to do.")
    told = {ref: _one_of_many(visit, ref, asked) for ref in dict.fromkeys(listed(case))}
    done = [find_case(visit.session, ref).number or 0 for ref, refused in told.items() if not refused]
    undo = done if asked.undone_by else []
    refused = [each for each in told.values() if each]
    if not refused:
        return visit.back(asked.said, safe_next(to), undo=undo)
    return visit.page(
        "conflict.html", 409, detail=" ".join(refused), back=safe_next(to), done=done, undo_all_of=undo,
        undone_by=asked.undone_by,
    )  # fmt: skip


def _one_of_many(visit: Visiting, ref: str, asked: Asked) -> str:
    """What stood in the way, or nothing."""
    case = find_case(visit.session, ref)
    try:
        asked.change(visit, case.id)
        visit.session.commit()
    except actions.Conflict as conflict:
        visit.session.rollback()
        return f"GH-{case.number}: {conflict}"
    return ""


def _closing(reason: str) -> Asked | None:
    """Closing with one of the offered reasons."""
    status, _, words = reason.partition(":")
    why = words.strip()
    if why not in REASONS.get(status, ()):
        return None

    def close(visit: Visiting, case_id: UUID) -> object:
        return actions.dismiss(
            visit.session, case_id, who=visit.person, status=Status(status), why=why, now=visit.now
        )

    return Asked(close, "dismissed", "undo")


def _claim(visit: Visiting, case_id: UUID) -> object:
    return actions.claim(visit.session, case_id, who=visit.person, now=visit.now, lease=visit.room.lease)


def _acknowledge(visit: Visiting, case_id: UUID, desk: Desk) -> object:
    return actions.acknowledge(
        visit.session, case_id, who=visit.person, desk=desk, through="desk", now=visit.now
    )


def _acknowledge_all(visit: Visiting, case_id: UUID) -> None:
    """For each desk of this person that still has an alert open."""
    unanswered = select(Alert.desk).where(Alert.case_id == case_id, Alert.state == AlertState.OPEN)
    for desk in visit.session.exec(unanswered).all():
        if desk in visit.person.desks:
            _acknowledge(visit, case_id, Desk(desk))


def _watch(visit: Visiting, case_id: UUID) -> object:
    return actions.watch(visit.session, case_id, who=visit.person, now=visit.now)


def _undo(visit: Visiting, case_id: UUID) -> object:
    return actions.undo(
        visit.session, case_id, who=visit.person, now=visit.now, lifecycle=visit.room.lifecycle
    )


def _release(visit: Visiting, case_id: UUID) -> object:
    return actions.release(visit.session, case_id, who=visit.person, now=visit.now)


BULK = {
    "claim": Asked(_claim, "claimed", "release"),
    "acknowledge": Asked(_acknowledge_all, "acknowledged"),
    "watch": Asked(_watch, "watched", "undo"),
    "release": Asked(_release, "released"),
    "undo": Asked(_undo, "undone"),
}
