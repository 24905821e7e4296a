"""The exemplary list: an encounter that people praise, put before the oversight meeting by a person."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, select

from collector.jobs import defer
from triage.locked import Conflict, lock, touch
from triage.permissions import Permission, need
from triage.records import OPEN, Case, Person
from triage.review.meeting_records import ReviewItem

EXEMPLARY = "exemplary encounter"
QUEUE = "respond"


def list_as_exemplary(session: Session, case_id: UUID, *, who: Person, why: str, now: datetime) -> Case:
    """Ask for the case to be listed for the next meeting. Raises Denied, Conflict. The caller commits."""
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id)
    if case.status not in OPEN:
        raise Conflict(f"GH-{case.number} is closed. Open it again first.")
    if session.exec(select(ReviewItem.case_id).where(ReviewItem.case_id == case_id)).first() is not None:
        raise Conflict(f"GH-{case.number} is on the list of a meeting already.")
    touch(session, case, "proposed as exemplary", who=who, now=now, why=why.strip() or None)
    defer(session, "list_for_review", queue=QUEUE, case=str(case_id), because=EXEMPLARY)
    return case
