"""A synthetic year in which the group also met, decided and asked: what the figures of a pack rest on."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from triage.records import Case, Clock, Desk
from triage.review.finding_records import (
    Finding,
    Talk,
)
from triage.statement_records import Statement
from triage.track_records import Prompt

CODES = ("PROFESSIONAL", "LEARNING-INDIVIDUAL", "POOR-COMMUNICATION", "POLICY-GAP", "CONDUCT-DPS", "DEFERRED")


def fill_out(session: Session, *, seed: int = 1) -> None:
    """What a synthetic year does not have: updates that were promised, corrections, many apologies."""
    _more(session, Random(f"decided/{seed}"))
    session.commit()


def make_finding(case_id: UUID, review_id: UUID, dice: Random, *, at: datetime, **given: Any) -> Finding:
    code = dice.choice(CODES)
    return Finding(
        case_id=case_id, review_id=review_id, code=code, secondary=dice.sample(("SUPERVISION-GAP", "IMPATIENCE"), 1),
        themes=dice.sample(("respect", "training", "explanation"), 2), reviewed=code != "DEFERRED",
        concern=code == "CONDUCT-DPS", talk=dice.choice([*Talk, None]), decision="made up", why="made up",
        entered_by="tom", entered_at=at, **given,
    )  # fmt: skip


def _more(session: Session, dice: Random) -> None:
    """Beside them clocks that were void, and apologies answered at some time."""
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
