"""The log of a case: a line is written in the transaction of what it tells, and never changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session

from triage.records import LogEntry

MACHINE = "golden hour"


class Line(NamedTuple):
    """One line to be: `what` is a short fixed phrase, `why` a person's or a rule's reason."""

    what: str
    case_id: UUID | None = None
    why: str | None = None
    detail: dict[str, Any] | None = None


def note(session: Session, lines: Iterable[Line], *, who: str, now: datetime) -> None:
    """Append lines in order. No names or texts of the public belong in them."""
    rows = [
        {
            "at": now,
            "case_id": line.case_id,
            "who": who,
            "what": line.what,
            "why": line.why,
            "detail": line.detail or {},
        }
        for line in lines
    ]
    if rows:
        session.execute(insert(LogEntry), rows)
