"""The list of a meeting: cases in order, each with why and who listed it. Once it is locked, only the chair changes it.

What is listed after the lock goes to the next meeting whose list is open.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.review.group import Group
from triage.review.meeting_records import LockedAgenda, Review, ReviewItem
from triage.review.meetings import LONDON, Meetings
from triage.review.schedule import (
    LEAST_WORDS,
    arrange,
    coming,
    hold,
    is_locked,
    next_open,
    put_on,
    put_over,
)
from triage.review.seats import chairs, expect_members

USED_FORCE = "police used force"
ONLY_THE_CHAIR = (
    "The list is locked. Only the chair adds or takes off now; what others list goes to the next meeting."
)


def list_for_review(
    session: Session, case_id: UUID, meetings: Meetings, *, now: datetime, because: str = USED_FORCE
) -> ReviewItem | None:
    """Put a case on the next open list, by the machine and only once; None when the case is gone. The caller
    commits.
    """
    case = session.get(Case, case_id, with_for_update=True)
    if case is None:
        return None
    listed = session.scalars(select(ReviewItem).where(col(ReviewItem.case_id) == case_id)).first()
    if listed is not None:
        return listed
    review = next_open(session, now=now)
    if review is None:
        arrange(session, meetings, now=now)
        review = next_open(session, now=now)
    if review is None:
        return None
    return _list(session, case_id, review, because=because, by=MACHINE, now=now)


def add_case(
    session: Session,
    review_id: UUID,
    case_id: UUID,
    group: Group,
    *,
    who: Person,
    because: str,
    now: datetime,
) -> ReviewItem:
    """Put a case on a list; after the lock as a late item, by the chair. Raises Denied and Conflict."""
    need(who, Permission.RUN_REVIEWS)
    because = _reason(because)
    review = _changeable(session, review_id, group, who=who, now=now)
    if session.get(Case, case_id) is None:
        raise Conflict("There is no such case.")
    elsewhere = _coming_list(session, case_id, now=now)
    if elsewhere is not None:
        day = _day(elsewhere)
        here = elsewhere.id == review.id
        raise Conflict(
            "It is on this list already." if here else f"It is on the list of {day}: carry it over."
        )
    late = because if is_locked(review, now=now) else ""
    return _list(session, case_id, review, because=because, by=who.username, now=now, late=late)


def list_again(session: Session, case_id: UUID, *, who: Person, because: str, now: datetime) -> ReviewItem:
    """Bring a case that a meeting dealt with or deferred back to the next open list. Raises Denied and Conflict."""
    need(who, Permission.RUN_REVIEWS)
    review = next_open(session, now=now)
    if review is None:
        raise Conflict("No meeting lies ahead whose list is open.")
    listed = _coming_list(session, case_id, now=now)
    if listed is not None:
        raise Conflict(f"It is on the list of {_day(listed)} already.")
    return _list(session, case_id, review, because=_reason(because), by=who.username, now=now)


def take_off(
    session: Session, review_id: UUID, case_id: UUID, group: Group, *, who: Person, why: str, now: datetime
) -> ReviewItem:
    """Withdraw a case from a list, for a reason. Raises Denied and Conflict."""
    need(who, Permission.RUN_REVIEWS)
    _changeable(session, review_id, group, who=who, now=now)
    item = _item(session, review_id, case_id)
    item.off_at, item.off_by, item.off_because = now, who.username, _reason(why)
    session.flush()
    _say(session, "taken off the review list", item, by=who.username, why=why, now=now)
    return item


def carry_over(
    session: Session,
    review_id: UUID,
    case_id: UUID,
    group: Group,
    *,
    who: Person,
    why: str,
    now: datetime,
    to: UUID | None = None,
) -> ReviewItem:
    """Take a case to a later list, the next open one unless another is named. Raises Denied and Conflict."""
    need(who, Permission.RUN_REVIEWS)
    review = _changeable(session, review_id, group, who=who, now=now)
    item = _item(session, review_id, case_id)
    target = hold(session, to) if to is not None else next_open(session, now=now, after=review)
    if target is None or target.id == review.id or target.cancelled_at is not None or target.meets_at <= now:
        raise Conflict("Choose another meeting that lies ahead.")
    if is_locked(target, now=now):
        raise Conflict(f"The list of {_day(target)} is locked. Choose a later meeting.")
    made = put_over(session, item, target, by=who.username, why=_reason(why), now=now)
    tell_desk(session, "listed", case_id)
    return made


def shift_item(
    session: Session, review_id: UUID, case_id: UUID, group: Group, *, up: bool, who: Person, now: datetime
) -> None:
    """Move a case one place up or down. Raises Denied and Conflict."""
    need(who, Permission.RUN_REVIEWS)
    _changeable(session, review_id, group, who=who, now=now)
    items = agenda_of(session, review_id)
    at = next((n for n, each in enumerate(items) if each.case_id == case_id), None)
    if at is None:
        raise Conflict("It is not on this list any more.")
    to = at - 1 if up else at + 1
    if 0 <= to < len(items):
        items.insert(to, items.pop(at))
    for number, each in enumerate(items, 1):
        each.position = number
    session.flush()
    _say(session, "review list reordered", items[max(0, min(to, len(items) - 1))], by=who.username, now=now)


def due_to_lock(session: Session, *, now: datetime) -> list[UUID]:
    """Meetings whose moment of locking has come, and of which no snapshot was kept."""
    asked = select(col(Review.id)).where(
        col(Review.locks_at) <= now, col(Review.locked_at).is_(None), col(Review.cancelled_at).is_(None)
    )
    return list(session.scalars(asked.order_by(col(Review.locks_at))))


def lock_agenda(session: Session, review_id: UUID, group: Group, *, now: datetime) -> LockedAgenda | None:
    """Keep the list as it stands and close it, once; None when it is locked, or not yet due. The caller commits."""
    review = hold(session, review_id)
    due = review.locks_at is not None and review.locks_at <= now
    if review.locked_at is not None or review.cancelled_at is not None or not due:
        return None
    kept = [_kept(each) for each in agenda_of(session, review_id)]
    made = {"review_id": review_id, "locked_at": now, "items": kept}
    session.execute(insert(LockedAgenda).values(made).on_conflict_do_nothing())
    review.locked_at = now
    session.flush()
    expect_members(session, review, group)
    detail = {"meeting": str(review_id), "cases": len(kept)}
    note(session, [Line("review list locked", None, None, detail)], who=MACHINE, now=now)
    return session.get(LockedAgenda, review_id)


def agenda_of(session: Session, review_id: UUID) -> list[ReviewItem]:
    """What is on the list now, in order."""
    asked = select(ReviewItem).where(col(ReviewItem.review_id) == review_id, col(ReviewItem.off_at).is_(None))
    order = col(ReviewItem.position), col(ReviewItem.listed_at), col(ReviewItem.case_id)
    return list(session.scalars(asked.order_by(*order).execution_options(populate_existing=True)))


def _list(
    session: Session, case_id: UUID, review: Review, *, because: str, by: str, now: datetime, late: str = ""
) -> ReviewItem:
    item = put_on(session, case_id, review, because=because, by=by, now=now, late=late)
    line = Line(
        "added late to the review list" if late else "listed for review",
        case_id,
        because,
        {"meeting": _day(review), "review": str(review.id)},
    )
    note(session, [line], who=by, now=now)
    tell_desk(session, "listed", case_id)
    return item


def _changeable(session: Session, review_id: UUID, group: Group, *, who: Person, now: datetime) -> Review:
    """The meeting, held, if this person may change its list now."""
    review = hold(session, review_id)
    if review.cancelled_at is not None:
        raise Conflict("This meeting is cancelled.")
    if is_locked(review, now=now) and not chairs(session, who, group):
        raise Conflict(ONLY_THE_CHAIR)
    return review


def _item(session: Session, review_id: UUID, case_id: UUID) -> ReviewItem:
    found = next((each for each in agenda_of(session, review_id) if each.case_id == case_id), None)
    if found is None:
        raise Conflict("It is not on this list any more.")
    return found


def _coming_list(session: Session, case_id: UUID, *, now: datetime) -> Review | None:
    """The meeting ahead on whose list a case stands."""
    asked = select(col(ReviewItem.review_id)).where(
        col(ReviewItem.case_id) == case_id, col(ReviewItem.off_at).is_(None)
    )
    listed = set(session.scalars(asked))
    return next((each for each in coming(session, now=now) if each.id in listed), None)


def _kept(item: ReviewItem) -> dict[str, object]:
    return {
        "case": str(item.case_id),
        "position": item.position,
        "because": item.because,
        "listed_by": item.listed_by,
        "listed_at": item.listed_at.isoformat(),
    }


def _reason(words: str) -> str:
    if len(words.split()) < LEAST_WORDS:
        raise Conflict("Say in a few words why: the minutes give the reason.")
    return words.strip()


def _day(review: Review) -> str:
    return f"{review.meets_at.astimezone(LONDON):%-d %B %Y}"


def _say(
    session: Session, what: str, item: ReviewItem, *, by: str, now: datetime, why: str | None = None
) -> None:
    detail = {"review": str(item.review_id)}
    note(session, [Line(what, item.case_id, why.strip() if why else None, detail)], who=by, now=now)
    tell_desk(session, "listed", item.case_id)
