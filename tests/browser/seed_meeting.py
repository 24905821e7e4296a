"""A meeting with people: who sits in the group, who came, what was declared, what panels asked; and the year ahead."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from tests.triage.review.kept import CYCLE, OTHERS, seat
from triage.records import Case, Person
from triage.review.asking import answer_request, note_request
from triage.review.attendance import Came, note_attendance, sheet_of
from triage.review.declaring import declare
from triage.review.meeting_records import RequestAnswer, Review
from triage.review.schedule import arrange

ASKED = "The stop outside the station on Sunday evening, four officers and a boy on a bicycle"


def seed_meeting(session: Session, review: Review, chair: Person, *, now: datetime) -> None:
    """Around a meeting that was held. Needs its second case to be GH-2."""
    seat(session, "chair", chair.name, person=chair.id, now=review.created_at)
    for post, name in OTHERS:
        seat(session, post, name, now=review.created_at)
    seat(session, "member", "Pat", body="cmg-lambeth", now=review.created_at)
    [gone, *there] = reversed(sheet_of(session, review.id))
    for row in there:
        note_attendance(session, review.id, row.id, Came.SIGNED, who=chair, now=review.meets_at)
    left = review.meets_at + timedelta(minutes=90)
    note_attendance(session, review.id, gone.id, Came.LEFT, who=chair, now=left)
    second = session.exec(select(Case).where(Case.number == 2)).one()
    declare(
        session,
        review.id,
        second.id,
        "public_comment",
        CYCLE.group,
        who=chair,
        name="Member 4",
        now=review.meets_at,
    )
    for panel in ("cmg-lambeth", "pep-as"):
        made = note_request(
            session, panel, ASKED, CYCLE.panels, asked_at=now - timedelta(days=3), who=chair, now=now
        )
    answer_request(
        session,
        made.number or 0,
        RequestAnswer.NOT_OURS,
        because="it was the railway’s police",
        who=chair,
        now=now,
    )
    arrange(session, CYCLE.meetings, now=now)
    session.commit()
