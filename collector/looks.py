"""Looks: which files attached to posts are asked for, when again, and what came of it."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from collector.errors import FetchError, Forbidden, Refused, TooLarge
from collector.footage_records import Look
from collector.jobs import defer, defer_all
from collector.video.errors import Damaged, ToolMissing, VideoError
from collector.video.fetching import KINDS, PLATFORMS

QUEUE = "look"
FRESH = timedelta(days=14)  # what is older came from a file or a quiet place; its media are left alone
AGAIN_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
CROWD = 20
FOR_GOOD = (
    401,
    403,
    410,
    451,
)  # a file that is not found may not be there yet: platforms take time over a video

_ADDRESS = re.compile(
    r"https?://([^/\s:]+)\S*?(:?)(?=\s|$)"
)  # of media it names the account: its host is enough
_OUR_NAME = re.compile(r"^[0-9a-f]{32,64}: ")
_WAITING = text(
    "SELECT count(*) FROM (SELECT FROM procrastinate_jobs WHERE queue_name = 'look' AND status = 'todo'"
    " AND (scheduled_at IS NULL OR scheduled_at <= now()) LIMIT :most) AS waiting"
)
_UNSEEN = text(
    "SELECT m.id, m.kind FROM media AS m JOIN post_keys AS k ON k.id = m.post_id"
    " JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at"
    " WHERE m.post_id = ANY(:posts) AND m.kind = ANY(:kinds) AND p.platform = ANY(:platforms)"
    " AND p.withdrawn_at IS NULL AND p.published_at > :since"
    " AND NOT EXISTS (SELECT FROM looks AS l WHERE l.media_id = m.id) ORDER BY m.id"
)
_WANTED = text(
    "SELECT m.id, m.post_id, m.url, p.platform, p.published_at FROM media AS m"
    " JOIN post_keys AS k ON k.id = m.post_id JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at"
    " LEFT JOIN looks AS l ON l.media_id = m.id WHERE m.id = :media AND p.withdrawn_at IS NULL"
    " AND p.platform = ANY(:platforms) AND m.kind = ANY(:kinds)"
    " AND (l.media_id IS NULL OR l.done_at IS NULL AND l.again_at <= :now)"
)


class Wanted(NamedTuple):
    """A file to look at. `url` is None for one that was uploaded and is here already, under `sha256`."""

    media_id: UUID
    post_id: UUID | None
    url: str | None
    platform: str
    seen_at: datetime
    sha256: bytes | None = None


def leave_looks(session: Session, posts: Sequence[UUID], *, now: datetime) -> int:
    """Leave a job for each file that these posts carry, that is at hand and was not asked for yet. How many."""
    values = {
        "posts": list(posts),
        "kinds": list(KINDS),
        "platforms": list(PLATFORMS),
        "since": now - FRESH,
    }
    media = session.execute(_UNSEEN, values).all() if posts else []
    for priority, kind in enumerate(reversed(KINDS)):  # videos before pictures
        arguments = [{"media": str(each.id)} for each in media if each.kind == kind]
        defer_all(session, "look", queue=QUEUE, priority=priority, arguments=arguments)
    return len(media)


def crowded(session: Session) -> bool:
    """Whether many files wait: then each is given less."""
    found = session.execute(_WAITING, {"most": CROWD}).scalar_one()
    return int(found) >= CROWD


def wanted(session: Session, media: UUID, *, now: datetime) -> Wanted | None:
    """What to look at, if it is still to be looked at now: its post may be withdrawn, another may have done it."""
    values = {"media": media, "kinds": list(KINDS), "platforms": list(PLATFORMS), "now": now}
    found = session.execute(_WANTED, values).one_or_none()
    if found is not None:
        return Wanted(found.id, found.post_id, found.url, found.platform, found.published_at)
    given = session.get(Look, media)
    if given is None or given.case_id is None or given.done_at is not None or given.gone_at is not None:
        return None
    return Wanted(media, None, None, "upload", given.at, given.sha256)


def still_there(session: Session, post: UUID) -> bool:
    """Whether a post is not withdrawn; until the transaction ends it cannot be."""
    found = session.execute(
        text(
            "SELECT FROM post_keys AS k JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at"
            " WHERE k.id = :post AND p.withdrawn_at IS NULL FOR SHARE OF p"
        ),
        {"post": post},
    )
    return found.first() is not None


def note_failure(session: Session, asked: Wanted, error: FetchError | VideoError, *, now: datetime) -> Look:
    """Keep why a file could not be looked at, and leave a job for later where that may help."""
    look = session.get(Look, asked.media_id) or Look(media_id=asked.media_id, post_id=asked.post_id, at=now)
    look.at, look.tries = now, look.tries + 1
    look.error, look.remedy = told_plainly(error), error.remedy
    look.again_at = None
    if may_pass(error) and look.tries <= len(AGAIN_AFTER):
        asked_to_wait = error.retry_after if isinstance(error, FetchError) else None
        look.again_at = now + max(AGAIN_AFTER[look.tries - 1], asked_to_wait or timedelta(0))
        defer(session, "look", queue=QUEUE, at=look.again_at, media=str(asked.media_id))
    session.add(look)
    return look


def told_plainly(error: FetchError | VideoError) -> str:
    """The cause for the page: without addresses, which name accounts, and without our own name of the file."""
    return _ADDRESS.sub(r"\1\2", _OUR_NAME.sub("", error.cause))


def may_pass(error: FetchError | VideoError) -> bool:
    """Whether the same file may come out well at another time."""
    if isinstance(error, VideoError):
        return isinstance(error, Damaged | ToolMissing)
    if isinstance(error, Refused):
        return error.status not in FOR_GOOD
    return not isinstance(error, Forbidden | TooLarge)
