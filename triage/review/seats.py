"""Who sits in the oversight group, in which post, and in its panels: given and ended by somebody else, in the log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.permissions import Permission, need
from triage.records import Person
from triage.review.group import BODY, Group
from triage.review.meeting_records import Attendance, Review, Seat
from triage.review.panels import Panels

MEMBER = "member"
LONGEST_NAME = 100


def give_seat(
    session: Session,
    body: str,
    post: str,
    group: Group,
    panels: Panels,
    *,
    name: str,
    username: str = "",
    who: Person,
    now: datetime,
) -> Seat:
    """Seat somebody in a post of the group, or in a panel; with a user name, somebody with an account here. Raises
    Denied and Conflict.
    """
    need(who, Permission.SEAT_PEOPLE)
    if body == BODY and group.post_of(post) is None:
        raise Conflict("The terms of reference have no such post.")
    if body != BODY and (panels.panel_of(body) is None or post != MEMBER):
        raise Conflict("There is no such panel.")
    person = person_named(session, username)
    if person is not None and person.id == who.id:
        raise Conflict("Somebody else must give you a seat.")
    name = person.name if person else name.strip()
    if not 2 <= len(name) <= LONGEST_NAME:
        raise Conflict("Give the name of whoever sits there, or a user name.")
    if any(each.post == post and each.name == name for each in seats_of(session, body)):
        raise Conflict(f"{name} has this seat already.")
    made = Seat(
        body=body,
        post=post,
        name=name,
        person_id=person.id if person else None,
        begun_at=now,
        begun_by=who.username,
    )
    session.add(made)
    session.flush()
    _say(session, "seat given", made, who, now)
    return made


def end_seat(session: Session, seat_id: UUID, *, who: Person, now: datetime) -> Seat:
    """From now on they do not sit there. Raises Denied and Conflict."""
    need(who, Permission.SEAT_PEOPLE)
    seat = session.get(Seat, seat_id, with_for_update=True)
    if seat is None or seat.ended_at is not None:
        raise Conflict("This seat has ended already.")
    seat.ended_at, seat.ended_by = now, who.username
    session.flush()
    _say(session, "seat ended", seat, who, now)
    return seat


def seats_of(session: Session, body: str = "") -> list[Seat]:
    """The seats that are held, of one body or of all."""
    asked = select(Seat).where(col(Seat.ended_at).is_(None))
    asked = asked.where(col(Seat.body) == body) if body else asked
    return list(session.scalars(asked.order_by(col(Seat.body), col(Seat.post), col(Seat.name))))


def chairs(session: Session, who: Person, group: Group) -> bool:
    """Whether a person holds a post that chairs."""
    asked = select(col(Seat.id)).where(
        col(Seat.body) == BODY,
        col(Seat.ended_at).is_(None),
        col(Seat.person_id) == who.id,
        col(Seat.post).in_(group.chairing),
    )
    return session.scalars(asked).first() is not None


def expect_members(session: Session, review: Review, group: Group) -> None:
    """Put everybody who has a seat in the group on the sheet of a meeting, once."""
    for seat in seats_of(session, BODY):
        if group.post_of(seat.post) is not None:
            row = Attendance(
                review_id=review.id,
                post=seat.post,
                name=seat.name,
                person_id=seat.person_id,
                noted_by=MACHINE,
            )
            session.execute(insert(Attendance).values(row.model_dump()).on_conflict_do_nothing())


def person_named(session: Session, username: str) -> Person | None:
    """Who has an account of this name; None for no name. Raises Conflict."""
    if not username.strip():
        return None
    asked = select(Person).where(col(Person.username) == username.strip().lower())
    found = session.scalars(asked).first()
    if found is None or found.disabled_at is not None:
        raise Conflict("Nobody here has this user name.")
    return found


def _say(session: Session, what: str, seat: Seat, who: Person, now: datetime) -> None:
    detail = {"seat": str(seat.id), "body": seat.body, "post": seat.post}
    note(session, [Line(what, None, None, detail)], who=who.username, now=now)
