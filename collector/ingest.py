"""Ingest: posts from a file, through the same door as those of the sources, each exactly once.

A running digest over what was read is committed with every batch. A second run over the same file checks
it against the file's beginning and goes on behind it; where it does not agree, the posts' own ids decide.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import DataError
from sqlmodel import Session

from collector.batch import Batch, CursorPosition, Deletion, Item, Malformed
from collector.collect import collect
from collector.prefilter import Prefilter
from collector.readers import Unit, in_words
from collector.records import Cursor
from collector.store import move_cursor

BATCH = 2_000
SPOOLED = 64_000_000  # bytes of checked beginnings that stay in memory; more go to a temporary file


class Taken(NamedTuple):
    """What became of a file's items: seen = stored + known + dropped + malformed + already taken in before."""

    seen: int = 0
    stored: int = 0
    known: int = 0
    dropped: int = 0
    malformed: int = 0
    already: int = 0

    def plus(self, other: "Taken") -> "Taken":
        return Taken(*(one + more for one, more in zip(self, other, strict=True)))


class Door(NamedTuple):
    """What items go through. `author_key` is the key authors are digested with."""

    engine: Engine
    prefilter: Prefilter
    author_key: bytes
    clock: Callable[[], datetime]


def ingest(
    units: Iterator[Unit],
    door: Door,
    *,
    default_source: str,
    again: bool = False,
    taken: Callable[[Taken], None] = lambda _taken: None,
    bad: Callable[[Malformed], None] = lambda _bad: None,
) -> Taken:
    """Read all units, store what is new and ours, and say what became of them.

    `taken` hears the sum so far after each commit, `bad` of each malformed item. With `again` the file is
    read in full even if it was taken in before. Raises what the database raises; a later run goes on.
    """
    first = next(units, None)
    if first is None:
        return Taken()
    key = f"ingest:{hashlib.sha256(first.raw).hexdigest()[:32]}"
    running, count = hashlib.sha256(door.prefilter.fingerprint), 0
    total = Taken()
    rest = _chained(first, units)
    if not again:
        position = _position(door.engine, key)
        if position is not None:
            rest, running, skipped = _behind(position, rest, running)
            count, total = skipped, Taken(seen=skipped, already=skipped)
            taken(total)
    while batch := list(islice(rest, BATCH)):
        for unit in batch:
            running.update(hashlib.sha256(unit.raw).digest())
        count += len(batch)
        total = total.plus(_take(batch, door, key, f"{count} {running.hexdigest()}", default_source, bad))
        taken(total)
    return total


def _chained(first: Unit, rest: Iterator[Unit]) -> Iterator[Unit]:
    yield first
    yield from rest


def _position(engine: Engine, key: str) -> tuple[int, str] | None:
    with Session(engine) as session:
        cursor = session.get(Cursor, key)
    count, _, digest = (cursor.position if cursor and cursor.position else "").partition(" ")
    return (int(count), digest) if count.isdecimal() else None


def _behind(
    position: tuple[int, str], units: Iterator[Unit], running: "hashlib._Hash"
) -> tuple[Iterator[Unit], "hashlib._Hash", int]:
    """The units behind a beginning that was taken in before, when this beginning is that one; else all of them."""
    length, digest = position
    checked, start = running.copy(), running.copy()
    beginning = _Spool()
    for unit in islice(units, length):
        checked.update(hashlib.sha256(unit.raw).digest())
        beginning.keep(unit)
    if beginning.count == length and checked.hexdigest() == digest:
        beginning.close()
        return units, checked, length
    return _both(beginning.units(), units), start, 0


def _both(one: Iterable[Unit], other: Iterable[Unit]) -> Iterator[Unit]:
    yield from one
    yield from other


class _Spool:
    """Units set aside until it is known whether they must be read."""

    def __init__(self) -> None:
        self.count = 0
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115  # closed by its end
        self._encoder = msgspec.msgpack.Encoder()

    def keep(self, unit: Unit) -> None:
        packed = self._encoder.encode((unit.where, unit.raw, unit.kind))
        self._file.write(len(packed).to_bytes(8, "big") + packed)
        self.count += 1

    def units(self) -> Iterator[Unit]:
        self._file.seek(0)
        decoder = msgspec.msgpack.Decoder(tuple[str, bytes, str])
        while size := self._file.read(8):
            yield Unit(*decoder.decode(self._file.read(int.from_bytes(size, "big"))))
        self.close()

    def close(self) -> None:
        self._file.close()


def _take(
    batch: list[Unit],
    door: Door,
    key: str,
    position: str,
    default_source: str,
    bad: Callable[[Malformed], None],
) -> Taken:
    """Read and store one batch. What the database refuses is left out and named."""
    parts: dict[str, _Part] = {}
    for unit in batch:
        try:
            read = unit.read()
        except (ValueError, RecursionError) as error:
            found = Malformed(unit.where, in_words(error))
            bad(found)
            parts.setdefault(default_source, _Part([], [], [])).malformed.append(found)
            continue
        part = parts.setdefault(read.source or default_source, _Part([], [], []))
        part.deletions.extend(read.deletions)
        part.items.append(read.item)
    try:
        return _store(parts, door, key, position)
    except DataError:
        return _store(_without_bad(parts, door, bad), door, key, position)


class _Part(NamedTuple):
    """What one source brings in a batch; None stands for a unit that is no post."""

    items: list[Item | None]
    malformed: list[Malformed]
    deletions: list[Deletion]

    def batch(self) -> Batch:
        items = [each for each in self.items if each is not None]
        dropped = len(self.items) - len(items)
        return Batch(items=items, malformed=self.malformed, deletions=self.deletions, dropped=dropped)


def _store(parts: Mapping[str, _Part], door: Door, key: str, position: str) -> Taken:
    """Store one batch and the position behind it, in one commit."""
    now = door.clock()
    total = Taken()
    with Session(door.engine) as session:
        for source, part in sorted(parts.items()):
            batch = part.batch()
            found = collect(session, source, batch, door.prefilter, author_key=door.author_key, now=now)
            total = total.plus(Taken(*found))
        move_cursor(session, key, CursorPosition(position=position), now=now)
        session.commit()
    return total


def _without_bad(
    parts: Mapping[str, _Part], door: Door, bad: Callable[[Malformed], None]
) -> dict[str, _Part]:
    """The same without the items that the database refuses, each tried alone; nothing is stored here."""
    kept = {source: _Part([], list(part.malformed), part.deletions) for source, part in parts.items()}
    with Session(door.engine) as session:
        for source, part in parts.items():
            for item in part.items:
                try:
                    if item is not None:
                        with session.begin_nested():
                            alone = Batch(items=[item])
                            key = door.author_key
                            collect(session, source, alone, door.prefilter, author_key=key, now=door.clock())
                    kept[source].items.append(item)
                except DataError as error:
                    found = Malformed(item.external_id if item else "", type(error.orig).__name__)
                    kept[source].malformed.append(found)
                    bad(found)
        session.rollback()
    return kept
