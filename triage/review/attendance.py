"""Who is at a meeting, and whether that is enough to decide: the quorum, live, also case by case."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session, col

from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Person
from triage.review.declaring import recused_from
from triage.review.group import Group
from triage.review.meeting_records import Attendance, Review
from triage.review.schedule import hold
from triage.review.seats import person_named

EARLY = timedelta(hours=3)  # how long before a meeting somebody can be entered as there


class Came(StrEnum):
    """What is entered of somebody: the values of a form."""

    EXPECTED = "expected"
    APOLOGIES = "apologies"
    CAME = "came"
    LEFT = "left"
    SIGNED = "signed"


def quorate(session: Session, review: Review, group: Group, *, case_id: UUID | None = None) -> list[str]:
    """What the quorum of a meeting lacks now, in words; nothing when it can decide. With a case, those who are recused
    from it do not count.
    """
    out = {(each.name, each.person_id) for each in recused_from(session, case_id)} if case_id else set()
    present: dict[str, set[str]] = {}
    for each in sheet_of(session, review.id):
        if is_there(each) and (each.name, each.person_id) not in out:
            present.setdefault(each.post, set()).add(each.name)
    return group.missing(present)


def need_quorum(session: Session, review: Review, group: Group, *, case_id: UUID | None = None) -> None:
    """Raises Conflict while a meeting, or what is left of it for this case, may not decide."""
    if lacks := quorate(session, review, group, case_id=case_id):
        who = (
            "without those recused from this case"
            if case_id and not quorate(session, review, group)
            else "now"
        )
        raise Conflict(f"Not quorate {who}. Missing: {', '.join(lacks)}.")


def is_there(row: Attendance) -> bool:
    """Whether somebody came and has not left."""
    return row.came_at is not None and row.left_at is None


def sheet_of(session: Session, review_id: UUID) -> list[Attendance]:
    """Everybody expected at or entered for a meeting."""
    asked = select(Attendance).where(col(Attendance.review_id) == review_id)
    order = col(Attendance.post), col(Attendance.name)
    return list(session.scalars(asked.order_by(*order).execution_options(populate_existing=True)))


def add_to_sheet(
    session: Session,
    review_id: UUID,
    post: str,
    group: Group,
    *,
    name: str,
    username: str = "",
    who: Person,
    now: datetime,
) -> Attendance:
    """Enter somebody who has no seat, such as a stand-in or a guest, in a post. Raises Denied and Conflict."""
    review = _open(session, review_id, who)
    if group.post_of(post) is None:
        raise Conflict("The terms of reference have no such post.")
    person = person_named(session, username)
    name = person.name if person else name.strip()
    if not 2 <= len(name) <= 100:
        raise Conflict("Give their name, or their user name here.")
    if any(each.post == post and each.name == name for each in sheet_of(session, review_id)):
        raise Conflict(f"{name} is on the sheet already.")
    made = Attendance(
        review_id=review.id,
        post=post,
        name=name,
        person_id=person.id if person else None,
        noted_by=who.username,
    )
    session.add(made)
    session.flush()
    _say(session, "put on the sheet", made, who, now)
    return made


def note_attendance(
    session: Session, review_id: UUID, row_id: UUID, what: Came, *, who: Person, now: datetime
) -> Attendance:
    """Enter apologies, that somebody came or left, or that they signed to keep confidential what they hear. Raises
    Denied and Conflict.
    """
    review = _open(session, review_id, who)
    row = session.get(Attendance, row_id, populate_existing=True)
    if row is None or row.review_id != review.id:
        raise Conflict("They are not on the sheet of this meeting.")
    match what:
        case Came.SIGNED:
            row.undertaking_at = now
        case Came.APOLOGIES:
            row.apologies_at, row.came_at, row.left_at = now, None, None
        case Came.EXPECTED:
            row.apologies_at = row.came_at = row.left_at = None
        case Came.CAME:
            _may_come(session, review, row, now)
            row.came_at, row.left_at, row.apologies_at = now, None, None
        case Came.LEFT:
            if not is_there(row):
                raise Conflict(f"{row.name} is not there.")
            row.left_at = now
    row.noted_by = who.username
    session.flush()
    _say(session, f"attendance: {what.value}", row, who, now)
    return row


def _may_come(session: Session, review: Review, row: Attendance, now: datetime) -> None:
    if now < review.meets_at - EARLY:
        raise Conflict("The meeting has not come yet.")
    elsewhere = [
        each
        for each in sheet_of(session, review.id)
        if each.id != row.id and each.name == row.name and each.person_id == row.person_id and is_there(each)
    ]
    if elsewhere:
        raise Conflict(f"{row.name} is there in another post. Nobody counts twice.")


def _open(session: Session, review_id: UUID, who: Person) -> Review:
    need(who, Permission.RUN_REVIEWS)
    review = hold(session, review_id)
    if review.cancelled_at is not None:
        raise Conflict("This meeting is cancelled.")
    return review


def _say(session: Session, what: str, row: Attendance, who: Person, now: datetime) -> None:
    detail = {"meeting": str(row.review_id), "attendance": str(row.id), "post": row.post}
    note(session, [Line(what, None, None, detail)], who=who.username, now=now)
