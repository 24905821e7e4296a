"""Erasing the words of lines of the log: who, why and detail go; number, moment, what and digest stay.

A tombstone, sealed with the key of the chain, stands for each, so that `verify` tells an erasure from a forgery.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from triage.chain import START, tombstone_seal
from triage.records import LogEntry
from triage.retention_records import LogTombstone

_EMPTY = text("UPDATE log_entries SET who = '', why = NULL, detail = '{}' WHERE seq = ANY(:seqs)")


def erase_words(
    session: Session, key: bytes, seqs: Sequence[int], *, who: str, because: str, now: datetime
) -> int:
    """Let the words of these lines go. Returns how many had any left. The caller commits."""
    wanted = {*seqs, *(seq - 1 for seq in seqs)}
    found = session.execute(
        select(col(LogEntry.seq), col(LogEntry.hash)).where(col(LogEntry.seq).in_(wanted))
    )
    hashes: dict[int, bytes] = {seq: bytes(digest) for seq, digest in found}
    done = set(session.exec(select(LogTombstone.seq).where(col(LogTombstone.seq).in_(seqs))))
    new = [seq for seq in sorted(set(seqs) - done) if seq in hashes]
    for seq in new:
        told = [seq, now.astimezone(UTC).isoformat(timespec="microseconds"), who, because]
        seal = tombstone_seal(key, told, before=hashes.get(seq - 1, START), entry=hashes[seq])
        session.add(LogTombstone(seq=seq, at=now, who=who, because=because, seal=seal))
    session.flush()
    session.execute(_EMPTY, {"seqs": new})
    return len(new)
