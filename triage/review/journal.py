"""The journal: the lines of the log that say what figures rest on, one whenever something that can be counted changed.

`count` compares the rows with what the log last said of them and writes the difference; figures are computed from
those lines and nothing else. So the figures of any moment can be computed again from the log alone, whatever became of
the rows since. A row that is gone was purged, and counts on as it was known last.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from triage.log import COUNTED, MACHINE, Line, note
from triage.review.journal_facts import facts

# kinds whose key is one of its own, whatever case they are brought to
MOVING = ("line", "claim", "release", "action")

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('goldenhour journal'))")
_LINES = text("""
    SELECT seq, at, case_id, detail FROM log_entries
    WHERE what = 'counted' AND at <= :at AND seq <= :entry ORDER BY seq
""")
NEWEST = 2**62


class Entry(NamedTuple):
    """What the journal says of one thing: the case it is of, its fields, and the line that said so last."""

    case_id: UUID | None
    fields: Mapping[str, Any]
    seq: int
    at: datetime


Things = dict[str, dict[tuple[str, UUID | None], Entry]]  # by kind


class Journal(NamedTuple):
    """All things as the journal knew them at a moment, up to its line `entry` of the log, written at `at`."""

    entry: int
    at: datetime | None
    things: Things

    def of(self, kind: str) -> Iterator[tuple[str, Entry]]:
        """The things of a kind with their keys, the first counted first."""
        return ((key, entry) for (key, _), entry in self.things.get(kind, {}).items())


def count(session: Session, *, now: datetime) -> int:
    """Write what changed since the journal's last line. Returns how many lines. The caller commits."""
    session.execute(_LOCK)
    session.flush()
    known = read_journal(session, at=now)
    changed: dict[UUID | None, dict[str, dict[str, Any]]] = {}
    for fact in facts(session, now=now):
        before = known.things.get(fact.kind, {}).get(_place(fact.kind, fact.key, fact.case_id))
        if before is None or before.fields != fact.fields or before.case_id != fact.case_id:
            changed.setdefault(fact.case_id, {}).setdefault(fact.kind, {})[fact.key] = fact.fields
    lines = [Line(COUNTED, case_id, None, kinds) for case_id, kinds in changed.items()]
    note(session, lines, who=MACHINE, now=now)
    return len(lines)


def read_journal(session: Session, *, at: datetime, entry: int = NEWEST) -> Journal:
    """The journal as it stood at a moment, and no further than a line of the log; also what a person is not shown,
    which its facts say."""
    things: Things = {}
    last, written = 0, None
    for seq, when, case_id, detail in session.execute(_LINES, {"at": at, "entry": entry}):
        last, written = seq, when
        for kind, changes in detail.items():
            kept = things.setdefault(kind, {})
            for key, fields in changes.items():
                if fields.get("moved"):  # it counts with another case from here on (triage/review/merging.py)
                    kept.pop(_place(kind, key, case_id), None)
                else:
                    kept[_place(kind, key, case_id)] = Entry(case_id, fields, seq, when)
    return Journal(last, written, things)


def _place(kind: str, key: str, case_id: UUID | None) -> tuple[str, UUID | None]:
    return key, None if kind in MOVING else case_id
