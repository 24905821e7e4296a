"""Meetings that have begun, with cases on their list, and forms as people fill them in."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from config.settings import HERE
from tests.make import LIFECYCLE, NOON, make_case, make_person
from triage.records import Case, Person
from triage.review.deciding import Terms, decide
from triage.review.finding_codes import read_finding_codes
from triage.review.finding_form import Given
from triage.review.finding_records import Finding
from triage.review.group import read_group
from triage.review.meeting_records import Attendance, Review, ReviewItem

GROUP = read_group(HERE / "review" / "group.toml")
SHEET = ("chair", "dps", "commander", "comms", "community", "community")
CODES = read_finding_codes(HERE / "review" / "findings.toml")
TERMS = Terms(CODES, GROUP, LIFECYCLE)
BEGAN = NOON - timedelta(hours=2)


def reviewer(session: Session, name: str = "tom", **given: Any) -> Person:
    who = make_person(username=name, **{"roles": ["oversight_reviewer"], **given})
    session.add(who)
    session.flush()
    return who


def come(session: Session, review: Review, chair: Person | None = None, *, at: datetime = NOON) -> None:
    """Enough people are there for a quorum; `chair` is in the chair."""
    for number, post in enumerate(SHEET):
        person = chair if post == "chair" else None
        row = Attendance(review_id=review.id, post=post, name=f"Member {number}", noted_by="tom", came_at=at)
        row.person_id = person.id if person else None
        session.add(row)
    session.flush()


def meeting(session: Session, *cases: Case, at: datetime = BEGAN, quorate: bool = True) -> Review:
    """A meeting with these cases on its list, and enough people there."""
    review = Review(id=uuid4(), meets_at=at, created_at=at - timedelta(days=14))
    session.add_all([review, *cases])
    session.flush()
    for position, case in enumerate(cases, 1):
        session.add(
            ReviewItem(
                case_id=case.id,
                review_id=review.id,
                because="police used force",
                listed_at=at,
                position=position,
            )
        )
    session.flush()
    for case in cases:
        session.refresh(case)
    if quorate:
        come(session, review)
    return review


def listed(session: Session, **given: Any) -> tuple[Review, Case]:
    case = make_case(status="confirmed", borough="Hackney", bcu="CE", **given)
    return meeting(session, case), case


def form(code: str = "POOR-COMMUNICATION", **given: Any) -> Given:
    """A form in which everything is answered."""
    said: dict[str, Any] = {
        "code": code,
        "talk": "unclear",
        "communication": "2",
        "legality": "no_question",
        "went_well": "Officers stayed calm",
        "decision": "The team hears of it in training",
        "why": "The search was not explained",
        "steps": {"information": "Both videos were seen"},
    }
    return Given(**{**said, **given})


def found(session: Session, review: Review, case: Case, who: Person, **given: Any) -> Finding:
    now = given.pop("now", NOON)
    return decide(session, review.id, case.id, TERMS, form(**given), who=who, now=now)
