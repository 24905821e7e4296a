"""Evidence: who had a piece in hand, and whether what is stored is still what was collected.

A piece is a post, by its payload, or a file that was attached to one or uploaded to a case.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid5

import structlog
from sqlalchemy import TextClause, text
from sqlmodel import Session

from collector.records import POST_NAMESPACE
from collector.video.files import Files, digest

log = structlog.get_logger()

ACTS = ("collected", "viewed", "copied", "exported", "released", "checked", "disposed")
STAGE = "evidence"
LOGGED = 20  # changed pieces that have a line of their own in the log; all have their Failure
REMEDY = "Do not rely on it; restore it from a backup, and find out who can write to it"

_HASHES = (
    "SELECT id AS post_id, payload_sha256 AS kept, sha256(payload) AS found, 'posts' AS place FROM posts"
    " WHERE payload IS NOT NULL AND sha256(payload) <> payload_sha256"
    " UNION ALL SELECT post_id, payload_sha256, sha256(payload), 'post_versions' FROM post_versions"
    " WHERE payload IS NOT NULL AND sha256(payload) <> payload_sha256"
)
_OF_POSTS = text(
    "INSERT INTO custody_entries (at, who, act, post_id, sha256, note) SELECT :now, :who, :act, p.id,"
    " p.payload_sha256, :note FROM posts AS p JOIN post_keys AS k ON k.id = p.id"
    " AND k.collected_at = p.collected_at WHERE k.id = ANY(:pieces) ORDER BY p.id RETURNING id"
)
_OF_FILES = text(
    "INSERT INTO custody_entries (at, who, act, post_id, media_id, sha256, note) SELECT :now, :who, :act, post_id,"
    " media_id, sha256, :note FROM looks WHERE media_id = ANY(:pieces) AND sha256 IS NOT NULL"
    " ORDER BY media_id RETURNING id"
)
_FAILURE = text(
    "INSERT INTO failures (id, at, stage, subject, error, remedy) VALUES (:id, :now, :stage, :subject, :error, :remedy)"
    " ON CONFLICT (id) DO UPDATE SET at = excluded.at, error = excluded.error, mended_at = NULL"
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
    return _note(session, _OF_POSTS, posts, act, who, now, note)


def note_custody_of_files(
    session: Session,
    media: Sequence[UUID],
    act: str,
    *,
    who: str,
    now: datetime,
    note: str | None = None,
) -> int:
    """The same for files, by the media they came as."""
    return _note(session, _OF_FILES, media, act, who, now, note)


def _note(
    session: Session,
    statement: TextClause,
    pieces: Sequence[UUID],
    act: str,
    who: str,
    now: datetime,
    note: str | None,
) -> int:
    if act not in ACTS:
        raise ValueError(f"{act!r} is none of {', '.join(ACTS)}")
    values = {"now": now, "who": who, "act": act, "note": note, "pieces": list(pieces)}
    return len(session.execute(statement, values).all()) if pieces else 0


class Changed(NamedTuple):
    """A piece that is not what was collected. `subject` is its id, `what` says how it differs."""

    subject: str
    place: str
    what: str

    @property
    def id(self) -> UUID:
        return uuid5(POST_NAMESPACE, f"evidence\0{self.place}\0{self.subject}")


def check_evidence(session: Session, files: Files, *, now: datetime) -> list[Changed]:
    """Compute the digest of every stored payload and sealed file anew. The caller commits.

    Each that differs is a Failure and, of the first ones, an error in the log; one that fits again is mended.
    """
    changed = [*_changed_payloads(session), *_changed_files(session, files)]
    for each in changed[:LOGGED]:
        log.error("evidence changed", subject=each.subject, place=each.place)
    if len(changed) > LOGGED:
        log.error("evidence changed in many places", pieces=len(changed))
    if changed:
        told = {"now": now, "stage": STAGE, "remedy": REMEDY}
        rows = [{"id": each.id, "subject": each.subject, "error": each.what, **told} for each in changed]
        session.execute(_FAILURE, rows)
    session.execute(
        text(
            "UPDATE failures SET mended_at = :now WHERE stage = :stage AND mended_at IS NULL AND id <> ALL(:ids)"
        ),
        {"now": now, "stage": STAGE, "ids": [each.id for each in changed]},
    )
    return changed


def _changed_payloads(session: Session) -> Iterable[Changed]:
    for each in session.execute(text(_HASHES)):
        what = f"its payload in {each.place} is not what was collected: {_differ(each.found, each.kept)}"
        yield Changed(str(each.post_id), each.place, what)


def _changed_files(session: Session, files: Files) -> Iterable[Changed]:
    kept = session.execute(
        text(
            "SELECT sha256, min(media_id::text) AS media FROM looks WHERE file_at IS NOT NULL AND gone_at IS NULL"
            " AND sha256 IS NOT NULL GROUP BY sha256 ORDER BY sha256"
        )
    ).all()
    for each in kept:
        path = files.place(bytes(each.sha256))
        found = digest(path).sha256 if path.is_file() else None
        if found is None:
            yield Changed(each.media, "media", "its file is missing from the media folder")
        elif found != bytes(each.sha256):
            yield Changed(
                each.media, "media", f"its file is not what was sealed: {_differ(found, each.sha256)}"
            )


def _differ(found: bytes, kept: bytes) -> str:
    return f"SHA-256 {bytes(found).hex()[:16]} instead of {bytes(kept).hex()[:16]}"
