"""Around the meetings: who sits in the group and its panels, what panels asked for, and what a panel is shown."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from collector.plain import clean, tidy
from triage.locked import LONDON, Conflict
from triage.permissions import Permission, may
from triage.records import Case, Person
from triage.review import asking, seats
from triage.review.group import BODY
from triage.review.meeting_records import CommunityRequest, RequestAnswer, Review
from triage.review.schedule import coming
from triage.web.queue import find_case
from triage.web.reviews import cycle_of
from triage.web.visit import Numbered, Visit, Visiting

router = APIRouter()

PEOPLE, REQUESTS = "/reviews/people", "/reviews/requests"
Words = Annotated[str, Form(max_length=asking.LONGEST)]
Short = Annotated[str, Form(max_length=200)]
ANSWERS = {
    RequestAnswer.WAITING: "Waits for an answer",
    RequestAnswer.LISTED: "Put on a list",
    RequestAnswer.REFUSED: "Not taken up",
    RequestAnswer.NOT_FOUND: "Not found",
    RequestAnswer.NOT_OURS: "Not the Met’s",
}


@router.get(PEOPLE)
def people(visit: Visiting) -> HTMLResponse:
    """Who sits where."""
    cycle, held = cycle_of(visit), seats.seats_of(visit.session)
    return visit.page(
        "review_people.html",
        group=cycle.group,
        body=BODY,
        posts=[(post, [each for each in held if each.body == BODY and each.post == post.name])
               for post in cycle.group.post],
        panels=[(panel, [each for each in held if each.body == panel.name]) for panel in cycle.panels.panel],
        usernames=_usernames(visit.session),
    )  # fmt: skip


@router.post(PEOPLE)
def give(visit: Visiting, seat: Short = "", name: Short = "", username: Short = "") -> Response:
    """Give somebody a seat: `seat` is a body and a post, such as `oversight/chair`."""
    cycle = cycle_of(visit)
    body, _, post = clean(seat).partition("/")

    def change() -> None:
        seats.give_seat(
            visit.session, body, post or seats.MEMBER, cycle.group, cycle.panels, name=tidy(clean(name)),
            username=clean(username), who=visit.person, now=visit.now,
        )  # fmt: skip

    return _act(visit, PEOPLE, "seat-given", change)


@router.post(f"{PEOPLE}/{{seat}}/end")
def end(visit: Visiting, seat: UUID) -> Response:
    """End a seat."""

    def change() -> None:
        seats.end_seat(visit.session, seat, who=visit.person, now=visit.now)

    return _act(visit, PEOPLE, "seat-ended", change)


@router.get(REQUESTS)
def requests(visit: Visiting) -> HTMLResponse:
    """What panels asked for, what waits leading."""
    panels = cycle_of(visit).panels
    found = asking.requests_of(visit.session)
    return visit.page(
        "review_requests.html",
        rows=found,
        titles={each.name: each.title for each in panels.panel},
        panels=panels.panel,
        answers=ANSWERS,
        numbers=_numbers(visit.session, found),
        days=_days(visit.session, found),
        keeps=may(visit.person, Permission.RUN_REVIEWS),
        today=visit.now.astimezone(LONDON).date(),
    )


@router.post(REQUESTS)
def note_request(visit: Visiting, panel: Short = "", words: Words = "", asked_on: Short = "") -> Response:
    """Enter that a panel asks for an incident."""
    panels = cycle_of(visit).panels

    def change() -> None:
        asking.note_request(
            visit.session, panel, tidy(clean(words)), panels, asked_at=_moment(asked_on, visit.now), who=visit.person,
            now=visit.now,
        )  # fmt: skip

    return _act(visit, REQUESTS, "request-noted", change)


@router.post(f"{REQUESTS}/{{number}}")
def answer(
    visit: Visiting, number: Numbered, answer: Short = "", because: Words = "", case: Short = ""
) -> Response:
    """Answer a panel."""

    def change() -> None:
        if answer not in set(RequestAnswer):
            raise Conflict("Choose an answer.")
        found = find_case(visit.session, clean(case)).id if case.strip() else None
        asking.answer_request(
            visit.session, number, RequestAnswer(answer), because=tidy(clean(because)), case_id=found,
            who=visit.person, now=visit.now,
        )  # fmt: skip

    return _act(visit, REQUESTS, "request-answered", change)


@router.get("/panel")
def panel(visit: Visiting) -> HTMLResponse:
    """What somebody in a panel is shown: their panels, when the group meets, what they asked and were answered. Never
    a case: those stand in the released packs alone.
    """
    mine = cycle_of(visit).panels.of_person(visit.session, visit.person)
    names = [each.name for each in mine]
    return visit.page(
        "panel.html",
        mine=mine,
        titles={each.name: each.title for each in mine},
        meetings=coming(visit.session, now=visit.now)[:4],
        rows=asking.requests_of(visit.session, names) if names else [],
        answers=ANSWERS,
    )


def _numbers(session: Session, found: list[CommunityRequest]) -> dict[UUID, int]:
    """The numbers of the cases that requests led to, those the visitor sees."""
    ids = {each.case_id for each in found if each.case_id}
    asked = select(Case.id, Case.number).where(col(Case.id).in_(ids))
    return {case: number or 0 for case, number in session.exec(asked)}


def _days(session: Session, found: list[CommunityRequest]) -> dict[UUID, datetime]:
    ids = {each.review_id for each in found if each.review_id}
    return {each.id: each.meets_at for each in session.exec(select(Review).where(col(Review.id).in_(ids)))}


def _usernames(session: Session) -> list[tuple[str, str]]:
    asked = (
        select(Person.username, Person.name)
        .where(col(Person.disabled_at).is_(None))
        .order_by(Person.username)
    )
    return list(session.exec(asked).all())


def _moment(day: str, now: datetime) -> datetime:
    """Noon of a day of London's calendar; now for today, and where none was given."""
    try:
        asked = date.fromisoformat(day)
    except ValueError:
        return now
    at = datetime.combine(asked, time(12), LONDON)
    return min(at, now) if at - now < timedelta(days=1) and asked <= now.astimezone(LONDON).date() else at


def _act(visit: Visit, here: str, said: str, change: Callable[[], None]) -> Response:
    return visit.attempt(change, here) or visit.back(said, here)
