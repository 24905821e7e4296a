"""Matching: which posts make a known claim. Reads posts that were routed; leaves sightings, counted or suggested.

Works in jobs of its own, which nothing waits for. The library of known claims is built anew only when they change.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from classifier.claims import Claim, Claims
from classifier.records import reading_text
from collector.bulk import put_rows
from triage.claim_records import ClaimSighting, KnownClaim, SightingState
from triage.claim_types import Matching
from triage.claims import first_seen

LONGEST_READ = 2_000  # characters of a post that are compared
BEST = 3

_READ = text("""
    SELECT p.id, p.title, p.text, p.published_at FROM post_keys AS k
    JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at
    WHERE k.id = ANY(:posts) AND p.withdrawn_at IS NULL
""")
# whoever withdraws one of these waits until we have committed, and then lets go what we wrote
_STILL_THERE = text("""
    SELECT p.id FROM post_keys AS k JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at
    WHERE k.id = ANY(:posts) AND p.withdrawn_at IS NULL ORDER BY p.id FOR SHARE OF p
""")
_ANEW = text("""
    DELETE FROM claim_sightings WHERE post_id = ANY(:posts) AND claim_id = ANY(:claims)
        AND state IN ('counted', 'suggested')
""")


class Library:
    """The known claims that are looked for, ready to be compared; kept until one of them changes."""

    def __init__(self, build: Callable[[Sequence[Claim]], Claims] = Claims.of) -> None:
        self._build = build
        self._as_of: tuple[object, ...] | None = None
        self.claims: list[Known] = []
        self.compared: Claims | None = None

    def refresh(self, session: Session) -> None:
        """Look whether the claims have changed, and only then build anew."""
        changes = func.sum(func.extract("epoch", col(KnownClaim.changed_at)))  # also of one committed late
        as_of = tuple(session.execute(select(func.count(), changes)).one())
        if as_of == self._as_of:
            return
        self.claims = looked_for(session)
        known = [Claim(str(each.id), each.text, each.title) for each in self.claims]
        self.compared = self._build(known) if known else None
        self._as_of = as_of


class Known(NamedTuple):
    """A known claim as far as posts are compared with it."""

    id: UUID
    number: int
    text: str
    title: str
    merged_into: UUID | None


class Seen(NamedTuple):
    """A post that makes a claim."""

    claim: UUID
    post: UUID
    state: SightingState
    score: float
    because: str
    published_at: datetime


def looked_for(session: Session) -> list[Known]:
    """The claims that posts are compared with, oldest first; also those decided, and wordings merged into others."""
    asked = select(KnownClaim).where(col(KnownClaim.withdrawn_at).is_(None), KnownClaim.text != "")
    return [
        Known(each.id, each.number or 0, each.text, each.title, each.merged_into)
        for each in session.exec(asked.order_by(col(KnownClaim.number)))
    ]


def match_claims(
    session: Session, posts: Sequence[UUID], library: Library, matching: Matching, *, now: datetime
) -> int:
    """Compare these posts with the claims, and keep what they make. What a person answered stays. Returns how many
    sightings there are of them; run again, it finds the same. The caller commits."""
    library.refresh(session)
    if library.compared is None:
        return 0
    read = session.execute(_READ, {"posts": list(posts)}).all()
    texts = [reading_text(each.title, each.text)[:LONGEST_READ] for each in read]
    found = [
        Seen(UUID(str(match.claim)), post.id, state, match.score, match.because, post.published_at)
        for post, matches in zip(read, library.compared.nearest(texts, BEST), strict=True)
        for match in matches
        if (state := sure(match.score, match.alike, matching)) is not None
    ]
    there = list(session.scalars(_STILL_THERE, {"posts": list(posts)}))
    return _keep(session, [each for each in found if each.post in there], there, library.claims, now=now)


def sure(score: float, alike: float, matching: Matching) -> SightingState | None:
    """Whether a match is counted by itself, suggested to a person, or neither."""
    if score >= matching.count_score and alike >= matching.count_alike:
        return SightingState.COUNTED
    if score >= matching.suggest_score and alike >= matching.suggest_alike:
        return SightingState.SUGGESTED
    return None


def _keep(
    session: Session, seen: Sequence[Seen], posts: Sequence[UUID], claims: Sequence[Known], *, now: datetime
) -> int:
    known = {each.id: each for each in claims}
    session.execute(_ANEW, {"posts": list(posts), "claims": list(known)})
    rows: list[dict[str, Any]] = [
        {
            "claim_id": each.claim,
            "post_id": each.post,
            "state": each.state.value,
            "score": each.score,
            "because": each.because,
            "published_at": each.published_at,
            "at": now,
        }
        for each in seen
    ]
    put_rows(session, ClaimSighting, rows)
    first_seen(session, *{known[each.claim].merged_into or each.claim for each in seen})
    return len(rows)
