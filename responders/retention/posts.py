"""What posts say: which are due under which class, and how one batch goes from everywhere at once.

A post in several cases stays as long as the one that keeps it longest. What a hold covers stays where it is and is
counted. What is left is a tombstone: digests, labels and the decision.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session

from classifier.forget import forget
from collector.evidence import note_custody
from collector.store import withdraw_posts
from triage.claim_forget import forget_claims
from triage.log import MACHINE
from triage.permalinks import permalink_of
from triage.records import OPEN
from triage.retention_policy import CONTENT, RetentionClass, RetentionPolicy
from triage.searching import forget_words

AT_ONCE, AHEAD = 500, 20_000  # posts of a batch, and those looked for in one go

_DUE = """
    WITH standing AS (
        SELECT p.id, p.url, p.collected_at, r.at AS decided_at, f.over, f.grave,
            (SELECT min(h.number) FROM held_posts AS c JOIN holds AS h ON h.id = c.hold_id
                WHERE c.post_id = p.id) AS hold
        FROM posts AS p LEFT JOIN routings AS r ON r.post_id = p.id
        LEFT JOIN LATERAL (
            SELECT bool_and(CASE WHEN NOT m.sure OR c.severity >= 4 THEN m.joined_at <= :minor
                    ELSE c.status <> ALL(:open)
                        AND greatest(c.touched_at, c.opened_at, m.joined_at) <= :grave END) AS over,
                bool_or(m.sure AND c.severity <= 3) AS grave
            FROM memberships AS m JOIN cases AS c ON c.id = m.case_id WHERE m.post_id = p.id
        ) AS f ON true
        WHERE p.withdrawn_at IS NULL AND p.collected_at <= :soonest {among}
    ), due AS (
        SELECT id, url, collected_at, hold, CASE WHEN over IS NULL THEN CASE WHEN decided_at IS NULL THEN 'unread'
            ELSE 'unflagged' END WHEN grave THEN 'grave' ELSE 'minor' END AS class
        FROM standing WHERE CASE WHEN over IS NOT NULL THEN over
            WHEN decided_at IS NULL THEN collected_at <= :unread ELSE decided_at <= :unflagged END
    )
"""
_NEXT = "SELECT id, url FROM due WHERE class = :class AND hold IS NULL ORDER BY collected_at LIMIT :most"
_AHEAD = text(_DUE.format(among="") + _NEXT)
# with the key of its part each is looked up in its own month
_AMONG = text(
    _DUE.format(
        among="AND (p.id, p.collected_at) IN (SELECT id, collected_at FROM post_keys WHERE id = ANY(:posts))"
    )
    + _NEXT
)
_COUNTED = "SELECT class, hold, count(*) AS posts FROM due GROUP BY class, hold ORDER BY class, hold"
_COUNTS = text(_DUE.format(among="") + _COUNTED)
_CASED = text("SELECT DISTINCT post_id FROM custody_entries WHERE post_id = ANY(:posts) AND media_id IS NULL")
_STANDING = text("SELECT id, url FROM posts WHERE id = ANY(:posts) AND withdrawn_at IS NULL ORDER BY id")
_TOMBSTONES = text("""
    INSERT INTO post_tombstones (post_id, permalink, class_name, rules, at, certificate_id)
    VALUES (:post, :permalink, :class, :rules, :now, :certificate) ON CONFLICT (post_id) DO NOTHING
""")


class Due(NamedTuple):
    """One post whose time is over."""

    id: UUID
    url: str | None


class Waiting(NamedTuple):
    """How many posts of a class are due. `hold` is the number of the hold that keeps them; None when they go."""

    class_name: str
    hold: int | None
    posts: int


class DuePosts:
    """The posts of one class that are due and not held, batch by batch.

    To look for them takes as long as there are posts, so many are looked for at once; each is asked anew in its turn.
    """

    def __init__(self, policy: RetentionPolicy, name: str, *, now: datetime) -> None:
        self.values = moments(policy, now) | {"class": name}
        self.ahead: list[UUID] = []

    def next(self, session: Session, *, most: int = AT_ONCE, ahead: int = AHEAD) -> list[Due]:
        """The next `most` at most; none when all went."""
        while True:
            if not self.ahead:
                self.ahead = [each.id for each in session.execute(_AHEAD, self.values | {"most": ahead})]
            if not self.ahead:
                return []
            posts, self.ahead = self.ahead[:most], self.ahead[most:]
            found = session.execute(_AMONG, self.values | {"posts": posts, "most": most})
            if due := [Due(*each) for each in found]:
                return due


def count_due(session: Session, policy: RetentionPolicy, *, now: datetime) -> list[Waiting]:
    """How many posts are due by class, those that go and those that a hold keeps."""
    return [Waiting(*each) for each in session.execute(_COUNTS, moments(policy, now))]


def moments(policy: RetentionPolicy, now: datetime) -> dict[str, Any]:
    """For each class of content the moment up to which its time is over."""
    over = {name: policy.of(name).period.before(now) for name in CONTENT}
    return {**over, "open": [each.value for each in OPEN], "soonest": max(over.values())}


def purge_posts(
    session: Session,
    posts: Sequence[Due],
    rule: RetentionClass,
    *,
    rules: int,
    certificate: UUID,
    permalink_key: bytes,
    now: datetime,
) -> dict[str, int]:
    """Let the content of these posts go from every place, and leave a tombstone. Returns rows by where they were."""
    ids = [each.id for each in posts]
    leave_tombstones(session, posts, rule.name, rules, certificate, permalink_key, now)
    because = f"kept no longer than {rule.period} ({rule.name})"
    note_custody(session, cased_among(session, ids), "disposed", who=MACHINE, now=now, note=because)
    return take_away(session, ids, because, now=now)


def cased_among(session: Session, posts: Sequence[UUID]) -> list[UUID]:
    """Those of these posts that are in custody: their disposal is entered there."""
    return list(session.scalars(_CASED, {"posts": list(posts)}))


def standing_among(session: Session, posts: Sequence[UUID]) -> list[Due]:
    """Those of these posts that are not withdrawn."""
    return [Due(*each) for each in session.execute(_STANDING, {"posts": list(posts)})]


def take_away(session: Session, posts: Sequence[UUID], because: str, *, now: datetime) -> dict[str, int]:
    """Withdraw these posts and let go at once what quotes them. Returns rows by where they were. The caller commits."""
    counts = {name: session.execute(asked, {"posts": list(posts)}).scalar_one() for name, asked in _HELD_IN}
    counts["posts"] = withdraw_posts(session, dict.fromkeys(posts, because), now=now)
    forget(session, posts)
    forget_claims(session, posts, now=now)
    forget_words(session, posts)
    return counts


def leave_tombstones(
    session: Session,
    posts: Sequence[Due],
    class_name: str,
    rules: int,
    certificate: UUID | None,
    key: bytes,
    now: datetime,
) -> None:
    """Note what goes, before it goes: by id, and by a keyed digest of its address."""
    told = {"class": class_name, "rules": rules, "now": now, "certificate": certificate}
    rows = [{"post": each.id, "permalink": permalink_of(each.url, key), **told} for each in posts]
    if rows:
        session.execute(_TOMBSTONES, rows)


def _count(table: str, column: str = "post_id") -> tuple[str, TextClause]:
    return table, text(f"SELECT count(*) FROM {table} WHERE {column} = ANY(:posts)")  # noqa: S608  # all parts are ours


_HELD_IN = tuple(
    _count(table) for table in ("post_versions", "media", "sealed_authors", "post_words", "claim_sightings")
)
