"""One meeting of the oversight group: its list, who is there, what was declared; moved and cancelled with a reason."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlmodel import col, select

from collector.plain import clean, tidy
from triage.hidden import seeing_all
from triage.locked import LONDON, Conflict
from triage.permissions import Permission, may
from triage.records import Case
from triage.review import agenda, attendance, declaring, schedule
from triage.review.finding_records import Finding
from triage.review.group import Group
from triage.review.meeting_records import Attendance, Declaration, LockedAgenda, Review, ReviewItem
from triage.review.merits import may_discuss
from triage.review.seats import chairs
from triage.web.findings import find_meeting
from triage.web.queue import find_case
from triage.web.reviews import cycle_of
from triage.web.visit import Visit, Visiting
from triage.web.words import london_day

router = APIRouter()

HERE = "/reviews/{day}"
Words = Annotated[str, Form(max_length=2_000)]
Short = Annotated[str, Form(max_length=200)]


class Listed(NamedTuple):
    """A case on the list: why it may not be discussed, what was found, who is recused, what its quorum lacks."""

    item: ReviewItem
    case: Case
    barred: str | None
    found: str
    recused: list[str]
    lacks: list[str]


class Gone(NamedTuple):
    """A case that was on the list, and the day of the meeting it went to."""

    item: ReviewItem
    case: Case
    to: str


@router.get(HERE)
def meeting(visit: Visiting, day: str) -> HTMLResponse:
    """The list and all that a meeting needs."""
    session, review = visit.session, find_meeting(visit.session, day)
    group = cycle_of(visit).group
    items, gone = _listed(visit, review, group)
    kept = session.get(LockedAgenda, review.id)
    locked = schedule.is_locked(review, now=visit.now)
    keeps = may(visit.person, Permission.RUN_REVIEWS) and review.cancelled_at is None
    shown = {str(each.case.id): each.case.number for each in items} | {
        str(g.case.id): g.case.number for g in gone
    }
    return visit.page(
        "meeting.html",
        review=review,
        day=day,
        items=items,
        gone=gone,
        unseen=_unseen(visit, review),
        kept=kept,
        kept_numbers=[shown[each["case"]] for each in kept.items if each["case"] in shown] if kept else [],
        locked=locked,
        keeps=keeps,
        changes=keeps and (not locked or chairs(session, visit.person, group)),
        later=[each for each in schedule.coming(session, now=visit.now) if _takes(each, review, visit.now)][
            :6
        ],
        told=_told(visit, review),
        begun=review.meets_at <= visit.now,
        **_quorum(visit, review, group),
    )


@router.get(f"{HERE}/quorum")
def quorum(visit: Visiting, day: str) -> HTMLResponse:
    """The quorum alone, for a page that is open while people come and go."""
    review = find_meeting(visit.session, day)
    return visit.part("quorum.html", review=review, day=day, **_quorum(visit, review, cycle_of(visit).group))


@router.post(f"{HERE}/items")
def add(visit: Visiting, day: str, case: Short = "", because: Words = "") -> Response:
    """Put a case on the list."""

    def change(review: Review, group: Group) -> None:
        found = find_case(visit.session, clean(case))
        agenda.add_case(
            visit.session, review.id, found.id, group, who=visit.person, because=_said(because), now=visit.now
        )

    return act(visit, day, "review-listed", change)


@router.post(f"{HERE}/items/{{ref}}/{{what}}")
def change_item(visit: Visiting, day: str, ref: str, what: str, why: Words = "", to: Short = "") -> Response:
    """Take a case off, carry it over, or move it up or down."""
    if what not in ("off", "over", "up", "down"):
        raise HTTPException(404)

    def change(review: Review, group: Group) -> None:
        found = find_case(visit.session, ref)
        given: dict[str, Any] = {"who": visit.person, "now": visit.now}
        if what == "off":
            agenda.take_off(visit.session, review.id, found.id, group, why=_said(why), **given)
        elif what == "over":
            target = find_meeting(visit.session, to).id if to else None
            agenda.carry_over(visit.session, review.id, found.id, group, why=_said(why), to=target, **given)
        else:
            agenda.shift_item(visit.session, review.id, found.id, group, up=what == "up", **given)

    return act(visit, day, {"off": "review-off", "over": "review-over"}.get(what, "review-order"), change)


@router.post(f"{HERE}/attendance")
def expect(visit: Visiting, day: str, post: Short = "", name: Short = "", username: Short = "") -> Response:
    """Put somebody on the sheet."""

    def change(review: Review, group: Group) -> None:
        attendance.add_to_sheet(
            visit.session, review.id, post, group, name=_said(name), username=clean(username), who=visit.person,
            now=visit.now,
        )  # fmt: skip

    return act(visit, day, "attendance", change, part="h-there")


@router.post(f"{HERE}/attendance/{{row}}")
def attend(visit: Visiting, day: str, row: UUID, what: Short = "") -> Response:
    """Enter that somebody came, left, sent apologies or signed."""

    def change(review: Review, _group: Group) -> None:
        if what not in set(attendance.Came):
            raise Conflict("Choose what is to be entered.")
        came = attendance.Came(what)
        attendance.note_attendance(visit.session, review.id, row, came, who=visit.person, now=visit.now)

    return act(visit, day, "attendance", change, part="h-there")


@router.post(f"{HERE}/declare")
def declare(
    visit: Visiting, day: str, case: Short = "", kind: Short = "", name: Short = "", username: Short = ""
) -> Response:
    """Declare an interest of one's own, or enter what somebody else declares."""

    def change(review: Review, group: Group) -> None:
        found = find_case(visit.session, clean(case))
        declaring.declare(
            visit.session, review.id, found.id, kind, group, who=visit.person, name=_said(name),
            username=clean(username), now=visit.now,
        )  # fmt: skip

    return act(visit, day, "declared", change, part="h-declared")


