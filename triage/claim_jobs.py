"""Jobs that compare posts with known claims: left for posts that were routed, and for a claim that is new."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from collector.jobs import defer, ids
from triage.claim_records import KnownClaim
from triage.claim_types import Matching

AT_ONCE = 100  # posts compared in one job
BACK = timedelta(days=7)
MOST_BACK = 2_000

_COMPARED = text("""
    SELECT r.id FROM unnest(CAST(:posts AS uuid[])) AS r (id)
    WHERE EXISTS (SELECT FROM memberships AS m WHERE m.post_id = r.id)
        OR EXISTS (SELECT FROM assessments AS a WHERE a.post_id = r.id AND a.claim >= :likely)
""")
_LOOKED_BACK = text("""
    (SELECT post_id FROM memberships WHERE case_id = :case ORDER BY joined_at DESC LIMIT :most)
    UNION (SELECT post_id FROM assessments WHERE at > :since AND claim >= :likely ORDER BY at DESC LIMIT :most)
""")


def leave_claims(session: Session, posts: Sequence[UUID], matching: Matching) -> None:
    """Leave jobs that compare those of these posts that are in a case or likely make a checkable claim."""
    if not session.execute(text("SELECT EXISTS (SELECT FROM known_claims)")).scalar_one():
        return
    _leave(session, session.scalars(_COMPARED, {"posts": list(posts), "likely": matching.claim_above}).all())


def look_back(session: Session, claim_id: UUID, matching: Matching, *, now: datetime) -> None:
    """Leave the same for a claim that is new: the posts of its case, and those of the last days."""
    claim = session.get(KnownClaim, claim_id)
    if claim is None:
        return
    values = {"case": claim.case_id, "since": now - BACK, "likely": matching.claim_above, "most": MOST_BACK}
    _leave(session, session.scalars(_LOOKED_BACK, values).all())


def _leave(session: Session, posts: Sequence[UUID]) -> None:
    for start in range(0, len(posts), AT_ONCE):
        defer(session, "match_claims", queue="claims", posts=ids(posts[start : start + AT_ONCE]))
