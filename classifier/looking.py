"""A look at one file attached to a post, or given by staff: fetched, measured, put into its family.

What goes wrong is kept with its reason and, where that may help, tried again. The network and the decoders are
done with before the transaction begins that keeps what was found.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import Engine, text
from sqlmodel import Session

from classifier.footage import Origin, Shelf, keep
from collector.errors import FetchError
from collector.footage_records import Footage, Look
from collector.http import Http
from collector.jobs import defer
from collector.looks import Wanted, note_failure, still_there, wanted
from collector.video.errors import VideoError
from collector.video.fetching import Fetched, fetch_file
from collector.video.ffmpeg import program
from collector.video.files import Files, digest
from collector.video.look import probe, read_captions, read_provenance, read_stills
from collector.video.probed import Captions, Limits, Probe, Provenance, Stills

log = structlog.get_logger()

# All together, with the fetch, less than the three minutes after which a worker's job counts as stuck.
MEASURING = Limits(wall_s=40.0, cpu_s=40)
DRAWING = Limits(wall_s=20.0, cpu_s=20)
READING = Limits(memory_bytes=6_000_000_000, wall_s=35.0, cpu_s=60)
PROVING = Limits(memory_bytes=4_000_000_000, wall_s=15.0)


class Parts(NamedTuple):
    """What a look needs. `captions` says whether words in the picture are read, some ten seconds of processor."""

    http: Http
    files: Files
    shelf: Shelf
    captions: bool = True


class _Seen(NamedTuple):
    probe: Probe
    stills: Stills
    captions: Captions | None
    provenance: Provenance | None


def look(engine: Engine, media: UUID, parts: Parts, *, clock: Callable[[], datetime]) -> bool:
    """Look at one file, once. Whether it was seen; else its row in `looks` says why not."""
    with Session(engine) as session:
        asked = wanted(session, media, now=clock())
    if asked is None:
        return False
    try:
        program()  # without it nothing is fetched
        with parts.files.incoming() as path:
            fetched, here = _at_hand(asked, path, parts, clock())
            seen, digested = _see(here, captions=parts.captions), digest(here)
            found = msgspec.structs.replace(
                seen.probe, sha256=digested.sha256, size_bytes=digested.size_bytes
            )
            with Session(engine) as session:
                kept = _keep(session, asked, fetched, seen._replace(probe=found), parts.shelf, now=clock())
                if kept is not None:
                    parts.files.seal(here, digested.sha256)
                    parts.files.picture(digested.sha256, seen.stills)
                    session.commit()
    except (FetchError, VideoError) as error:
        _leave(engine, asked, error, now=clock())
        return False
    return kept is not None


def _leave(engine: Engine, asked: Wanted, error: FetchError | VideoError, *, now: datetime) -> None:
    """Keep why a file was not seen, unless its post was withdrawn meanwhile."""
    with Session(engine) as session:
        if asked.post_id is None or still_there(session, asked.post_id):
            failed = note_failure(session, asked, error, now=now)
            log.info(
                "file not seen", media=str(asked.media_id), error=type(error).__name__, tries=failed.tries
            )
            session.commit()


def _at_hand(asked: Wanted, path: Path, parts: Parts, now: datetime) -> tuple[Fetched | None, Path]:
    """The file on our disk, with how it came; one that was uploaded lies there already."""
    if asked.url is None:
        return None, parts.files.place(asked.sha256 or b"")
    return fetch_file(parts.http, asked.url, path, now=now), path


def _see(path: Path, *, captions: bool) -> _Seen:
    """All that is read of a file. Only the first two must succeed: words and credentials are a bonus."""
    probed, stills = probe(path, MEASURING), read_stills(path, DRAWING)
    return _Seen(
        probed,
        stills,
        _captions(path, probed) if captions else None,
        _provenance(path),
    )


def _captions(path: Path, probed: Probe) -> Captions:
    try:
        return read_captions(path, probed, READING)
    except VideoError as error:
        return Captions([], f"Words in the picture were not read: {error.cause}")


def _provenance(path: Path) -> Provenance:
    try:
        return read_provenance(path, PROVING)
    except VideoError as error:
        return Provenance(False, f"Content credentials were not looked for: {error.cause}")


def _keep(
    session: Session, asked: Wanted, fetched: Fetched | None, seen: _Seen, shelf: Shelf, *, now: datetime
) -> Footage | None:
    """Write the look and the footage, and leave the job that brings it to its case. None when its post is gone."""
    if asked.post_id is not None and not still_there(session, asked.post_id):
        return None
    origin = Origin(asked.platform, asked.seen_at, asked.media_id, asked.post_id)
    kept = keep(
        session, shelf, seen.probe, origin, captions=seen.captions, provenance=seen.provenance, now=now
    )
    row = session.get(Look, asked.media_id) or Look(media_id=asked.media_id, post_id=asked.post_id, at=now)
    row.at, row.tries, row.done_at, row.again_at = now, row.tries + 1, now, None
    row.error = row.remedy = None
    row.sha256, row.size_bytes = seen.probe.sha256, seen.probe.size_bytes
    row.file_at = row.file_at or now
    if fetched is not None:
        row.url, row.headers, row.steps = fetched.url, fetched.headers, fetched.steps
    session.add(row)
    if kept.captions and asked.post_id is not None:
        _read_anew(session, asked.post_id, now=now)
    defer(session, "match_footage", queue="route", lock="route", footage=str(kept.id))
    return kept


def _read_anew(session: Session, post: UUID, *, now: datetime) -> None:
    """Have a post assessed once more, with the words in its picture beside its own."""
    session.execute(
        text(
            "UPDATE posts SET changed_at = :now FROM post_keys AS k"
            " WHERE k.id = :post AND posts.id = k.id AND posts.collected_at = k.collected_at"
        ),
        {"post": post, "now": now},
    )
    defer(session, "assess", queue="assess", posts=[str(post)])
