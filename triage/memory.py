"""The matcher as the service keeps it: filled from the cases of late, and kept level with the database.

Routing runs one job at a time, on any worker of any machine; people join and split cases meanwhile. So before
each job whatever changed since the last look is read again, case by case. What this process put in and the
database does not have (its transaction failed) makes it start afresh.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, or_, select

from classifier.rarity import Rarity
from triage.arrivals import boroughs_of, deeds_of, known_of, text_of
from triage.matching import How, Matcher
from triage.nearness import points_of
from triage.records import OPEN, Case, Severity
from triage.settings import TriageSettings

MOST_CASES = 20_000
OVERLAP = timedelta(
    seconds=60
)  # a transaction that takes longer to commit is seen when its case changes next
FIRST, LAST = 4, 8  # posts a case is known by

_TELLINGS = text("""
    SELECT told.case_id, p.title, p.text, p.published_at, a.places, a.labels
    FROM unnest(CAST(:cases AS uuid[])) AS asked(id)
    CROSS JOIN LATERAL (
        (SELECT case_id, post_id, joined_at FROM memberships WHERE case_id = asked.id AND sure
            AND how NOT IN ('same text', 'copy') AND how <> 'quote of a post in it' ORDER BY joined_at LIMIT :first)
        UNION
        (SELECT case_id, post_id, joined_at FROM memberships WHERE case_id = asked.id AND sure
            AND how NOT IN ('same text', 'copy') AND how <> 'quote of a post in it' ORDER BY joined_at DESC LIMIT :last)
    ) told
    JOIN posts p ON p.id = told.post_id AND p.withdrawn_at IS NULL
    LEFT JOIN LATERAL (
        SELECT places, labels FROM assessments WHERE post_id = p.id ORDER BY at DESC LIMIT 1
    ) a ON true
    ORDER BY told.joined_at, p.published_at
""")


class Known(NamedTuple):
    """What must be remembered of a case beside its words."""

    version: int
    severity: Severity
    open: bool


class Memory:
    """A matcher over cases by id, with what is known of each. For one process; not for several threads."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.known: dict[UUID, Known] = {}
        self._ours: set[UUID] = set()
        self._settled = True
        self._looked_at: datetime | None = None

    @classmethod
    def of(cls, rarity_file: Path, settings: TriageSettings) -> "Memory":
        """A memory with nothing in it yet; the first `refresh` fills it. Raises RarityError."""
        window = timedelta(days=settings.window_days)
        rarity = Rarity.load(rarity_file)
        return cls(Matcher(rarity, join=settings.join_above, suggest=settings.suggest_above, window=window))

    def refresh(self, session: Session, *, now: datetime) -> None:
        """See what others changed. Call it inside the transaction that then routes, and `keep` at its end."""
        changed = self._changed(session)
        if self._lost(changed) or not self._settled:
            self.matcher.forget_all()
            self.known.clear()
            self._looked_at = None
            changed = self._changed(session)
        stale = [case for case, seen in changed.items() if self._version(case) != seen.version]
        for case in stale:
            self.matcher.forget(case)
        self._read(session, stale)
        self.known |= changed
        self._ours.clear()
        self._settled = False
        self._looked_at = now

    def keep(self, cases: Mapping[UUID, Known]) -> None:
        """What this process has made of cases in this transaction, which only now needs to commit."""
        self.known |= cases
        self._ours |= cases.keys()
        self._settled = True

    def _version(self, case: UUID) -> int:
        return self.known[case].version if case in self.known else 0

    def _changed(self, session: Session) -> dict[UUID, Known]:
        asked = select(col(Case.id), col(Case.version), col(Case.severity), col(Case.status))
        if self._looked_at is None:
            asked = asked.order_by(col(Case.last_post_at).desc()).limit(MOST_CASES)
        else:
            since = self._looked_at - OVERLAP
            asked = asked.where(or_(col(Case.touched_at) >= since, col(Case.id).in_(self._ours)))
        return {
            case: Known(version, Severity(severity), status in OPEN)
            for case, version, severity, status in session.execute(asked)
        }

    def _lost(self, changed: Mapping[UUID, Known]) -> bool:
        return any(
            case not in changed or changed[case].version < self.known[case].version for case in self._ours
        )

    def _read(self, session: Session, cases: Sequence[UUID]) -> None:
        rows = session.execute(_TELLINGS, {"cases": list(cases), "first": FIRST, "last": LAST})
        self._put(rows.mappings())

    def _put(self, rows: Iterable[Mapping[Any, Any]]) -> None:
        for row in rows:
            places = row["places"] or ()
            post = self.matcher.subject(
                text_of(row["title"], row["text"]),
                row["published_at"],
                known=known_of(boroughs_of(places)),
                points=points_of(places),
                deeds=deeds_of(row["labels"] or {}),
            )
            self.matcher.put(row["case_id"], post, How.NEW)
