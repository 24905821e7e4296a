"""Whether the group may discuss a case on its merits: not while proceedings or an IOPC-led investigation run."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session, col

from triage.lifecycle import Lifecycle, TrackName
from triage.review.finding_records import Referral, ReferralBody
from triage.track_records import Prompt, Track

REFERRED = "referred to the IOPC, and what it decides is not entered yet"
EVER = datetime.min.replace(tzinfo=UTC)


def may_discuss(session: Session, case_id: UUID, lifecycle: Lifecycle) -> str | None:
    """Why a case is listed but not discussed on its merits, in words; None when it may be. While there is a reason
    nothing but DEFERRED can be found.
    """
    track = session.get(Track, (case_id, TrackName.CONDUCT.value), populate_existing=True)
    plan = lifecycle.plan(TrackName.CONDUCT)
    if track is None:
        return REFERRED if _referred(session, case_id, lifecycle, since=EVER) else None
    state = plan.state(track.state)
    if state.bars:
        return state.title
    settled = track.state_since if state.bars is False or track.closed_at else EVER
    return REFERRED if _referred(session, case_id, lifecycle, since=settled) else None


def _referred(session: Session, case_id: UUID, lifecycle: Lifecycle, *, since: datetime) -> bool:
    """Whether a referral to the IOPC stands since a moment: recorded, or entered as what somebody decided."""
    asked = select(col(Referral.id)).where(
        col(Referral.case_id) == case_id,
        col(Referral.body) == ReferralBody.IOPC,
        col(Referral.superseded_at).is_(None),
        col(Referral.entered_at) > since,
    )
    if session.scalars(asked).first() is not None:
        return True
    bars = {each.name: each.bars for each in lifecycle.prompt if each.bars}
    answers = select(Prompt).where(
        col(Prompt.case_id) == case_id, col(Prompt.name).in_(bars), col(Prompt.answered_at) > since
    )
    return any(each.answer in bars[each.name] for each in session.scalars(answers))
