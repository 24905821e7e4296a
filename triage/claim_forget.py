"""Forgetting: of a withdrawn post no claim keeps a word. Its sightings stay by id, with their score.

A claim whose words are a post's own lose them with it, unless another standing post that makes it says the same
words: then they are that post's. What was decided stays, and a person may put the claim in words of our own.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from collector.records import Post
from triage.claim_records import ClaimSighting, KnownClaim, SightingState
from triage.claims import GONE_TITLE, quotes, wordings
from triage.log import MACHINE, Line, note

_UNREASONED = text("UPDATE claim_sightings SET because = '' WHERE post_id = ANY(:posts) AND because <> ''")
_WITHDRAWN = text("SELECT id FROM posts WHERE withdrawn_at > :since")


def forget_claims(session: Session, posts: Sequence[UUID], *, now: datetime) -> None:
    """Let go what claims and their sightings quote of these withdrawn posts. The caller commits."""
    session.execute(_UNREASONED, {"posts": list(posts)})
    worded = select(KnownClaim).where(col(KnownClaim.post_id).in_(posts)).order_by(col(KnownClaim.number))
    for claim in session.exec(worded.with_for_update()).all():
        other = _another(session, claim)
        claim.post_id = other
        if other is None:
            claim.text, claim.title = "", GONE_TITLE
            claim.words_gone_at = claim.changed_at = now
            line = Line("words of a claim withdrawn", claim.case_id, None, {"claim": f"C-{claim.number}"})
            note(session, [line], who=MACHINE, now=now)
    session.flush()


def forget_claims_withdrawn(session: Session, *, since: datetime, now: datetime) -> None:
    """The same for all posts withdrawn since then: a comparison may have been under way. The caller commits."""
    forget_claims(session, list(session.scalars(_WITHDRAWN, {"since": since})), now=now)


def _another(session: Session, claim: KnownClaim) -> UUID | None:
    """Another standing post that makes the claim in these words."""
    standing = select(Post).join(ClaimSighting, col(ClaimSighting.post_id) == Post.id)
    among = [each.id for each in wordings(session, claim)]
    made = standing.where(
        col(ClaimSighting.claim_id).in_(among),
        col(ClaimSighting.state).in_((SightingState.COUNTED, SightingState.CONFIRMED)),
        col(Post.withdrawn_at).is_(None),
    )
    posts = session.exec(made.order_by(col(ClaimSighting.score).desc()).limit(50)).all()
    return next((post.id for post in posts if quotes(claim.text, post)), None)
