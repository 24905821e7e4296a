"""Recordings: what sources brought, kept as it came in and played back later at its own pace.

A recording is a folder with one file, `stream.jsonl`: a line for each batch, with its moment and source. It holds
what the prefilter lets in and what became of that, and nothing of the rest; an author stands in it as a digest,
and in the payload. What is withdrawn later stays in it: whoever makes a recording deletes it.
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Engine
from sqlmodel import Session

from collector.batch import Batch, Deletion, Item
from collector.collect import Collected, LetsIn, collect, id_of, voice_of
from collector.records import post_id

FILE = "stream.jsonl"


class RecordingError(ValueError):
    """A recording cannot be read or written; the message says which, and why."""


class Recorded(msgspec.Struct, frozen=True):
    """One batch as a source brought it."""

    at: datetime
    source: str
    batch: Batch


_decode = msgspec.json.Decoder(Recorded).decode


class Recorder:
    """Writes a recording. May be called from several threads."""

    def __init__(self, folder: Path, prefilter: LetsIn, author_key: bytes) -> None:
        """Raises RecordingError when the folder cannot be written to."""
        self._prefilter, self._key, self._lock = prefilter, author_key, Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise RecordingError(f"{folder}: cannot be written to: {error.strerror}") from error
        self._file = os.fdopen(made, "ab", buffering=0)
        self._posts: dict[UUID, tuple[str, str]] = {}  # recorded here, with platform and external id
        self.batches = 0

    def keep(self, source: str, batch: Batch, at: datetime) -> None:
        """Write one batch, without what is not ours. Batches that say nothing of ours are left out."""
        with self._lock:
            kept = self._ours(batch)
            gone = [each for each in batch.deletions if self._known(each)]
            gone += [
                self._opted_out(item)
                for item in batch.items
                if not item.indexable and id_of(item) in self._posts
            ]
            if not (kept or gone or batch.gaps):
                return
            left_out = batch.dropped + len(batch.items) - len(kept)
            recorded = msgspec.structs.replace(
                batch, items=kept, deletions=gone, wishes=[], dropped=left_out, cursor=None
            )
            self._file.write(msgspec.json.encode(Recorded(at, source, recorded)) + b"\n")
            self.batches += 1

    def _ours(self, batch: Batch) -> list[Item]:
        """What could be ours, and the edits of what was, whatever they say now."""
        rules = self._prefilter.lets_in([item.whole() for item in batch.items])
        kept = []
        for item, rule in zip(batch.items, rules, strict=True):
            edit = item.edited_at is not None and id_of(item) in self._posts
            if item.indexable and item.external_id and (item.let_in_by or rule or edit):
                self._posts[id_of(item)] = item.platform, item.external_id
                voice = voice_of(item, self._key)
                kept.append(msgspec.structs.replace(item, author=None, author_key=voice))
        return kept

    def _known(self, deletion: Deletion) -> bool:
        """Whether what is taken back was recorded here: a stream tells of everybody's deletions."""
        if deletion.prefix is None:
            return post_id(deletion.platform, deletion.external_id or "") in self._posts
        return any(
            platform == deletion.platform and external_id.startswith(deletion.prefix)
            for platform, external_id in self._posts.values()
        )

    def _opted_out(self, item: Item) -> Deletion:
        return Deletion(item.platform, "its author asks not to be shown", external_id=item.external_id)

    def close(self) -> None:
        self._file.close()


def read_recording(folder: Path) -> Iterator[Recorded]:
    """The batches of a recording in order. A last line that broke off is left out. Raises RecordingError."""
    path = folder / FILE
    if not path.is_file():
        raise RecordingError(f"{folder}: holds no recording ({FILE})")
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield _decode(line)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                if not line.endswith(b"\n"):
                    return
                raise RecordingError(f"{path}, line {number}: {error}") from error


class Played(NamedTuple):
    """What became of a recording."""

    batches: int
    counts: Collected


def replay(
    engine: Engine,
    folder: Path,
    prefilter: LetsIn,
    *,
    author_key: bytes,
    clock: Callable[[], datetime],
    wait: Callable[[float], None],
    speed: float = 1.0,
    told: Callable[[Played], None] = lambda _played: None,
) -> Played:
    """Bring a recording in again, each batch in its own commit, with the pauses it had divided by `speed`.

    With `speed` 0 there are no pauses. Posts that are known stay what they are. Raises RecordingError.
    """
    played, before = Played(0, Collected(0, 0, 0, 0, 0)), None
    for recorded in read_recording(folder):
        if speed > 0 and before is not None:
            wait(max(0.0, (recorded.at - before).total_seconds() / speed))
        before = recorded.at
        with Session(engine) as session:
            found = collect(
                session, recorded.source, recorded.batch, prefilter, author_key=author_key, now=clock()
            )
            session.commit()
        counts = Collected(*(one + more for one, more in zip(played.counts, found, strict=True)))
        played = Played(played.batches + 1, counts)
        told(played)
    return played