@router.post(f"{HERE}/declarations/{{declaration}}/withdraw")
def withdraw(visit: Visiting, day: str, declaration: UUID, why: Words = "") -> Response:
    """Say that a declaration was wrong or counts no more."""

    def change(_review: Review, _group: Group) -> None:
        declaring.withdraw(visit.session, declaration, who=visit.person, why=_said(why), now=visit.now)

    return act(visit, day, "declaration-withdrawn", change, part="h-declared")


@router.post(f"{HERE}/move")
def move(visit: Visiting, day: str, to: Short = "", why: Words = "") -> Response:
    """Hold it at another time."""
    try:
        moment = datetime.fromisoformat(to).replace(tzinfo=LONDON)
    except ValueError:
        moment = visit.now

    def change(review: Review, _group: Group) -> None:
        meetings = cycle_of(visit).meetings
        schedule.move(
            visit.session, review.id, moment, meetings, who=visit.person, why=_said(why), now=visit.now
        )

    return act(visit, day, "meeting-moved", change)


@router.post(f"{HERE}/cancel")
def cancel(visit: Visiting, day: str, why: Words = "") -> Response:
    """Not hold it."""

    def change(review: Review, _group: Group) -> None:
        schedule.cancel(visit.session, review.id, who=visit.person, why=_said(why), now=visit.now)

    return act(visit, day, "meeting-cancelled", change)


@router.post(f"{HERE}/reinstate")
def reinstate(visit: Visiting, day: str) -> Response:
    """Hold it after all."""

    def change(review: Review, _group: Group) -> None:
        schedule.reinstate(visit.session, review.id, who=visit.person, now=visit.now)

    return act(visit, day, "meeting-back", change)


def act(
    visit: Visit, day: str, said: str, change: Callable[[Review, Group], None], part: str = ""
) -> Response:
    """One change to a meeting, then its page, wherever it now is."""
    review, group = find_meeting(visit.session, day), cycle_of(visit).group
    return visit.attempt(lambda: change(review, group), f"/reviews/{day}") or visit.back(
        said, f"/reviews/{london_day(review.meets_at)}", part=part
    )


