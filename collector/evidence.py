"""Evidence: who had a piece in hand, and whether what is stored is still what was collected."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

import structlog
from sqlalchemy import text
from sqlmodel import Session

from collector.records import POST_NAMESPACE

log = structlog.get_logger()

ACTS = ("collected", "viewed", "copied", "exported", "released", "checked")

_HASHES = (
    "SELECT id AS post_id, payload_sha256 AS kept, sha256(payload) AS found, 'posts' AS place FROM posts"
    " WHERE payload IS NOT NULL AND sha256(payload) <> payload_sha256"
    " UNION ALL SELECT post_id, payload_sha256, sha256(payload), 'post_versions' FROM post_versions"
    " WHERE payload IS NOT NULL AND sha256(payload) <> payload_sha256"
)


def note_custody(
    session: Session,
    posts: Sequence[UUID],
    act: str,
    *,
    who: str,
    now: datetime,
    note: str | None = None,
) -> int:
    """Write that someone had these posts in hand, each with the digest it has now. Returns how many entries.

    Raises ValueError for an act that is none of `ACTS`. The entries can never be changed or taken out.
    """
    if act not in ACTS:
        raise ValueError(f"{act!r} is none of {', '.join(ACTS)}")
    written = session.execute(
        text(
            "INSERT INTO custody_entries (at, who, act, post_id, sha256, note) SELECT :now, :who, :act, p.id,"
            " p.payload_sha256, :note FROM posts AS p JOIN post_keys AS k ON k.id = p.id"
            " AND k.collected_at = p.collected_at WHERE k.id = ANY(:posts) ORDER BY p.id RETURNING id"
        ),
        {"now": now, "who": who, "act": act, "note": note, "posts": list(posts)},
    )
    return len(written.all())


def check_hashes(session: Session, *, now: datetime) -> int:
    """Compute every stored payload's digest anew; each that differs is a Failure and an error in the log.

    Returns how many differ. The caller commits.
    """
    changed = session.execute(text(_HASHES)).all()
    for each in changed:
        log.error("evidence changed", post=str(each.post_id), table=each.place)
        session.execute(
            text(
                "INSERT INTO failures (id, at, stage, subject, error, remedy)"
                " VALUES (:id, :now, 'evidence', :subject, :error, :remedy)"
                " ON CONFLICT (id) DO UPDATE SET at = excluded.at, mended_at = NULL"
            ),
            {
                "id": uuid5(POST_NAMESPACE, f"evidence\0{each.place}\0{each.post_id}"),
                "now": now,
                "subject": str(each.post_id),
                "error": f"its payload in {each.place} is not what was collected: SHA-256 {each.found.hex()[:16]}"
                f" instead of {each.kept.hex()[:16]}",
                "remedy": "Do not rely on it; restore it from a backup, and find out who can write to the database",
            },
        )
    return len(changed)
