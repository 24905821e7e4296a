"""The chain of the log: each entry's digest is keyed and covers the digest before it, so that no entry can be
changed, taken out, put in or moved without the key; and the head, published elsewhere, holds its end in place.

`verify` recomputes all of it from the rows, in the memory of a few thousand.
"""

import hmac
import json
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import IO, Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import Session, col

from triage.records import LogEntry, LogHead
from triage.retention_records import LogTombstone

START = bytes(32)  # what the first entry follows
AT_ONCE = 5_000
_AT = text("SELECT hash, at FROM log_entries WHERE seq = :entry")  # also one of a hidden case
HEAD = re.compile(r"([0-9]{1,18}):([0-9a-fA-F]{64})", re.ASCII)


class Head(NamedTuple):
    """How many entries there are, and the digest of the last; in writing `entries:digest`."""

    entries: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.entries}:{self.hash.hex()}"

    @classmethod
    def read(cls, written: str) -> "Head":
        """Raises ValueError when it is no head."""
        found = HEAD.fullmatch(written.strip())
        if found is None:
            raise ValueError(f"{written!r} is not a head: a count, a colon, 64 hexadecimal digits")
        return cls(int(found[1]), bytes.fromhex(found[2]))


class Break(NamedTuple):
    """A place where the log is not as it was written."""

    seq: int
    what: str


class Verified(NamedTuple):
    """What was found: how many entries were read, where the chain ends, the first breaks, how many in all; and of how
    many the words were let go, with a tombstone."""

    entries: int
    head: Head
    heads_known: int
    breaks: list[Break]
    breaks_total: int
    erased: int = 0


def link(key: bytes, before: bytes, entry: bytes) -> bytes:
    """The digest of an entry that follows the one with digest `before`: HMAC-SHA256."""
    return hmac.digest(key, before + entry, "sha256")


def tombstone_seal(key: bytes, told: list[Any], *, before: bytes, entry: bytes) -> bytes:
    """The seal of a tombstone: what it says, bound to the digests of the entry it stands for and the one before."""
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return hmac.digest(key, b"tombstone\0" + before + entry + body, "sha256")


def canonical(
    seq: int,
    at: datetime,
    case_id: UUID | None,
    who: str,
    what: str,
    why: str | None,
    detail: Any,
) -> bytes:
    """The one way to write an entry as bytes, the same before it is stored and after it is read."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    case = None if case_id is None else str(case_id)
    written = [seq, moment, case, who, what, why, plain(detail)]
    return json.dumps(
        written, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    ).encode()


def plain(value: Any) -> Any:
    """A value as it comes back from jsonb, which keeps no difference between 1e20 and its digits."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def head_of(session: Session) -> Head:
    """Where the chain ends now."""
    count, digest = session.execute(select(col(LogHead.count), col(LogHead.hash))).one()
    return Head(count, bytes(digest))


def head_at(session: Session, entry: int) -> tuple[Head, datetime | None]:
    """Where the chain ended with one of its entries, and when that was written. Raises LookupError."""
    if entry == 0:
        return Head(0, START), None
    found = session.execute(_AT, {"entry": entry}).one_or_none()
    if found is None:
        raise LookupError(f"the log has no entry {entry}")
    return Head(entry, bytes(found.hash)), found.at


def verify(
    session: Session,
    key: bytes,
    *,
    published: Collection[Head] = (),
    most: int = 20,
    step: "Counter | None" = None,
) -> Verified:
    """Recompute the chain of a transaction's view of the log, and hold it against heads published earlier.

    `step` is told how many entries were read, now and then. At most `most` breaks are described.
    """
    found: list[Break] = []
    total = 0
    reading = _Reading(key, published)
    for broken in reading.breaks(session, step):
        total += 1
        if len(found) < most:
            found.append(broken)
    head = Head(reading.seq, reading.before)
    return Verified(reading.count, head, len(set(published)), found, total, reading.erased)


class Counter:
    """Is told how far a long reading is. The default says nothing."""

    def __call__(self, entries: int) -> None:
        """Called every few thousand entries."""


def write_log(session: Session, out: IO[str]) -> int:
    """Every entry as one JSON object a line, in order. Returns how many."""
    written = 0
    for row in _rows(session):
        told = row._asdict() | {"at": row.at.isoformat(), "hash": row.hash.hex()}
        told["case_id"] = str(row.case_id) if row.case_id else None
        out.write(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n")
        written += 1
    return written


class _Reading:
    """One walk along the chain."""

    def __init__(self, key: bytes, published: Collection[Head]) -> None:
        self.key = key
        self.published: dict[int, set[bytes]] = {}
        for head in published:
            self.published.setdefault(head.entries, set()).add(head.hash)
        self.count = self.seq = self.erased = 0
        self.before = START

    def breaks(self, session: Session, step: Counter | None) -> Iterator[Break]:
        yield from self._published_here()
        for row in _rows(session):
            yield from self._entry(row)
            if step is not None and self.count % AT_ONCE == 0:
                step(self.count)
        yield from self._end(session)

    def _entry(self, row: Any) -> Iterator[Break]:
        seq, at, case_id, who, what, why, detail, stored, *tombstone = row
        stored = bytes(stored)
        if seq != self.seq + 1:
            missing = f"{self.seq + 1}" if seq == self.seq + 2 else f"{self.seq + 1} to {seq - 1}"
            yield Break(seq, f"before it, {missing} is missing" if seq > self.seq else "it is out of order")
        try:
            entry = canonical(seq, at, case_id, who, what, why, detail)
            sealed = hmac.compare_digest(link(self.key, self.before, entry), stored)
        except ValueError:  # such as a number that no writer of ours can have written
            sealed = False
        if not sealed and (who, why, detail) == ("", None, {}) and self._erased(seq, stored, tombstone):
            self.erased += 1
        elif not sealed:
            yield Break(seq, "it was changed, or does not follow the entry before it, or has another key")
        self.count, self.seq, self.before = self.count + 1, seq, stored
        yield from self._published_here()

    def _erased(self, seq: int, stored: bytes, tombstone: list[Any]) -> bool:
        """Whether a tombstone that only the key can have made stands for this entry, in this place."""
        at, who, because, seal = tombstone
        if seal is None:
            return False
        told = [seq, at.astimezone(UTC).isoformat(timespec="microseconds"), who, because]
        made = tombstone_seal(self.key, told, before=self.before, entry=stored)
        return hmac.compare_digest(made, bytes(seal))

    def _published_here(self) -> Iterator[Break]:
        known = self.published.pop(self.seq, None)
        if known and known != {self.before}:
            yield Break(self.seq, "it is not the entry whose head was published")

    def _end(self, session: Session) -> Iterator[Break]:
        heads = session.execute(select(col(LogHead.count), col(LogHead.hash))).all()
        if [(count, bytes(digest)) for count, digest in heads] != [(self.seq, self.before)]:
            yield Break(self.seq, "the log does not end where its head says")
        for count in sorted(self.published):
            yield Break(self.seq, f"the log ends here, but a head with {count} entries was published")


def _rows(session: Session) -> Any:
    entry, gone = LogEntry, LogTombstone
    columns = (entry.seq, entry.at, entry.case_id, entry.who, entry.what, entry.why, entry.detail, entry.hash)
    erased = (gone.at, gone.who, gone.because, gone.seal)
    asked = select(*(col(each) for each in (*columns, *erased))).select_from(entry)
    asked = asked.outerjoin(gone, col(gone.seq) == col(entry.seq)).order_by(col(entry.seq))
    return session.execute(asked.execution_options(yield_per=AT_ONCE))
