"""The log: who did what, why, when. The one place that writes it.

`note` keeps the lines, and they are written as the very last thing before their transaction commits: the head
of the chain is locked after every other lock and for a few milliseconds only, so that nobody waits in a circle.
A transaction that does not commit leaves no line; a savepoint that is rolled back takes its lines along.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import event, select, text
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session, col

from triage.chain import canonical, link, plain
from triage.records import LogHead

MACHINE = "golden hour"
VIEWED = "viewed"
COUNTED = "counted"  # what figures rest on (triage/review/journal.py)
QUIET = (VIEWED, COUNTED)  # no acts on a case
KEY = "log_key"  # the engine's execution option that holds the key; config/database.py sets it

WRITE = text(
    """
    WITH written AS (
        INSERT INTO log_entries (seq, at, case_id, who, what, why, detail, hash)
        SELECT seq, at, case_id, who, what, why, detail, hash
        FROM json_populate_recordset(NULL::log_entries, CAST(:rows AS json)) ORDER BY seq
    )
    UPDATE log_head SET count = :count, hash = :hash
    """
)


class Line(NamedTuple):
    """One line to be: `what` is a short fixed phrase, `why` a person's or a rule's reason."""

    what: str
    case_id: UUID | None = None
    why: str | None = None
    detail: dict[str, Any] | None = None


class _Noted(NamedTuple):
    line: Line
    who: str
    at: datetime


class _Pending:
    """The lines of one open transaction, and how many there were when each savepoint was set."""

    def __init__(self) -> None:
        self.noted: list[_Noted] = []
        self.marks: WeakKeyDictionary[SessionTransaction, int] = WeakKeyDictionary()


def note(session: Session, lines: Iterable[Line], *, who: str, now: datetime) -> None:
    """Append lines in order, with this transaction. No names or texts of the public belong in them."""
    new = [_Noted(line, who, now.astimezone(UTC)) for line in lines]
    if new:
        if not session.in_transaction():
            session.begin()  # so that a rollback is heard of
        _pending(session).noted.extend(new)


def _pending(session: Session) -> _Pending:
    found: _Pending = session.info.setdefault("log", _Pending())
    return found


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """Seal and write what was noted, after everything else the transaction has to say."""
    if session.in_nested_transaction() or not session.info.get("log"):
        return
    noted = _pending(session).noted
    if not noted:
        return
    session.flush()
    key = session.get_bind().get_execution_options().get(KEY)
    if not key:
        raise RuntimeError(f"this engine has no {KEY}: open it through config/database.py")
    locked = select(col(LogHead.count), col(LogHead.hash)).with_for_update()
    count, before = session.execute(locked).one()
    rows = []
    for seq, each in enumerate(noted, count + 1):
        row = _row(seq, each)
        before = link(key, bytes(before), canonical(**row))
        rows.append(row | {"hash": f"\\x{before.hex()}"})
    written = {"rows": msgspec.json.encode(rows).decode(), "count": count + len(rows), "hash": before}
    session.execute(WRITE, written)
    noted.clear()


def _row(seq: int, noted: _Noted) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": noted.at,
        "case_id": noted.line.case_id,
        "who": noted.who,
        "what": noted.line.what,
        "why": noted.line.why,
        "detail": plain(msgspec.to_builtins(noted.line.detail or {})),
    }


@event.listens_for(Session, "after_transaction_create")
def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        pending = _pending(session)
        pending.marks[transaction] = len(pending.noted)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: SessionTransaction) -> None:
    pending: _Pending | None = session.info.get("log")
    if pending is not None and previous in pending.marks:
        del pending.noted[pending.marks[previous] :]


@event.listens_for(Session, "after_transaction_end")
def _end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop("log", None)
