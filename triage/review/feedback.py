"""Feedback: what a BCU is told of a case after a meeting, by when, and that it confirmed the officer was told.

The words are drafted from the finding and written over by people; they are sent elsewhere and recorded here. Nobody is
named: a BCU and posts only.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from triage.clocks import after_working_days
from triage.locked import LONDON, Conflict, touch, touch_by
from triage.locked import lock as lock_case
from triage.log import MACHINE
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.review.finding_codes import FindingCodes
from triage.review.finding_records import Feedback, Finding
from triage.review.meeting_records import Review

LONGEST = 4_000
BREACHED = "feedback to BCU overdue"


def begin_feedback(
    session: Session,
    review: Review,
    case: Case,
    finding: Finding,
    codes: FindingCodes,
    bank_holidays: Collection[date],
    *,
    now: datetime,
) -> Feedback:
    """The feedback of a case after a meeting, begun with a draft; a draft that nobody sent follows a correction."""
    asked = select(Feedback).where(Feedback.case_id == case.id, Feedback.review_id == review.id)
    found = session.exec(asked).first()
    if found is None:
        due = after_working_days(review.meets_at, codes.feedback_working_days, bank_holidays)
        found = Feedback(
            case_id=case.id, review_id=review.id, bcu=case.bcu or "", words="", begun_at=now, due_at=due
        )
        session.add(found)
    if found.sent_at is None:
        found.words = drafted(case, review, finding)
    session.flush()
    return found


def drafted(case: Case, review: Review, finding: Finding) -> str:
    """What a BCU would be told: the finding, what went well, the decision and its reason. No dissent, no name."""
    met = review.meets_at.astimezone(LONDON)
    titles = [str(finding.says.get(name, name)) for name in (finding.code, *finding.secondary)]
    lines = [
        f"GH-{case.number}: the oversight group looked at this on {met:%-d %B %Y}.",
        f"Finding: {'; '.join(titles)}.",
    ]
    if finding.went_well:
        lines.append(f"What went well: {finding.went_well}")
    lines += [f"Decision: {finding.decision}", f"Why: {finding.why}"]
    lines.append("Please tell the officer through their supervisor, and confirm here that it was done.")
    return "\n".join(lines)


def write_feedback(session: Session, feedback: UUID, words: str, *, who: Person, now: datetime) -> Feedback:
    """Write the words over, before they are sent."""
    case, found = _held(session, feedback, who)
    if found.sent_at is not None:
        raise Conflict("It was sent: what the BCU was told cannot be changed here any more.")
    if len(words.split()) < 3:
        raise Conflict("Say what the BCU is told.")
    found.words = words.strip()[:LONGEST]
    touch(session, case, "feedback written", who=who, now=now)
    return found


def record_sent(
    session: Session, feedback: UUID, to: str, *, sent_at: datetime | None = None, who: Person, now: datetime
) -> Feedback:
    """Record that it was sent, elsewhere, to a post of the BCU."""
    case, found = _held(session, feedback, who)
    sent_at = sent_at or now
    if found.sent_at is not None:
        raise Conflict("It is recorded as sent already.")
    if not to.strip():
        raise Conflict("Say which post it was sent to: no name.")
    if not found.begun_at <= sent_at <= now:
        raise Conflict("It was sent between the finding and now: look at the time again.")
    found.sent_at, found.sent_by, found.sent_to = sent_at, who.username, to.strip()[:LONGEST]
    if sent_at > found.due_at and found.breached_at is None:
        found.breached_at = now
    touch(session, case, "feedback sent to BCU", who=who, now=now, detail={"to": found.sent_to})
    return found


def confirm_told(session: Session, feedback: UUID, by: str, *, who: Person, now: datetime) -> Feedback:
    """Enter that the BCU confirmed, through a post, that the officer was told."""
    case, found = _held(session, feedback, who)
    if found.sent_at is None:
        raise Conflict("Record first that it was sent.")
    if found.confirmed_at is not None:
        raise Conflict("It is confirmed already.")
    if not by.strip():
        raise Conflict("Say which post confirmed it: no name.")
    found.confirmed_at, found.confirmed_by = now, by.strip()[:200]
    found.confirmed_entered_by = who.username
    touch(session, case, "officer told, BCU confirmed", who=who, now=now, detail={"by": found.confirmed_by})
    return found


def mark_breaches(session: Session, *, now: datetime) -> int:
    """Mark feedback that ran out unsent, once, in the log of its case. The caller commits."""
    late = select(Feedback.id, Feedback.case_id).where(
        col(Feedback.sent_at).is_(None), col(Feedback.breached_at).is_(None), col(Feedback.due_at) < now
    )
    marked = 0
    for feedback_id, case_id in session.exec(late.order_by(col(Feedback.case_id), col(Feedback.id))).all():
        [case] = lock_case(session, case_id)
        found = session.get_one(Feedback, feedback_id, populate_existing=True)
        if found.sent_at is None and found.breached_at is None:
            found.breached_at = now
            touch_by(session, case, BREACHED, who=MACHINE, now=now, detail={"bcu": found.bcu})
            marked += 1
    return marked


def feedback_of(session: Session, case_id: UUID) -> Sequence[Feedback]:
    """All feedback on a case, the latest first."""
    asked = select(Feedback).where(Feedback.case_id == case_id)
    return session.exec(asked.order_by(col(Feedback.begun_at).desc())).all()


def _held(session: Session, feedback: UUID, who: Person) -> tuple[Case, Feedback]:
    """The feedback with its case, both locked."""
    need(who, Permission.DECIDE_FINDING)
    case_id = session.exec(select(Feedback.case_id).where(Feedback.id == feedback)).first()
    if case_id is None:
        raise Conflict("There is no such feedback.")
    [case] = lock_case(session, case_id)
    return case, session.get_one(Feedback, feedback, populate_existing=True)
