"""Meetings that have begun, with cases on their list, and forms as people fill them in."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from config.settings import HERE
from tests.make import LIFECYCLE, NOON, make_case, make_person
from triage.records import Case, Person
from triage.review.deciding import decide
from triage.review.finding_codes import read_finding_codes
from triage.review.finding_form import Given
from triage.review.finding_records import Finding
from triage.review.meeting_records import Review, ReviewItem

CODES = read_finding_codes(HERE / "review" / "findings.toml")
HOLIDAYS = LIFECYCLE.bank_holidays
BEGAN = NOON - timedelta(hours=2)


def reviewer(session: Session, name: str = "tom", **given: Any) -> Person:
    who = make_person(username=name, **{"roles": ["oversight_reviewer"], **given})
    session.add(who)
    session.flush()
    return who


def meeting(session: Session, *cases: Case, at: Any = BEGAN) -> Review:
    """A meeting with these cases on its list."""
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
    return decide(session, review.id, case.id, CODES, form(**given), bank_holidays=HOLIDAYS, who=who, now=now)