def _quorum(visit: Visit, review: Review, group: Group) -> dict[str, Any]:
    sheet = attendance.sheet_of(visit.session, review.id)
    order = [each.name for each in group.post]
    sheet.sort(key=lambda row: (order.index(row.post) if row.post in order else len(order), row.name))
    return {
        "sheet": [(row, group.title_of(row.post), _acts(row, review, visit.now)) for row in sheet],
        "lacks": attendance.quorate(visit.session, review, group),
        "soon": visit.now >= review.meets_at - attendance.EARLY,
        "group": group,
        "there": sum(attendance.is_there(row) for row in sheet),
    }


def _acts(row: Attendance, review: Review, now: datetime) -> list[tuple[str, str]]:
    """What can be entered of somebody now."""
    acts = []
    if attendance.is_there(row):
        acts.append((attendance.Came.LEFT, "Left"))
    elif now >= review.meets_at - attendance.EARLY:
        acts.append((attendance.Came.CAME, "Came back" if row.came_at else "Came"))
    if row.came_at is None and row.apologies_at is None:
        acts.append((attendance.Came.APOLOGIES, "Apologies"))
    elif row.came_at is None:
        acts.append((attendance.Came.EXPECTED, "Expected after all"))
    if row.undertaking_at is None:
        acts.append((attendance.Came.SIGNED, "Signed"))
    return [(what.value, words) for what, words in acts]


def _listed(visit: Visit, review: Review, group: Group) -> tuple[list[Listed], list[Gone]]:
    """The cases on the list in order, and those that were on it; none that is hidden from the visitor."""
    session, lifecycle = visit.session, visit.room.lifecycle
    asked = select(ReviewItem, Case).join(Case, col(Case.id) == col(ReviewItem.case_id))
    order = col(ReviewItem.position), col(ReviewItem.listed_at)
    found = session.exec(asked.where(ReviewItem.review_id == review.id).order_by(*order)).all()
    makes = select(Finding).where(Finding.review_id == review.id, col(Finding.superseded_at).is_(None))
    said = {each.case_id: str(each.says.get(each.code, each.code)) for each in session.exec(makes)}
    items = []
    for item, case in found:
        if item.off_at is not None:
            continue
        recused = declaring.recused_from(session, case.id)
        lacks = attendance.quorate(session, review, group, case_id=case.id) if recused else []
        barred = may_discuss(session, case.id, lifecycle) if lifecycle else None
        items.append(
            Listed(item, case, barred, said.get(case.id, ""), [each.name for each in recused], lacks)
        )
    went = {each.carried_to for each, _ in found if each.carried_to}
    days = {each.id: each.meets_at for each in session.exec(select(Review).where(col(Review.id).in_(went)))}
    gone = [
        Gone(item, case, london_day(days[item.carried_to]) if item.carried_to in days else "")
        for item, case in found
        if item.off_at is not None
    ]
    return items, gone


def _unseen(visit: Visit, review: Review) -> int:
    """How many cases of the list are not shown to the visitor."""
    with seeing_all(visit.session):
        every = len(agenda.agenda_of(visit.session, review.id))
    return every - len(agenda.agenda_of(visit.session, review.id))


def _told(visit: Visit, review: Review) -> list[tuple[Declaration, int, str]]:
    """What was declared for this meeting, with the case's number and the kind in words."""
    asked = select(Declaration, Case.number).join(Case, col(Case.id) == col(Declaration.case_id))
    found = visit.session.exec(asked.where(Declaration.review_id == review.id)).all()
    group = cycle_of(visit).group
    titles = {each.name: each.title for each in group.interest}
    return [(made, number or 0, titles.get(made.kind, made.kind)) for made, number in found]


def _takes(other: Review, review: Review, now: datetime) -> bool:
    return other.id != review.id and not schedule.is_locked(other, now=now)


def _said(words: str) -> str:
    return tidy(clean(words))
