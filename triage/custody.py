"""Custody: pieces that belong to a case are evidence, entered when they are collected and whenever someone has them
in hand."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from collector.evidence import note_custody, note_custody_of_files
from triage.log import VIEWED, Line, note

AT_ONCE = 1_000
SEEN_ANEW = timedelta(minutes=10)

_UNENTERED = text(
    "SELECT DISTINCT m.post_id FROM memberships AS m WHERE m.sure AND NOT EXISTS (SELECT FROM custody_entries AS c"
    " WHERE c.post_id = m.post_id AND c.media_id IS NULL AND c.act = 'collected') LIMIT :most"
)
_UNENTERED_FILES = text(
    "SELECT l.media_id FROM looks AS l WHERE l.file_at IS NOT NULL AND l.gone_at IS NULL AND l.done_at IS NOT NULL"
    " AND (l.case_id IS NOT NULL OR EXISTS (SELECT FROM memberships AS m WHERE m.post_id = l.post_id AND m.sure))"
    " AND NOT EXISTS (SELECT FROM custody_entries AS c WHERE c.media_id = l.media_id AND c.act = 'collected')"
    " LIMIT :most"
)
_SEEN = text("""
    SELECT EXISTS (SELECT FROM log_entries WHERE case_id = :case AND who = :who AND what = :what AND at > :since),
        ARRAY(SELECT DISTINCT post_id FROM custody_entries WHERE post_id = ANY(:posts) AND media_id IS NULL
            AND who = :who AND act = 'viewed' AND at > :since)
""")


_SET_APART = text(
    "UPDATE posts SET author_key = sha256(uuid_send(m.case_id) || posts.author_key) FROM post_keys AS k"
    " JOIN memberships AS m ON m.post_id = k.id AND m.sure WHERE k.id = ANY(:posts) AND posts.id = k.id"
    " AND posts.collected_at = k.collected_at AND length(posts.author_key) < 32"
)


def voice_in(case_id: UUID, author_key: bytes) -> bytes:
    """Whose voice a post is, within one case: the same before and after the database keeps only this."""
    return author_key if len(author_key) == 32 else hashlib.sha256(case_id.bytes + author_key).digest()


def take_into_custody(session: Session, *, now: datetime) -> int:
    """Enter the posts and files of cases that have no entry yet, at most 1,000 of each at once. Returns how many.

    From then on nothing links their authors with posts of other cases. The caller commits.
    """
    posts = session.scalars(_UNENTERED, {"most": AT_ONCE}).all()
    files = session.scalars(_UNENTERED_FILES, {"most": AT_ONCE}).all()
    session.execute(_SET_APART, {"posts": list(posts)})
    entered = note_custody(session, posts, "collected", who="collector", now=now)
    return entered + note_custody_of_files(session, files, "collected", who="collector", now=now)


def note_seen(session: Session, case_id: UUID, posts: Sequence[UUID], *, who: str, now: datetime) -> None:
    """Enter that a person sees these posts of a case: a line in its log, and an entry for each post; each once in ten
    minutes, however many pages are opened at once. The caller commits.
    """
    # two views that start together wait for each other here, until the first has committed
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:seen, 0))"), {"seen": f"seen {case_id} {who}"}
    )
    asked = {"case": case_id, "who": who, "what": VIEWED, "since": now - SEEN_ANEW, "posts": list(posts)}
    case_seen, seen = session.execute(_SEEN, asked).one()
    if not case_seen:
        note(session, [Line(VIEWED, case_id)], who=who, now=now)
    new = [post for post in posts if post not in seen]
    note_custody(session, new, "viewed", who=who, now=now)


def has_seen(session: Session, media: UUID, *, who: str, within: timedelta, now: datetime) -> bool:
    """Whether a person has asked to see this file, lately."""
    found = session.execute(
        text(
            "SELECT EXISTS (SELECT FROM custody_entries WHERE media_id = :media AND who = :who AND act = 'viewed'"
            " AND at > :since)"
        ),
        {"media": media, "who": who, "since": now - within},
    )
    return bool(found.scalar_one())
