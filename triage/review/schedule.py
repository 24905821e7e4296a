"""The meetings ahead, as rows: made a year ahead by the calendar, moved and cancelled by people, with a reason.

A changed calendar moves only what nobody touched: not a meeting whose list is locked, nor one a person moved.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlmodel import Session, col

from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.permissions import Permission, need
from triage.records import Person
from triage.review.meeting_records import Review, ReviewItem
from triage.review.meetings import AHEAD, DAY, LONDON, Meetings

LEAST_WORDS = 3
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('goldenhour meetings'))")
CHANGED = "the calendar has no such meeting any more"


def arrange(session: Session, meetings: Meetings, *, now: datetime) -> int:
    """Make the meetings of the year ahead, and take those that nobody touched to where the calendar now has them.
    How many rows changed. The caller commits.
    """
    session.execute(ONE_AT_A_TIME)
    known = _rows(session, since=now - meetings.every_days * DAY)
    planned = meetings.between(now, now + AHEAD)
    free = [each for each in known if each.planned_at is not None and _is_free(each, now)]
    stale = [each for each in free if each.planned_at not in planned]
    unfilled = _unfilled(planned, [each for each in known if each not in stale], meetings)
    changed = _date(session, stale, unfilled, meetings, now=now)
    for at in unfilled[len(stale) :]:
        session.add(
            Review(id=uuid4(), meets_at=at, planned_at=at, locks_at=meetings.locks_at(at), created_at=now)
        )
    made = len(unfilled[len(stale) :])
    if made:
        note(session, [Line("meetings set", None, None, {"meetings": made})], who=MACHINE, now=now)
    return changed + made + _set_locks(session, known, meetings, now=now)


def coming(session: Session, *, now: datetime) -> list[Review]:
    """The meetings that are still to be held, the next one leading."""
    asked = select(Review).where(col(Review.meets_at) > now, col(Review.cancelled_at).is_(None))
    return list(session.scalars(asked.order_by(col(Review.meets_at))))


def next_open(session: Session, *, now: datetime, after: Review | None = None) -> Review | None:
    """The next meeting whose list is not locked, or the next such after one of them."""
    least = now if after is None else max(now, after.meets_at)
    return next((each for each in coming(session, now=least) if not is_locked(each, now=now)), None)


def is_locked(review: Review, *, now: datetime) -> bool:
    """Whether its list is closed: from its moment on, also before the tick that keeps the snapshot."""
    return review.locked_at is not None or (review.locks_at is not None and review.locks_at <= now)


def hold(session: Session, review_id: UUID) -> Review:
    """The meeting, until the transaction ends. Raises Conflict."""
    asked = select(Review).where(col(Review.id) == review_id).with_for_update()
    found = session.scalars(asked.execution_options(populate_existing=True)).first()
    if found is None:
        raise Conflict("There is no such meeting.")
    return found


def move(
    session: Session,
    review_id: UUID,
    to: datetime,
    meetings: Meetings,
    *,
    who: Person,
    why: str,
    now: datetime,
) -> Review:
    """Hold a meeting at another time. A list that is locked stays so. Raises Denied and Conflict."""
    need(who, Permission.RUN_REVIEWS)
    session.execute(ONE_AT_A_TIME)
    review = _ahead(session, review_id, why, now)
    day = to.astimezone(LONDON).date()
    if to <= now or to > now + AHEAD:
        raise Conflict("Choose a time that lies ahead, within a year.")
    others = (each for each in coming(session, now=now - DAY) if each.id != review.id)
    if any(each.meets_at.astimezone(LONDON).date() == day for each in others) or _is_taken(
        session, to, review
    ):
        raise Conflict(f"There is a meeting on {day:%-d %B} already.")
    before, review.meets_at = review.meets_at, to
    review.moved_at, review.moved_by, review.moved_because = now, who.username, why.strip()
    if not is_locked(review, now=now):
        review.locks_at = meetings.locks_at(to)
    session.flush()
    _say(session, "meeting moved", review, who, now, why=why, **{"from": before.isoformat()})
    return review


def cancel(session: Session, review_id: UUID, *, who: Person, why: str, now: datetime) -> Review:
    """Not hold a meeting; its cases go to the next one. Raises Denied and Conflict."""
    need(who, Permission.RUN_REVIEWS)
    review = _ahead(session, review_id, why, now)
    review.cancelled_at, review.cancelled_by, review.cancelled_because = now, who.username, why.strip()
    session.flush()
    _say(session, "meeting cancelled", review, who, now, why=why)
    carry_all(session, review, by=who.username, why=f"the meeting is cancelled: {why.strip()}", now=now)
    return review


def reinstate(session: Session, review_id: UUID, *, who: Person, now: datetime) -> Review:
    """Hold a cancelled meeting after all. Its cases stay where they went. Raises Denied and Conflict."""
    need(who, Permission.RUN_REVIEWS)
    review = hold(session, review_id)
    if review.cancelled_at is None or review.meets_at <= now:
        raise Conflict("This meeting is not one that is cancelled and lies ahead.")
    review.cancelled_at = review.cancelled_by = review.cancelled_because = None
    session.flush()
    _say(session, "meeting held after all", review, who, now)
    return review


def carry_all(session: Session, review: Review, *, by: str, why: str, now: datetime) -> int:
    """Take every case of a list to the next list that is open. Raises Conflict when there is none."""
    asked = select(ReviewItem).where(col(ReviewItem.review_id) == review.id, col(ReviewItem.off_at).is_(None))
    items = list(session.scalars(asked.order_by(col(ReviewItem.position))))
    to = next_open(session, now=now, after=review) or next_open(session, now=now) if items else None
    if items and to is None:
        raise Conflict("There is no later meeting that its cases could go to.")
    for item in items:
        if to is not None:
            put_over(session, item, to, by=by, why=why, now=now)
    return len(items)


def put_over(
    session: Session, item: ReviewItem, to: Review, *, by: str, why: str, now: datetime
) -> ReviewItem:
    """A case goes from one list to the end of another; where it was keeps that it did."""
    item.off_at, item.off_by, item.off_because, item.carried_to = now, by, why.strip(), to.id
    made = put_on(session, item.case_id, to, because=item.because, by=by, now=now)
    detail = {"meeting": str(item.review_id), "to": str(to.id)}
    note(session, [Line("carried over", item.case_id, why.strip(), detail)], who=by, now=now)
    return made


def put_on(
    session: Session, case_id: UUID, review: Review, *, because: str, by: str, now: datetime, late: str = ""
) -> ReviewItem:
    """The row that a case has on a list, the last of it; one that was taken off is there again."""
    hold(session, review.id)
    asked = select(ReviewItem).where(col(ReviewItem.review_id) == review.id)
    there = list(session.scalars(asked.execution_options(populate_existing=True)))
    item = next((each for each in there if each.case_id == case_id), None)
    if item is None:
        item = ReviewItem(case_id=case_id, review_id=review.id, because=because, listed_at=now)
    elif item.off_at is None:
        return item
    item.because, item.listed_at, item.listed_by = because, now, by
    item.late, item.late_because = bool(late), late or None
    item.off_at = item.off_by = item.off_because = item.carried_to = None
    item.position = max((each.position for each in there), default=0) + 1
    session.add(item)
    session.flush()
    return item


def _rows(session: Session, *, since: datetime) -> list[Review]:
    asked = select(Review).where(col(Review.meets_at) > since).order_by(col(Review.meets_at))
    return list(session.scalars(asked.with_for_update().execution_options(populate_existing=True)))


def _is_free(review: Review, now: datetime) -> bool:
    """Whether the calendar may still move it."""
    touched = review.moved_at or review.cancelled_at
    return touched is None and review.meets_at > now and not is_locked(review, now=now)


def _unfilled(planned: Sequence[datetime], kept: Sequence[Review], meetings: Meetings) -> list[datetime]:
    """Where the calendar has a meeting and no row stands for it. One that stays although the calendar has it elsewhere
    now stands for the nearest.
    """
    left = [each for each in planned if each not in {row.planned_at for row in kept}]
    for row in kept:
        at = row.planned_at or row.meets_at
        if at not in planned:
            near = [each for each in left if abs(each - at) < meetings.every_days * DAY / 2]
            if near:
                left.remove(min(near, key=lambda each: abs(each - at)))
    return [each for each in left if each not in {row.meets_at for row in kept}]


def _date(
    session: Session, stale: Sequence[Review], at: Sequence[datetime], meetings: Meetings, *, now: datetime
) -> int:
    """Take meetings to where the calendar has them now, in order; those for which it has no place are not held."""
    for review, to in zip(stale, at, strict=False):
        before = review.meets_at
        review.planned_at = review.meets_at = to
        review.locks_at = meetings.locks_at(to)
        session.flush()
        _say(session, "meeting moved by the calendar", review, None, now, **{"from": before.isoformat()})
    for review in stale[len(at) :]:
        review.cancelled_at, review.cancelled_by, review.cancelled_because = now, MACHINE, CHANGED
        session.flush()
        _say(session, "meeting cancelled", review, None, now, why=CHANGED)
        carry_all(session, review, by=MACHINE, why=CHANGED, now=now)
    return len(stale)


def _set_locks(session: Session, known: Sequence[Review], meetings: Meetings, *, now: datetime) -> int:
    """When the lists are locked, where the calendar has not said so or says otherwise now."""
    late = [
        each
        for each in known
        if each.meets_at > now
        and not is_locked(each, now=now)
        and each.locks_at != meetings.locks_at(each.meets_at)
    ]
    for each in late:
        each.locks_at = meetings.locks_at(each.meets_at)
    session.flush()
    return len(late)


def _ahead(session: Session, review_id: UUID, why: str, now: datetime) -> Review:
    """One that can still be moved or cancelled, held, for a reason that was given."""
    review = hold(session, review_id)
    if review.cancelled_at is not None:
        raise Conflict("This meeting is cancelled.")
    if review.meets_at <= now:
        raise Conflict("This meeting has begun.")
    if len(why.split()) < LEAST_WORDS:
        raise Conflict("Say in a few words why: whoever comes reads the reason.")
    return review


def _is_taken(session: Session, at: datetime, review: Review) -> bool:
    asked = select(col(Review.id)).where(col(Review.meets_at) == at, col(Review.id) != review.id)
    return session.scalars(asked).first() is not None


def _say(
    session: Session,
    what: str,
    review: Review,
    who: Person | None,
    now: datetime,
    why: str | None = None,
    **detail: str,
) -> None:
    detail |= {"meeting": str(review.id), "meets_at": review.meets_at.isoformat()}
    line = Line(what, None, why.strip() if why else None, dict(detail))
    note(session, [line], who=who.username if who else MACHINE, now=now)
