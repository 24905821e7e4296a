"""A meeting of long ago that decided on two cases of the night: findings, an action, minutes, what a BCU is told."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from config.settings import HERE
from tests.make import LIFECYCLE
from triage.locked import LONDON
from triage.records import Case, Person
from triage.review.actions import ActionGiven, note_progress, open_action
from triage.review.deciding import Terms, decide
from triage.review.finding_codes import read_finding_codes
from triage.review.finding_form import Given
from triage.review.group import read_group
from triage.review.meeting_records import Attendance, Review, ReviewItem
from triage.review.minutes import draft_minutes
from triage.review.panel_feedback import import_forms, say_done

CODES = read_finding_codes(HERE / "review" / "findings.toml")
TERMS = Terms(CODES, read_group(HERE / "review" / "group.toml"), LIFECYCLE)
SHEET = ("chair", "dps", "commander", "comms", "community", "community")
LONG_AGO = datetime(2026, 1, 14, 10, 0, tzinfo=LONDON)
DAY = "2026-01-14"
FORMS = "".join(f"Lambeth panel,2026-01-{day},4,{day % 5 + 1},,3,\n" for day in range(10, 16))


def come(session: Session, review: Review, chair: Person | None) -> None:
    """Enough people are there to decide."""
    for number, post in enumerate(SHEET):
        row = Attendance(
            review_id=review.id, post=post, name=f"Member {number}", noted_by="tom", came_at=review.meets_at
        )
        row.person_id = chair.id if chair and post == "chair" else None
        session.add(row)
    session.flush()


def seed_decided(session: Session, who: Person, *, now: datetime) -> Review:
    """`who` is an oversight reviewer. Needs the first two cases."""
    review = Review(meets_at=LONG_AGO, created_at=LONG_AGO - timedelta(days=14))
    session.add(review)
    session.flush()
    come(session, review, None)
    cases = session.exec(select(Case).where(col(Case.number).in_((1, 2))).order_by(col(Case.number))).all()
    for case in cases:
        session.add(
            ReviewItem(case_id=case.id, review_id=review.id, because="force is reported", listed_at=LONG_AGO)
        )
    session.flush()
    first, second = cases
    poor = Given(
        code="POOR-COMMUNICATION", secondary=["LACK-OF-DE-ESCALATION"], talk="unclear", communication="2",
        legality="no_question", went_well="Bystanders were spoken to calmly",
        decision="The team hears in training how to explain what it does", why="Nobody said why for four minutes",
        steps={"information": "Both videos were seen", "options": "More time could have been taken"},
        dissent=[("Community member", "Force could have been avoided altogether")],
    )  # fmt: skip
    decide(session, review.id, first.id, TERMS, poor, who=who, now=now)
    deferred = Given(
        code="DEFERRED", decision="Looked at once the proceedings end", why="A trial is under way"
    )
    decide(session, review.id, second.id, TERMS, deferred, who=who, now=now)
    asked = ActionGiven(
        "Brief all response teams on explaining a stop", "BCU commander", now.date() + timedelta(days=21), "training",
        "explanation",
    )  # fmt: skip
    action = open_action(
        session, review.id, asked, case_id=first.id, themes=["explanation"], who=who, now=now
    )
    note_progress(session, action.id, "Dates are set with the trainers", who=who, now=now)
    draft_minutes(session, review.id, TERMS.group, who=who, now=now)
    head = "panel,met_on,respect,explanation,calm,answers,comments\n"
    import_forms(session, f"{head}{FORMS}".encode(), CODES, who=who, now=now)
    say_done(
        session, "Lambeth panel", "Nobody explained the stop", "Response teams are briefed", action=action, who=who,
        now=now,
    )  # fmt: skip
    session.commit()
    return review
