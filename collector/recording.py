"""Recordings: what sources brought, kept as it came in and played back later at its own pace.

A recording is a folder with one file, `stream.jsonl`: a line for each batch, with its moment and source. It holds
what the prefilter lets in and nothing else, and of authors only a digest.
"""

import hmac
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec
from sqlalchemy import Engine
from sqlmodel import Session

from collector.batch import Batch, Item
from collector.collect import Collected, LetsIn, collect

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
        self.batches = 0

    def keep(self, source: str, batch: Batch, at: datetime) -> None:
        """Write one batch, without what is not ours. Batches that say nothing are left out."""
        rules = self._prefilter.lets_in([item.text for item in batch.items])
        kept = [
            self._masked(item)
            for item, rule in zip(batch.items, rules, strict=True)
            if item.indexable and (item.let_in_by or rule)
        ]
        if not kept and not batch.deletions:
            return
        line = msgspec.json.encode(Recorded(at, source, Batch(items=kept, deletions=batch.deletions)))
        with self._lock:
            self._file.write(line + b"\n")
            self.batches += 1

    def close(self) -> None:
        self._file.close()

    def _masked(self, item: Item) -> Item:
        if item.author is None:
            return item
        named = f"{item.platform}\0{item.author}".encode("utf-8", "surrogatepass")
        return msgspec.structs.replace(item, author=hmac.digest(self._key, named, "sha256").hex()[:32])


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
