"""Which sealed files stay: those of posts in cases, and what a hold covers. All others go, and the custody log says
when and why."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from classifier.footage import hold_families
from collector.evidence import note_custody_of_files
from collector.video.files import Files
from triage.log import MACHINE
from triage.records import OPEN

WAITS = timedelta(hours=1)  # for its post to become a case
FADES = timedelta(days=14)
AT_ONCE = 500

# why a sealed file may go, the first that holds; NULL while it stays
_TO_GO = text("""
    SELECT l.media_id, l.sha256, CASE
        WHEN l.post_id IS NOT NULL AND (k.id IS NULL OR p.withdrawn_at IS NOT NULL) THEN 'its post was withdrawn'
        WHEN l.case_id IS NULL AND l.file_at < :waited AND NOT EXISTS (
            SELECT FROM memberships m WHERE m.post_id = l.post_id) THEN 'its post belongs to no case'
        WHEN NOT EXISTS (
            SELECT FROM cases c WHERE (c.id = l.case_id OR c.id IN (
                SELECT case_id FROM memberships m WHERE m.post_id = l.post_id))
            AND (c.status = ANY(:open) OR coalesce(c.touched_at, c.opened_at) > :closed))
            AND l.file_at < :waited THEN 'its case was closed long enough ago'
    END AS because, EXISTS (SELECT FROM custody_entries e WHERE e.media_id = l.media_id) AS entered
    FROM looks l LEFT JOIN post_keys k ON k.id = l.post_id
    LEFT JOIN posts p ON p.id = k.id AND p.collected_at = k.collected_at
    WHERE l.file_at IS NOT NULL AND l.gone_at IS NULL
        AND NOT EXISTS (SELECT FROM held_posts AS h WHERE h.post_id = l.post_id)
        AND NOT EXISTS (SELECT FROM holds AS h WHERE h.case_id = l.case_id AND h.signed_at IS NOT NULL
            AND h.ended_at IS NULL)
""")
_NEEDED = text(
    "SELECT sha256 FROM looks WHERE sha256 = ANY(:digests) AND file_at IS NOT NULL AND gone_at IS NULL"
    " AND media_id <> ALL(:media)"
)
# of what belongs to no case the addresses and the words in the picture go; its hashes find later copies
_FADE = text(
    "UPDATE looks SET url = NULL, headers = '{}', error = NULL, remedy = NULL WHERE url IS NOT NULL AND at < :before"
    " AND case_id IS NULL AND NOT EXISTS (SELECT FROM memberships m WHERE m.post_id = looks.post_id)"
)
_WORDLESS = text(
    "UPDATE footage SET captions = '{}' WHERE captions <> '{}' AND kept_at < :before AND post_id IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM memberships m WHERE m.post_id = footage.post_id)"
)
_GONE = text("UPDATE looks SET gone_at = :now, gone_because = :because WHERE media_id = ANY(:media)")


def settle_files(session: Session, files: Files, *, keep_for: timedelta, now: datetime) -> int:
    """Let go the files that are no evidence, or no more. Returns how many. The caller commits.

    A file goes before its row says so: a crash between the two leaves a row to be settled again, never a file
    that nobody knows of.
    """
    hold_families(session)  # a file that is being sealed just now must not be taken for one nobody needs
    values: dict[str, Any] = {
        "waited": now - WAITS,
        "closed": now - keep_for,
        "open": [status.value for status in OPEN],
    }
    going = [each for each in session.execute(_TO_GO, values) if each.because is not None][:AT_ONCE]
    media = [each.media_id for each in going]
    _drop(session, files, [bytes(each.sha256) for each in going if each.sha256], media)
    for because in sorted({each.because for each in going}):
        these = [each for each in going if each.because == because]
        entered = [each.media_id for each in these if each.entered]  # what was no evidence leaves no entry
        note_custody_of_files(session, entered, "disposed", who=MACHINE, now=now, note=because)
        session.execute(_GONE, {"now": now, "because": because, "media": [each.media_id for each in these]})
    session.execute(_FADE, {"before": now - FADES})
    session.execute(_WORDLESS, {"before": now - FADES})
    files.forget_incoming()
    return len(going)


def _drop(session: Session, files: Files, digests: Sequence[bytes], media: Sequence[UUID]) -> None:
    """Delete files, but for those that another look still needs: one file may come with several posts."""
    values = {"digests": list(digests), "media": list(media)}
    needed = {bytes(each) for each in session.scalars(_NEEDED, values)} if digests else set()
    for each in set(digests) - needed:
        files.drop(each)
