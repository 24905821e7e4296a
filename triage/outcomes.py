"""What came of a line: who took up its words, and how much each claim it answers was said before and after."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, or_, select

from collector.records import Post
from triage.claim_records import ClaimSighting, KnownClaim, SightingState
from triage.statement_records import Statement

COUNTED = (SightingState.COUNTED, SightingState.CONFIRMED)
STEP = timedelta(hours=1)
HOURS = 12  # before the line, and after it
NEWS = "feed"


class PickUp(NamedTuple):
    """Who carried the words of a line after it was issued: posts of people, and items of news. `perhaps` waits for a
    person."""

    posts: int
    news: int
    perhaps: int
    first_at: datetime | None


class Volume(NamedTuple):
    """How often a claim was seen in the hours before and after a line. `steps` are one an hour, from `begins` on."""

    claim: KnownClaim
    before: int
    after: int
    steps: list[int]
    begins: datetime


class Adopted(NamedTuple):
    """After a correction: how many carry its words, and how many still those of the line it corrects."""

    new: int
    old: int


def pick_up(session: Session, line: Statement) -> PickUp:
    """Who carried a line's words since it was issued; nothing before that."""
    seen = _seen(session, line.claim_id, since=line.issued_at)
    sure = [(at, platform) for at, state, platform in seen if state in COUNTED]
    return PickUp(
        posts=sum(platform != NEWS for _, platform in sure),
        news=sum(platform == NEWS for _, platform in sure),
        perhaps=sum(state == SightingState.SUGGESTED for _, state, _ in seen),
        first_at=min((at for at, _ in sure), default=None),
    )


def volumes(session: Session, line: Statement) -> list[Volume]:
    """One for each claim that a line which was issued answers."""
    if line.issued_at is None or not line.answers:
        return []
    claims = session.exec(
        select(KnownClaim).where(col(KnownClaim.id).in_([UUID(each) for each in line.answers]))
    )
    return [volume(session, each, line.issued_at) for each in claims]


def adopted(session: Session, line: Statement, before: Statement | None) -> Adopted | None:
    """How far a correction has come; None of a line that corrects nothing."""
    if before is None or not line.correction or line.issued_at is None:
        return None
    new, old = (_seen(session, each.claim_id, since=line.issued_at) for each in (line, before))
    return Adopted(*(sum(state in COUNTED for _, state, _ in each) for each in (new, old)))


def volume(session: Session, claim: KnownClaim, issued_at: datetime) -> Volume:
    """How often a claim was seen in the hours before and after a moment."""
    begins = issued_at - HOURS * STEP
    steps = [0] * (2 * HOURS)
    for at, state, _ in _seen(session, claim.id, since=begins):
        place = (at - begins) // STEP
        if state in COUNTED and place < len(steps):
            steps[place] += 1
    return Volume(claim, sum(steps[:HOURS]), sum(steps[HOURS:]), steps, begins)


def _seen(
    session: Session, claim_id: UUID | None, *, since: datetime | None
) -> Sequence[tuple[datetime, str, str]]:
    """When, how sure and on which platform a claim, in any of its wordings, was seen since a moment."""
    if claim_id is None or since is None:
        return []
    wordings = select(KnownClaim.id).where(or_(KnownClaim.id == claim_id, KnownClaim.merged_into == claim_id))
    asked = (
        select(ClaimSighting.published_at, ClaimSighting.state, Post.platform)
        .join(Post, col(Post.id) == col(ClaimSighting.post_id))
        .where(col(ClaimSighting.claim_id).in_(wordings), ClaimSighting.published_at >= since)
        .order_by(col(ClaimSighting.published_at))
    )
    return session.exec(asked).all()
