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
    Finding,
    Referral,
    ReferralBody,
    Talk,
)
from triage.review.pack_records import SheetEntry
from triage.statement_records import Statement
from triage.track_records import Prompt

CODES = ("PROFESSIONAL", "LEARNING-INDIVIDUAL", "POOR-COMMUNICATION", "POLICY-GAP", "CONDUCT-DPS", "DEFERRED")


def fill_out(session: Session, *, until: datetime = NOON, seed: int = 1) -> None:
    """What a synthetic year does not have: referrals, sheets, releases of video, samples, updates, corrections."""
    dice = Random(f"decided/{seed}")
    found = select(Finding).where(col(Finding.superseded_at).is_(None))
    for each in session.exec(found.order_by(col(Finding.entered_at), col(Finding.case_id))).all():
        if each.concern and dice.random() < 0.5:
            session.add(
                Referral(
                    case_id=each.case_id, review_id=each.review_id, body=ReferralBody.IOPC, kind="voluntary",
                    by_post="DPS", made_on=each.entered_at.date(), reference="REF/1", entered_by="tom",
                    entered_at=each.entered_at,
                )
            )  # fmt: skip
        if dice.random() < 0.5:
            session.add(
                SheetEntry(
                    case_id=each.case_id, name="tactics", choices=dice.sample(("Handcuffs", "Baton", "Dog"), 2),
                    source="s", entered_by="tom", entered_at=each.entered_at,
                )
            )  # fmt: skip
        if dice.random() < 0.2:
            session.add(_release(dice, each.case_id, each.entered_at))
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
