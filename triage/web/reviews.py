"""The next oversight meeting's list: which cases, why, and what is still open in each."""

from datetime import datetime
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, func, select

from triage.records import Case
from triage.review.meeting_records import Review, ReviewItem
from triage.web.rows import Row, rows_of
from triage.web.visit import Visiting

router = APIRouter()

PAST = 10


class Listed(NamedTuple):
    """A case on the list, and why."""

    row: Row
    because: str
    listed_at: datetime


@router.get("/reviews")
def reviews(visit: Visiting, meeting: str = "") -> HTMLResponse:
    """The next meeting, or the one whose date (`2026-07-21`) the address names."""
    known = _meetings(visit.session)
    chosen = next((each for each in known if f"{each[0].meets_at:%Y-%m-%d}" == meeting), None)
    if chosen is None:
        ahead = [each for each in known if each[0].meets_at >= visit.now]
        chosen = ahead[-1] if ahead else (known[0] if known else None)
    items = _listed(visit, chosen[0]) if chosen else []
    return visit.page("reviews.html", meetings=known, chosen=chosen, items=items)


def _meetings(session: Session) -> list[tuple[Review, int]]:
    """Meetings, latest first, with how many cases each has."""
    counted = (
        select(Review, func.count(col(ReviewItem.case_id)))
        .outerjoin(ReviewItem, col(ReviewItem.review_id) == Review.id)
        .group_by(col(Review.id))
        .order_by(col(Review.meets_at).desc())
        .limit(PAST)
    )
    return [(review, count) for review, count in session.exec(counted)]


def _listed(visit: Visiting, review: Review) -> list[Listed]:
    found = visit.session.exec(
        select(Case, ReviewItem)
        .join(ReviewItem, col(ReviewItem.case_id) == Case.id)
        .where(ReviewItem.review_id == review.id)
        .order_by(col(Case.severity), col(ReviewItem.listed_at))
    ).all()
    rows = rows_of(visit.session, [case for case, _ in found], visit.person, now=visit.now)
    return [Listed(row, item.because, item.listed_at) for row, (_, item) in zip(rows, found, strict=True)]
