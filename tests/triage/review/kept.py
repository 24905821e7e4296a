"""A review cycle for tests: the files as they are, meetings ahead, and people in the posts of the group."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, select

from config.settings import HERE
from tests.make import LIFECYCLE, make_case, make_person
from triage.records import Case, Person
from triage.review.cycle import Cycle
from triage.review.group import BODY, read_group
from triage.review.meeting_records import Review, Seat
from triage.review.meetings import read_meetings
from triage.review.panels import read_panels
from triage.review.schedule import arrange, coming

CYCLE = Cycle(
    read_meetings(HERE / "review" / "meetings.toml", LIFECYCLE.bank_holidays),
    read_group(HERE / "review" / "group.toml"),
    read_panels(HERE / "review" / "panels.toml"),
)
OTHERS = (("dps", "D"), ("commander", "O"), ("comms", "M"), ("community", "Ada"), ("community", "Bo"))


def keeper(
    session: Session, name: str = "keeper", roles: tuple[str, ...] = ("oversight_reviewer",)
) -> Person:
    """Somebody who keeps the reviews."""
    found = session.exec(select(Person).where(Person.username == name)).first()
    made = found or make_person(username=name, name=name.title(), roles=list(roles))
    session.add(made)
    session.flush()
    return made


def seat(
    session: Session, post: str, name: str, *, person: UUID | None = None, body: str = BODY, now: datetime
) -> Seat:
    made = Seat(body=body, post=post, name=name, person_id=person, begun_at=now, begun_by="test")
    session.add(made)
    session.flush()
    return made


def seat_group(session: Session, *, now: datetime) -> Person:
    """Everybody that a quorum needs, each in their post; who chairs has an account."""
    chair = keeper(session, "chair")
    seat(session, "chair", chair.name, person=chair.id, now=now)
    for post, name in OTHERS:
        seat(session, post, name, now=now)
    return chair


def meetings(session: Session, *, now: datetime) -> list[Review]:
    """The meetings ahead, made."""
    arrange(session, CYCLE.meetings, now=now)
    session.flush()
    return coming(session, now=now)


def case(session: Session, **given: object) -> Case:
    made = make_case(**given)
    session.add(made)
    session.flush()
    session.refresh(made)
    return made
