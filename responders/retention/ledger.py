"""The ledger: what went since when, kept outside the database, so that a restored backup loses it again.

A database that is restored from a backup holds again what authors deleted and people had erased after the backup was
made, and does not know the holds set since. Both stand here, in `retention/` of the data folder, by ids alone:
`after(folder, moment)` says what, `reapply` does it. What only grew old needs no ledger: the next run finds it due.
"""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, select

from responders.retention.posts import take_away
from triage.hold_records import Hold
from triage.records import Case, Person

LEDGER, HOLDS = "purged.jsonl", "holds.json"
OVERLAP = timedelta(hours=1)  # a withdrawal counts from when its transaction began
KEPT = timedelta(days=400)  # longer than any backup is
AT_ONCE = 500
BECAUSE = "was taken back after the backup was made"

_GONE = text("SELECT id, withdrawn_at FROM posts WHERE withdrawn_at > :since ORDER BY withdrawn_at, id")
_STANDING = text("SELECT id FROM posts WHERE id = ANY(:posts) AND withdrawn_at IS NULL")


class After(NamedTuple):
    """What happened after a moment: posts whose content went, and all holds as they stood last."""

    posts: list[UUID]
    holds: list[dict[str, Any]]


def write_ledger(session: Session, folder: Path, *, now: datetime) -> int:
    """Add what went since the last line, and how the holds stand. Returns how many posts. Safe to repeat."""
    lines = list(_lines(folder))
    last = max((at for at, _ in lines), default=datetime.min.replace(tzinfo=UTC))
    known = {post for at, posts in lines if at > last - 3 * OVERLAP for post in posts}
    since = last - OVERLAP if lines else last
    new = [each.id for each in session.execute(_GONE, {"since": since}) if str(each.id) not in known]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = [line for line in lines if line[0] > now - KEPT]
    if len(kept) < len(lines):
        put(folder / LEDGER, "".join(_written(at, posts) for at, posts in kept))
    if new:
        _append(folder / LEDGER, _written(now, [str(each) for each in new]))
    _write_holds(session, folder)
    return len(new)


def after(folder: Path, moment: datetime) -> After:
    """What went after a moment, such as that of a backup: what a restore must take away again."""
    posts = [UUID(post) for at, posts in _lines(folder) if at > moment - OVERLAP for post in posts]
    path = folder / HOLDS
    holds = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return After(posts, holds)


def reapply(session: Session, found: After, *, now: datetime) -> int:
    """Set the holds as they stood, then take those posts away again. Returns how many. The caller commits.

    A hold on a case, or by a person, that the backup does not know is left out.
    """
    for told in found.holds:
        _set_again(session, told)
    session.flush()
    gone = 0
    for start in range(0, len(found.posts), AT_ONCE):
        part = list(session.scalars(_STANDING, {"posts": found.posts[start : start + AT_ONCE]}))
        if part:
            take_away(session, part, BECAUSE, now=now)
            gone += len(part)
    return gone


def _set_again(session: Session, told: dict[str, Any]) -> None:
    hold = Hold.model_validate(told)
    people = {hold.set_by, hold.signed_by, hold.ended_by} - {None}
    known = hold.case_id is None or session.get(Case, hold.case_id) is not None
    if known and all(session.get(Person, person) is not None for person in people):
        row = hold.model_dump()
        added = insert(Hold).values(**row)
        changed = {name: value for name, value in row.items() if name not in ("id", "number")}
        session.execute(added.on_conflict_do_update(index_elements=["id"], set_=changed))


def _lines(folder: Path) -> Iterator[tuple[datetime, Sequence[str]]]:
    path = folder / LEDGER
    if path.exists():
        for line in path.read_text(encoding="ascii").splitlines():
            try:
                told = json.loads(line)
            except ValueError:  # cut off when the power went: it is written anew
                continue
            yield datetime.fromisoformat(told["at"]), told["posts"]


def _written(at: datetime, posts: Sequence[str]) -> str:
    return json.dumps({"at": at.astimezone(UTC).isoformat(), "posts": list(posts)}) + "\n"


def _write_holds(session: Session, folder: Path) -> None:
    found = session.exec(select(Hold).order_by(text("number")))
    holds = [each.model_dump(mode="json", warnings=False) for each in found]
    path, body = folder / HOLDS, json.dumps(holds)
    if not path.exists() or path.read_text(encoding="utf-8") != body:
        put(path, body)


def _append(path: Path, body: str) -> None:
    begun = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(made, "a", encoding="ascii") as file:
        file.write(("\n" if begun else "") + body)
        file.flush()
        os.fsync(file.fileno())


def put(path: Path, body: str) -> None:
    """Write a file whole or not at all, and onto the disk."""
    half = path.with_name(f".{path.name}.half")
    made = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(made, "w", encoding="utf-8") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
