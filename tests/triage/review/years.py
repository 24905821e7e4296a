"""A synthetic year in which the group also met, decided and asked: what the figures of a pack rest on."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlmodel import Session, col, select

from collector.records import SourceRow
from tests.make import NOON
from triage.learning_records import DropSample, Stage
from triage.records import Case, Clock, Desk
from triage.release_records import BwvDecision, ReleaseOutcome
from triage.review.finding_records import (
    Action,
    ActionOutcome,
    ActionTarget,
    Feedback,
    Finding,
    Referral,
    ReferralBody,
    Talk,
)
from triage.review.meeting_records import Review, ReviewItem
from triage.review.pack_records import SheetEntry
from triage.statement_records import Statement
from triage.track_records import Prompt

CODES = ("PROFESSIONAL", "LEARNING-INDIVIDUAL", "POOR-COMMUNICATION", "POLICY-GAP", "CONDUCT-DPS", "DEFERRED")


def decide_the_year(session: Session, *, until: datetime = NOON, seed: int = 1) -> None:
    """Findings on what was listed for meetings that were held, with all that follows from them."""
    dice = Random(f"decided/{seed}")
    held = select(ReviewItem.case_id, Review.id, Review.meets_at).join(
        Review, col(Review.id) == ReviewItem.review_id
    )
    asked = held.where(Review.meets_at < until).order_by(col(Review.meets_at), col(ReviewItem.case_id))
    for case_id, review_id, meets_at in session.exec(asked).all():
        finding = make_finding(case_id, review_id, dice, at=meets_at + timedelta(hours=2))
        session.add(finding)
        if finding.code == "CONDUCT-DPS" and dice.random() < 0.5:
            session.add(
                Referral(
                    case_id=case_id, review_id=review_id, body=ReferralBody.IOPC, kind="voluntary", by_post="DPS",
                    made_on=meets_at.date(), reference="REF/1", entered_by="tom", entered_at=meets_at,
                )
            )  # fmt: skip
        if dice.random() < 0.7:
            session.add(_action(dice, case_id, review_id, meets_at, until))
        session.add(_feedback(dice, case_id, review_id, meets_at))
        session.add(
            SheetEntry(
                case_id=case_id, name="tactics", choices=dice.sample(("Handcuffs", "Baton", "Dog"), 2), source="s",
                entered_by="tom", entered_at=meets_at,
            )
        )  # fmt: skip
        if dice.random() < 0.2:
            session.add(_release(dice, case_id, meets_at))
    _samples(session, dice, until)
    _more(session, dice)
    session.commit()


def make_finding(case_id: UUID, review_id: UUID, dice: Random, *, at: datetime, **given: Any) -> Finding:
    code = dice.choice(CODES)
    return Finding(
        case_id=case_id, review_id=review_id, code=code, secondary=dice.sample(("SUPERVISION-GAP", "IMPATIENCE"), 1),
        themes=dice.sample(("respect", "training", "explanation"), 2), reviewed=code != "DEFERRED",
        concern=code == "CONDUCT-DPS", talk=dice.choice([*Talk, None]), decision="made up", why="made up",
        entered_by="tom", entered_at=at, **given,
    )  # fmt: skip


def _action(dice: Random, case_id: UUID, review_id: UUID, at: datetime, until: datetime) -> Action:
    done = at + timedelta(days=dice.randrange(2, 60)) if dice.random() < 0.7 else None
    closed = done + timedelta(days=9) if done and dice.random() < 0.8 else None
    closed = closed if closed and closed < until else None
    return Action(
        review_id=review_id, case_id=case_id if dice.random() < 0.9 else None, target=dice.choice(list(ActionTarget)),
        words="made up", owner_post="Training lead", due_on=(at + timedelta(days=28)).date(),
        first_due_on=(at + timedelta(days=28)).date(), opened_by="tom", opened_at=at,
        completed_at=done if done and done < until else None, closed_at=closed,
        outcome=dice.choice(list(ActionOutcome)) if closed else None,
    )  # fmt: skip


def _feedback(dice: Random, case_id: UUID, review_id: UUID, at: datetime) -> Feedback:
    return Feedback(
        case_id=case_id, review_id=review_id, bcu="CE", words="made up", begun_at=at, due_at=at + timedelta(days=7),
        sent_at=at + timedelta(days=dice.randrange(1, 10)) if dice.random() < 0.9 else None,
    )  # fmt: skip


def _release(dice: Random, case_id: UUID, at: datetime) -> BwvDecision:
    return BwvDecision(
        id=uuid4(), case_id=case_id, policy="bwv-2026", policy_title="Made up",
        outcome=dice.choice(list(ReleaseOutcome)), necessity="made up", proportionality="made up", why="made up",
        asked_at=at, entered_at=at, first="tom",
        first_role="approver", decided_at=at + timedelta(hours=dice.randrange(1, 60)),
    )  # fmt: skip


def _samples(session: Session, dice: Random, until: datetime) -> None:
    for back in range(0, 364, 4):
        at = until - timedelta(days=back + 1)
        for stage in Stage:
            for _ in range(3):
                session.add(
                    DropSample(
                        day=at.date(), stage=stage, post_id=uuid4(), source="year-1", dropped=900, drawn_at=at,
                        missed=dice.choice((None, False, False, True)),
                    )
                )  # fmt: skip


def _more(session: Session, dice: Random) -> None:
    """Updates that were promised, corrections, apologies answered at some time, a borough that is seen."""
    for case in session.exec(select(Case).order_by(col(Case.number))).all():
        if dice.random() < 0.3:
            begun = case.opened_at + timedelta(hours=1)
            session.add(
                Clock(
                    case_id=case.id, name=dice.choice(("next_update", "family_contact")),
                    desk=Desk.COMMS, started_at=begun, due_at=begun + timedelta(hours=2),
                    stopped_at=begun + timedelta(hours=dice.randrange(1, 4)) if dice.random() < 0.8 else None,
                    stopped_by=dice.choice(("tom", "dismissed")),
                )
            )  # fmt: skip
    lines = session.exec(select(Statement.id).order_by(col(Statement.number))).all()
    session.exec(update(Statement).where(col(Statement.id).in_(lines[::5])).values(correction=True))
    session.exec(update(Prompt).where(col(Prompt.answer).is_not(None)).values(answer="Given"))
    session.exec(
        update(SourceRow).where(col(SourceRow.name) == "year-1").values(boroughs=["Hackney", "Camden"])
    )
