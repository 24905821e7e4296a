"""The meetings of the oversight group: the next one, the year ahead, those held; and their calendar."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func
from sqlmodel import Session, col, select

from triage.oncall_changes import find_link, links_of, make_link, revoke_link
from triage.permissions import Permission, may
from triage.review.asking import waiting
from triage.review.cycle import Cycle
from triage.review.finding_records import Minutes
from triage.review.meeting_records import Review, ReviewItem
from triage.review.meetings_ics import calendar_of
from triage.review.schedule import coming, is_locked
from triage.web.visit import Visit, Visiting, room_of
from triage.web.words import london_day

router = APIRouter()
feeds = APIRouter()

HERE = "/reviews"
FEED = "reviews:oversight"  # among the calendars people make; no rota can have this name
PAST = 12
BEFORE, AHEAD = timedelta(weeks=12), timedelta(weeks=60)  # what a calendar is given
NO_CYCLE = "Meetings cannot be kept here: config/review was not read."


class Meeting(NamedTuple):
    """A meeting as a line: its day in addresses, how many cases it has, whether its list is closed."""

    review: Review
    day: str
    cases: int
    locked: bool
    minutes: str


@router.get(HERE)
def reviews(visit: Visiting) -> HTMLResponse:
    """What is next, then the year ahead, then what was held."""
    return _page(visit)


@router.post(f"{HERE}/calendar")
def make_calendar(visit: Visiting) -> Response:
    """A new address for one's own calendar, shown once."""
    token = make_link(visit.session, FEED, who=visit.person, now=visit.now)
    visit.session.commit()
    return _page(visit, made=f"{desk_address(visit)}{HERE}/calendar/{token}")


@router.post(f"{HERE}/revoke")
def revoke_calendar(visit: Visiting) -> Response:
    """Stop one's own address from working."""
    revoke_link(visit.session, FEED, who=visit.person, now=visit.now)
    visit.session.commit()
    return visit.back("calendar-revoked", HERE)


@feeds.get(f"{HERE}/calendar/{{token}}")
def calendar(request: Request, token: str) -> Response:
    """The meetings as iCalendar, for a program that holds nothing but the address."""
    room = room_of(request)
    cycle, now = room.policies.cycle, room.now()
    with Session(room.engine) as session:
        link = find_link(session, token, needs=Permission.READ_REVIEWS, now=now)
        if link is None or link.rota != FEED or cycle is None:
            raise HTTPException(404)
        page = f"{room.policies.oncall().desk_url}{HERE}"
        written = calendar_of(
            _between(session, now), title=cycle.group.title, lasts=cycle.meetings.lasts, page=page, now=now
        )
        session.commit()
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": 'inline; filename="oversight.ics"',
    }
    return Response(written, media_type="text/calendar; charset=utf-8", headers=headers)


def cycle_of(visit: Visit) -> Cycle:
    """Raises 404 where no calendar and terms of reference are set up."""
    if visit.room.policies.cycle is None:
        raise HTTPException(404, NO_CYCLE)
    return visit.room.policies.cycle


def desk_address(visit: Visit) -> str:
    return visit.room.policies.oncall().desk_url or str(visit.request.base_url).rstrip("/")


def _page(visit: Visit, made: str = "") -> HTMLResponse:
    session, now = visit.session, visit.now
    begun = col(Review.meets_at) <= now
    held = session.exec(select(Review).where(begun).order_by(col(Review.meets_at).desc()).limit(PAST)).all()
    ahead = session.exec(select(Review).where(~begun).order_by(col(Review.meets_at))).all()
    cycle = visit.room.policies.cycle
    return visit.page(
        "reviews.html",
        next=next(iter(_lines(session, coming(session, now=now)[:1], now)), None),
        ahead=_lines(session, ahead, now),
        held=_lines(session, held, now),
        asked=waiting(session),
        keeps=may(visit.person, Permission.RUN_REVIEWS),
        link=links_of(session, visit.person).get(FEED),
        made=made,
        known_until=max(cycle.meetings.bank_holidays, default=None) if cycle else None,
    )


def _lines(session: Session, found: Sequence[Review], now: datetime) -> list[Meeting]:
    ids = [each.id for each in found]
    on = select(ReviewItem.review_id, func.count(col(ReviewItem.case_id))).where(
        col(ReviewItem.review_id).in_(ids), col(ReviewItem.off_at).is_(None)
    )
    counts = dict(session.exec(on.group_by(col(ReviewItem.review_id))).all())
    kept = select(Minutes.review_id, Minutes.approved_at).where(col(Minutes.review_id).in_(ids))
    minutes = {review: "approved" if at else "drafted" for review, at in session.exec(kept)}
    return [
        Meeting(
            each,
            london_day(each.meets_at),
            counts.get(each.id, 0),
            is_locked(each, now=now),
            minutes.get(each.id, ""),
        )
        for each in found
    ]


def _between(session: Session, now: datetime) -> Sequence[Review]:
    asked = select(Review).where(col(Review.meets_at) > now - BEFORE, col(Review.meets_at) < now + AHEAD)
    return session.exec(asked.order_by(col(Review.meets_at))).all()
