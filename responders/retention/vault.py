"""The keys of the vault: a new one each month, and one whose authors are all gone is destroyed.

Whoever has an old backup of the database then has nothing that opens what was sealed in it.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

from collector.vault import add_key

SEALS_FOR = timedelta(days=30)
KEPT_BACK = 2  # the newest: another process may just be sealing with the one before the last

_USED = text("""
    SELECT key_id FROM sealed_authors UNION SELECT content -> 'author' ->> 'key_id' FROM held_copies
    WHERE content -> 'author' ->> 'key_id' IS NOT NULL
""")
_BEGAN = text("SELECT min(sealed_at) FROM sealed_authors WHERE key_id = :key")
_MARKS = text("SELECT EXISTS (SELECT FROM reveals WHERE mark IS NOT NULL)")


def tend_keys(session: Session, path: Path, *, now: datetime) -> list[str]:
    """Add a key when the last has sealed for a month, destroy those that nothing needs. Returns the ids destroyed."""
    if not path.exists():
        return []
    began = session.scalar(_BEGAN, {"key": _ids(path)[-1]})
    if began is not None and began <= now - SEALS_FOR:
        add_key(path)
    ids, used = _ids(path), set(session.scalars(_USED))
    if session.scalar(_MARKS):
        used.add(ids[0])  # the oldest also tells authors apart, as long as that is remembered
    gone = [each for each in ids[:-KEPT_BACK] if each not in used]
    if gone:
        _rewrite(path, set(gone))
    return gone


def _ids(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text(encoding="ascii").splitlines() if line.strip()]


def _rewrite(path: Path, gone: set[str]) -> None:
    kept = [
        line
        for line in path.read_text(encoding="ascii").splitlines()
        if line.strip() and line.split()[0] not in gone
    ]
    half = path.with_name(f".{path.name}.half")
    made = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(made, "w", encoding="ascii") as file:
        file.write("".join(f"{line}\n" for line in kept))
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
