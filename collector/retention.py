"""Retention: how long the collector keeps what belongs to no case, and what nobody tells us about any more.

A post in custody belongs to a case (`custody_entries`); with the case it stays. Everything else here has its day.
Withdrawing leaves the digests, the labels and the decision, as when an author deletes a post.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from pydantic import Field
from sqlalchemy import text
from sqlmodel import Session

from collector.settings import Section
from collector.sources import kind_of, kinds
from collector.sources.base import Follows, How, Needs
from collector.store import GOING, withdraw_posts


class KeepSettings(Section):
    """How many days is kept what belongs to no case: answers of servers, earlier wordings and whose voice a post is
    (`answers_days`), posts that could not be looked at again (`unseen_days`), what is only counted (`counts_days`).
    """

    answers_days: int = Field(default=14, ge=1)
    unseen_days: int = Field(default=30, ge=2)
    counts_days: int = Field(default=400, ge=31)


class LetGo(NamedTuple):
    """How many rows went, by what they were."""

    answers: int
    wordings: int
    voices: int


_CASED = "SELECT FROM custody_entries AS c WHERE c.post_id = {0}"
_HELD = "SELECT FROM held_posts AS h WHERE h.post_id = {0}"
_ANSWERS = text(
    "WITH kept AS (SELECT p.fetch_id FROM (SELECT post_id FROM custody_entries UNION SELECT post_id FROM held_posts)"
    " AS c JOIN post_keys AS k ON k.id = c.post_id"
    " JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at AND p.withdrawn_at IS NULL)"
    " DELETE FROM fetches WHERE at <= :before AND NOT EXISTS (SELECT FROM kept WHERE kept.fetch_id = fetches.id)"
    " RETURNING id"
)
_WORDINGS = text(
    "DELETE FROM post_versions AS v WHERE NOT EXISTS"  # noqa: S608  # all parts are ours
    f" ({_CASED.format('v.post_id')}) AND NOT EXISTS ({_HELD.format('v.post_id')})"
    " AND NOT EXISTS (SELECT FROM post_versions AS later"
    " WHERE later.post_id = v.post_id AND later.taken_at > :before) RETURNING post_id"
)
_VOICES = text(
    "UPDATE posts SET author_key = NULL WHERE author_key IS NOT NULL AND collected_at <= :before"  # noqa: S608
    f" AND NOT EXISTS ({_CASED.format('posts.id')}) AND NOT EXISTS ({_HELD.format('posts.id')}) RETURNING id"
)
# headlines stay as long as they are ours to show; what its platform could take back stays while we would notice
_UNSEEN = text(
    "SELECT p.id FROM posts AS p JOIN sources AS s ON s.name = p.source WHERE p.withdrawn_at IS NULL"  # noqa: S608
    " AND coalesce(p.checked_at, p.collected_at) <= :before"
    " AND s.kind = ANY(CAST(:unnoticed AS text[]))"
    f" AND (s.kind = ANY(CAST(:agreed AS text[])) OR NOT EXISTS ({_CASED.format('p.id')})) LIMIT :most"
)
_COUNTS = (
    "DELETE FROM tallies WHERE minute <= :before RETURNING 1",
    "DELETE FROM quota_uses WHERE day <= CAST(:before AS date) RETURNING 1",
    "DELETE FROM watch_events WHERE until_at <= :before RETURNING 1",
    "DELETE FROM gaps WHERE until_at <= :before RETURNING 1",
    "DELETE FROM failures WHERE at <= :before RETURNING 1",
)


def let_answers_go(session: Session, days: int, *, now: datetime) -> LetGo:
    """Let answers, earlier wordings and voices go of what is in no case. Run again it finds no more. Caller commits."""
    before = {"before": now - timedelta(days=days)}
    return LetGo(*(len(session.execute(each, before).all()) for each in (_ANSWERS, _WORDINGS, _VOICES)))


def let_counts_go(session: Session, days: int, *, now: datetime) -> int:
    """Let go what is only counted. Returns how many rows. The caller commits."""
    before = {"before": now - timedelta(days=days)}
    return sum(len(session.execute(text(each), before).all()) for each in _COUNTS)


def let_unseen_go(session: Session, days: int, *, now: datetime, most: int = GOING) -> list[UUID]:
    """Withdraw posts of which nobody would notice that they are gone: nothing tells of them, or their source is not
    asked any more. In a case they stay, unless they were ours by an agreement. Returns the next `most` at most, which
    are withdrawn; none when all is done. The caller commits."""
    before = now - timedelta(days=days)
    values = {"before": before, "unnoticed": _unnoticed(), "agreed": _agreed(), "most": most}
    unseen = list(session.scalars(_UNSEEN, values))
    because = f"kept no longer than {days} days without a look whether it still stands"
    withdraw_posts(session, dict.fromkeys(unseen, because), now=now)
    return unseen


def _unnoticed() -> list[str]:
    """The kinds that tell of no deletions by themselves. What was sent to us is ours to keep by our own rules."""
    declared = {kind: kind_of(kind) for kind in kinds()}
    return [
        kind
        for kind, each in declared.items()
        if each.deletions is not Follows.EVENTS and each.how is not How.INBOUND and not each.sent_to_us
    ]


def _agreed() -> list[str]:
    return [kind for kind in kinds() if kind_of(kind).needs is Needs.AGREEMENT]
