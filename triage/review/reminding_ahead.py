"""Reminders of what lies ahead: a list that is about to be locked, minutes that wait, a legal hold that ends."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from triage.hold_records import Hold
from triage.locked import LONDON
from triage.oncall import OnCall
from triage.retention_policy import HoldRules, Period
from triage.review.finding_records import Minutes
from triage.review.group import BODY, Group
from triage.review.meeting_records import Review, ReviewItem, Seat
from triage.review.reminder import Reminder
from triage.review.schedule import coming

LOCKS_IN = timedelta(days=2)
DRAFTED_WITHIN = timedelta(days=3)  # after a meeting
MEETS_IN = timedelta(days=4)  # when minutes must be read that it is to approve


def of_meetings(session: Session, oncall: OnCall, group: Group, *, now: datetime) -> Iterator[Reminder]:
    """To whoever chairs, and to the oversight desk: the list that is locked within two days; minutes that are not
    drafted three days after a meeting, or wait for the approval of one that is near."""
    seats = select(col(Seat.person_id)).where(
        col(Seat.body) == BODY, col(Seat.ended_at).is_(None), col(Seat.post).in_(group.chairing)
    )
    chairs = tuple(each for each in session.scalars(seats) if each is not None)
    ahead = coming(session, now=now)
    for review in ahead:
        if review.locks_at and review.locked_at is None and now < review.locks_at <= now + LOCKS_IN:
            listed = select(func.count()).where(
                col(ReviewItem.review_id) == review.id, col(ReviewItem.off_at).is_(None)
            )
            many, when = session.scalars(listed).one(), f"{review.locks_at.astimezone(LONDON):%-d %B, %H:%M}"
            says = f"The list of {_day(review)} is locked on {when}"
            yield Reminder(
                f"locks:{review.id}:{review.locks_at.isoformat()}", says,
                f"{says}. Cases on it: {many}. After that only the chair adds to it.\n{_page(oncall, review)}",
                people=chairs,
            )  # fmt: skip
    near = ahead[0] if ahead and ahead[0].meets_at <= now + MEETS_IN else None
    for review, made in _unapproved(session, now):
        if made is None:
            says = f"No minutes are drafted of the meeting of {_day(review)}"
        elif near is not None:
            says = f"The minutes of {_day(review)} wait for the approval of the meeting of {_day(near)}"
        else:
            continue
        yield Reminder(
            f"minutes:{review.id}:{near.id if made and near else 'draft'}", says,
            f"{says}.\n{_page(oncall, review)}/minutes", people=chairs,
        )  # fmt: skip


def of_holds(session: Session, oncall: OnCall, rules: HoldRules, *, now: datetime) -> Iterator[Reminder]:
    """To who set a hold and who signed it off: that it must be looked at, or ends soon. Once for each such day."""
    soon = Period.read(rules.remind).after(now)
    asked = select(Hold).where(
        col(Hold.ended_at).is_(None), func.least(col(Hold.review_at), col(Hold.expires_at)) <= soon
    )
    for hold in session.scalars(asked.order_by(col(Hold.number))):
        ends = hold.expires_at <= soon
        on = (hold.expires_at if ends else hold.review_at).astimezone(LONDON)
        says = f"H-{hold.number} {'ends' if ends else 'is to be looked at again'} on {on:%-d %B %Y}"
        what = (
            "What it keeps is disposed of from then on, unless it is prolonged."
            if ends
            else "Say whether it stays."
        )
        people = tuple(each for each in (hold.set_by, hold.signed_by) if each is not None)
        yield Reminder(
            f"hold:{hold.id}:{'ends' if ends else 'review'}:{on.date().isoformat()}", says,
            f"The legal hold {says}. {what}\n{oncall.desk_url}/holds", people=people, desk=False,
        )  # fmt: skip


def _unapproved(session: Session, now: datetime) -> Iterator[tuple[Review, Minutes | None]]:
    """Meetings of the last three months whose minutes are not drafted in time, or not approved."""
    held = (
        select(Review, Minutes)
        .outerjoin(Minutes, col(Minutes.review_id) == col(Review.id))
        .where(
            col(Review.cancelled_at).is_(None),
            col(Review.meets_at) <= now - DRAFTED_WITHIN,
            col(Review.meets_at) > now - timedelta(days=90),
            col(Minutes.approved_at).is_(None),
        )
        .order_by(col(Review.meets_at))
    )
    yield from ((review, made) for review, made in session.execute(held))


def _day(review: Review) -> str:
    return f"{review.meets_at.astimezone(LONDON):%-d %B %Y}"


def _page(oncall: OnCall, review: Review) -> str:
    return f"{oncall.desk_url}/reviews/{review.meets_at.astimezone(LONDON).date().isoformat()}"
