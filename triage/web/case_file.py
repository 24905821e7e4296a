"""What a page of one case reads once and its parts share; and which sorts of rows the case has at all: most have few.

A part asks further only for what is there. Whoever sees a case sees all rows of it, so nobody learns more by this.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from collector.footage_records import Look
from collector.records import Media, Record
from triage.claim_records import KnownClaim, Question
from triage.escalation_records import Escalation
from triage.growth_records import Growth, Spread
from triage.hold_records import Hold
from triage.records import Alert, Case, Clock, Membership
from triage.release_records import BwvDecision
from triage.restriction_records import Restriction, Tie
from triage.reveal_records import Reveal
from triage.review.finding_records import Action, Feedback, Finding, Referral
from triage.review.meeting_records import ReviewItem
from triage.statement_records import CaseFact, Statement
from triage.track_records import BodyWornVideo, Prompt, Track
from triage.web.rows import names_of

_OF_CASES: tuple[type[Record], ...] = (
    Action, BodyWornVideo, BwvDecision, CaseFact, Escalation, Feedback, Finding, KnownClaim, Prompt, Question, Referral,
    Restriction, Reveal, ReviewItem, Spread, Statement, Tie, Track,
)  # fmt: skip
# what does not carry the case's id; of holds, whether any stands anywhere
_ELSEWHERE: dict[type[Record], str] = {
    Hold: "FROM holds WHERE ended_at IS NULL",
    Look: "FROM looks WHERE case_id = :case OR post_id IN (SELECT post_id FROM memberships WHERE case_id = :case)",
    Media: "FROM media JOIN memberships USING (post_id) WHERE case_id = :case AND sure AND duration_s IS NOT NULL",
    Membership: "FROM memberships WHERE case_id = :case AND NOT sure",
}
_SORTS = {each: f"FROM {each.__tablename__} WHERE case_id = :case" for each in _OF_CASES} | _ELSEWHERE
_THERE = text("SELECT " + ", ".join(f"EXISTS (SELECT {asked})" for asked in _SORTS.values()))


class CaseFile(NamedTuple):
    """A case with its clocks, what is due first leading; its alerts by desk; its growth, minute by minute; the names of
    who has it and who acknowledged. `there` are sorts of rows: a `Membership` when posts are suggested, `Media` when a
    clip's length is known.
    """

    case: Case
    there: frozenset[type[Record]]
    clocks: Sequence[Clock]
    alerts: Sequence[Alert]
    ledger: Sequence[Growth]
    names: dict[UUID | None, str]

    def has(self, *sorts: type[Record]) -> bool:
        """Whether the case has rows of one of these sorts."""
        return not self.there.isdisjoint(sorts)


def read_file(session: Session, case: Case) -> CaseFile:
    found = session.execute(_THERE, {"case": case.id}).one()
    clocks = select(Clock).where(Clock.case_id == case.id).order_by(col(Clock.due_at), Clock.name)
    asked = select(Alert).where(Alert.case_id == case.id).order_by(Alert.desk, col(Alert.growth))
    alerts = session.exec(asked).all()
    ledger = select(Growth).where(Growth.case_id == case.id).order_by(col(Growth.at))
    return CaseFile(
        case=case,
        there=frozenset(each for each, there in zip(_SORTS, found, strict=True) if there),
        clocks=session.exec(clocks).all(),
        alerts=alerts,
        ledger=session.exec(ledger).all(),
        names=names_of(session, [case.claimed_by, *(each.acknowledged_by for each in alerts)]),
    )
