"""Edits: a post that says something else now keeps all its wordings. The first is never lost, the last one stands.

An edit counts when its platform dates it later than what we have; where the platform says nothing (feeds, previews),
when the source that brought the post shows it with other words.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from collector.plain import clean
from collector.store import Row

MOST = 50  # wordings kept of one post; of one that changes with every look the last still stands in `posts`

_SAID = "(p.title, p.text, p.content_warning)"
_BESIDE = (  # what is said of a picture or a link, and was not said before
    "EXISTS (SELECT FROM jsonb_array_elements(CAST({0}beside AS jsonb)) AS said WHERE NOT EXISTS (SELECT FROM media"
    " AS m WHERE m.post_id = p.id AND m.url = said ->> 0 AND m.alt = said ->> 1))"
)
_LATER = (
    "(CAST(:edited_at AS timestamptz) > coalesce(p.edited_at, '-infinity')"
    " OR CAST(:edited_at AS timestamptz) IS NULL AND p.edited_at IS NULL AND p.source = :source)"
)
_CHANGED = text(
    "SELECT p.id FROM unnest(CAST(:ids AS uuid[]), CAST(:titles AS text[]), CAST(:texts AS text[]),"  # noqa: S608  # all parts are ours
    " CAST(:warnings AS text[]), CAST(:beside AS text[])) AS shown (id, title, text, content_warning, beside)"
    " JOIN post_keys AS k USING (id)"
    " JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at WHERE p.withdrawn_at IS NULL"
    f" AND ({_SAID} IS DISTINCT FROM (shown.title, shown.text, shown.content_warning)"
    f" OR {_BESIDE.format('shown.')})"
)
_EDIT = text(
    "WITH old AS (SELECT p.* FROM posts AS p JOIN post_keys AS k ON p.id = k.id"  # noqa: S608  # all parts are ours
    " AND p.collected_at = k.collected_at WHERE k.id = :id AND p.withdrawn_at IS NULL"
    f" AND ({_SAID} IS DISTINCT FROM (CAST(:title AS text), CAST(:text AS text), CAST(:content_warning AS text))"
    f" OR {_BESIDE.format(':')})"
    f" AND {_LATER} FOR UPDATE OF p),"
    " first AS (INSERT INTO post_versions (post_id, number, taken_at, edited_at, source, title, text,"
    " content_warning, payload, payload_sha256) SELECT id, 1, collected_at, edited_at, source, title, text,"
    " content_warning, payload, payload_sha256 FROM old ON CONFLICT DO NOTHING),"
    " latest AS (INSERT INTO post_versions (post_id, number, taken_at, edited_at, source, title, text,"
    " content_warning, payload, payload_sha256) SELECT id, had.number + 1, :now, :edited_at, :source, :title,"
    " :text, :content_warning, :payload, :payload_sha256 FROM old CROSS JOIN LATERAL (SELECT"
    " coalesce(max(number), 1) AS number FROM post_versions WHERE post_id = old.id) AS had"
    " WHERE had.number < :most)"
    " UPDATE posts SET title = :title, text = :text, content_warning = :content_warning, payload = :payload,"
    " payload_sha256 = :payload_sha256, edited_at = :edited_at, changed_at = :now,"
    " has_video = posts.has_video OR :has_video FROM old"
    " WHERE posts.id = old.id AND posts.collected_at = old.collected_at RETURNING posts.id"
)
_MEDIA_NOW = text(  # what the edit no longer shows stays: it was published
    "WITH known AS (UPDATE media SET alt = CAST(:alt AS text), duration_s = coalesce(:duration_s, duration_s),"
    " aspect = coalesce(:aspect, aspect) WHERE post_id = CAST(:post_id AS uuid) AND url = CAST(:url AS text)"
    " RETURNING id) INSERT INTO media (id, post_id, kind, url, alt, duration_s, aspect) SELECT CAST(:id AS uuid),"
    " CAST(:post_id AS uuid), CAST(:kind AS text), CAST(:url AS text), CAST(:alt AS text),"
    " CAST(:duration_s AS float8), CAST(:aspect AS float8) WHERE NOT EXISTS (SELECT FROM known)"
)


def keep_edits(session: Session, rows: Sequence[Row], source: str, *, now: datetime) -> list[UUID]:
    """Take up the edits among these posts, all of which are known; the ids of those that now say something else."""
    if not rows:
        return []
    found = session.execute(
        _CHANGED,
        {
            "ids": [row.id for row in rows],
            "titles": [row.title for row in rows],
            "texts": [row.text for row in rows],
            "warnings": [row.content_warning for row in rows],
            "beside": [_beside(row) for row in rows],
        },
    )
    changed = {each.id for each in found}
    edited = [row.id for row in rows if row.id in changed and _edit(session, row, source, now)]
    return list(dict.fromkeys(edited))


def _edit(session: Session, row: Row, source: str, now: datetime) -> bool:
    columns = (
        "id",
        "title",
        "text",
        "content_warning",
        "payload",
        "payload_sha256",
        "has_video",
        "edited_at",
    )
    values: dict[str, Any] = {name: getattr(row, name) for name in columns}
    done = session.execute(
        _EDIT, {**values, "beside": _beside(row), "source": source, "now": now, "most": MOST}
    ).first()
    for each in row.media if done else ():
        session.execute(
            _MEDIA_NOW,
            {
                "id": uuid4(),
                "post_id": row.id,
                "kind": each.kind,
                "url": clean(each.url),
                "alt": clean(each.alt) if each.alt else None,
                "duration_s": each.duration_s,
                "aspect": each.aspect,
            },
        )
    return done is not None


def _beside(row: Row) -> str:
    """What is said of each picture and link, by address, as JSON."""
    return msgspec.json.encode(
        [(clean(each.url), clean(each.alt)) for each in row.media if each.alt]
    ).decode()
