"""What the oversight group has of a case goes with it into another that it joins, and back when it is opened again:
its place on lists, findings, referrals, actions, feedback, declarations, requests, panels' forms.

Both cases' logs say which rows went, so each is shown as from where it came. What the group had of both at one meeting
stays with each: two findings of one meeting are not made into one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session, col

from triage.hidden import seeing_all
from triage.log import COUNTED, MACHINE, Line, note
from triage.records import Case, LogEntry
from triage.review.finding_records import (
    Action,
    ActionNote,
    Feedback,
    Finding,
    MinutesCorrection,
    PanelForm,
    Referral,
    YouSaid,
)
from triage.review.meeting_records import CommunityRequest, Declaration, Review, ReviewItem

WENT, CAME, RETURNED = (
    "review records joined elsewhere",
    "review records joined",
    "review records brought back",
)
MOVED = {"moved": True}  # what the journal says of a thing that counts with another case from now on
AS_IT_IS = {"synchronize_session": False}
FREE = (Referral, Action, ActionNote, MinutesCorrection, Declaration, CommunityRequest, PanelForm, YouSaid)
OF_A_MEETING = (Finding, Feedback)  # one of each case and meeting


class Gone(NamedTuple):
    """Ids of the rows that went, by table; of lists, the meetings."""

    rows: dict[str, list[str]]
    lists: list[str]

    @property
    def all(self) -> bool:
        return bool(self.rows or self.lists)


def join_reviews(session: Session, home: Case, to: Case, *, who: str, now: datetime) -> None:
    """Bring all of a case that joins another, but for meetings that had both. The caller commits."""
    with seeing_all(session):
        gone = _take(session, home.id, to.id, now=now, why=f"joined to GH-{to.number}")
    if gone.all:
        detail: dict[str, Any] = gone._asdict()
        note(session, [Line(WENT, home.id, None, {"to": str(to.id), **detail})], who=who, now=now)
        note(session, [Line(CAME, to.id, None, {"from": home.number, **detail})], who=who, now=now)


def bring_reviews_back(session: Session, home: Case, *, who: str, now: datetime) -> None:
    """When a case that was joined is opened again: what went with it comes back. The caller commits."""
    asked = select(LogEntry).where(col(LogEntry.case_id) == home.id, col(LogEntry.what).in_((WENT, RETURNED)))
    last = session.scalars(asked.order_by(col(LogEntry.seq).desc()).limit(1)).first()
    if last is None or last.what != WENT:
        return
    there = UUID(last.detail["to"])
    only = {UUID(each) for ids in last.detail["rows"].values() for each in ids}
    lists = {UUID(each) for each in last.detail["lists"]}
    with seeing_all(session):
        gone = _take(session, there, home.id, now=now, only=only, lists=lists)
    came = {"from": home.number, **gone._asdict()}
    note(session, [Line(RETURNED, home.id, None, gone._asdict())], who=who, now=now)
    note(session, [Line(RETURNED, there, None, came)], who=who, now=now)


def came_from(session: Session, case_id: UUID) -> dict[UUID, int]:
    """The number of the case that each row of this one came from, where it came from another."""
    asked = select(LogEntry).where(col(LogEntry.case_id) == case_id, col(LogEntry.what).in_((CAME, RETURNED)))
    return origins(session.scalars(asked.order_by(col(LogEntry.seq))))


def origins(entries: Sequence[LogEntry] | Iterator[LogEntry]) -> dict[UUID, int]:
    """The same from the lines of a case's log, the first first."""
    found: dict[UUID, int] = {}
    for entry in entries:
        if entry.what not in (CAME, RETURNED) or "from" not in entry.detail:
            continue
        for each in (UUID(each) for ids in entry.detail["rows"].values() for each in ids):
            if entry.what == CAME:
                found[each] = entry.detail["from"]
            else:
                found.pop(each, None)
    return found


def _take(
    session: Session,
    home: UUID,
    to: UUID,
    *,
    now: datetime,
    only: set[UUID] | None = None,
    lists: set[UUID] | None = None,
    why: str = "",
) -> Gone:
    """Move rows from one case to the other, all or `only` some, and say which went."""
    rows: dict[str, list[str]] = {}
    journal: dict[str, dict[str, dict[str, bool]]] = {}
    for table in (*OF_A_MEETING, *FREE):
        moved = _movable(session, table, home, to, only)
        if moved:
            rows[str(table.__tablename__)] = [str(each.id) for each in moved]
            for each in moved:
                kind, key = _counted(each)
                if kind:
                    journal.setdefault(kind, {})[key] = MOVED
                each.case_id = to
    taken = _lists(session, home, to, now=now, only=lists, why=why)
    for review_id in taken:
        journal.setdefault("listing", {})[review_id] = MOVED
    if journal:
        note(session, [Line(COUNTED, home, None, journal)], who=MACHINE, now=now)
    return Gone(rows, taken)


def _movable(session: Session, table: Any, home: UUID, to: UUID, only: set[UUID] | None) -> list[Any]:
    asked = select(table).where(col(table.case_id) == home)
    if only is not None:
        asked = asked.where(col(table.id).in_(only))
    if table in OF_A_MEETING:
        both = select(col(table.review_id)).where(col(table.case_id) == to)
        asked = asked.where(col(table.review_id).not_in(both))
    return list(session.scalars(asked.order_by(col(table.id))))


def _counted(row: Any) -> tuple[str, str]:
    """Under which kind and key figures know a row that belongs to its case; actions they follow by themselves."""
    if isinstance(row, Finding):
        return "finding", f"{row.review_id}/{row.version}"
    if isinstance(row, Feedback):
        return "feedback", str(row.review_id)
    return ("referral", str(row.id)) if isinstance(row, Referral) else ("", "")


def _lists(
    session: Session, home: UUID, to: UUID, *, now: datetime, only: set[UUID] | None, why: str
) -> list[str]:
    """Places on lists. The other case stands on one list ahead, not on two: then this one comes off its own."""
    there = {each.review_id: each for each in session.scalars(_items(to))}
    ahead = {row.id for row in session.scalars(select(Review).where(col(Review.meets_at) > now))}
    waits = any(each.off_at is None and review in ahead for review, each in there.items())
    moved: list[UUID] = []
    mine = session.scalars(_items(home)).all()
    for item in mine:
        if only is not None and item.review_id not in only:
            continue
        stands = item.off_at is None and item.review_id in ahead
        if item.review_id in there or (stands and waits):
            if stands and why:
                item.off_at, item.off_by, item.off_because = now, MACHINE, why
            continue
        moved.append(item.review_id)
    session.flush()
    for item in mine:
        if item.review_id in moved:
            session.expunge(item)  # its key changes
    those = (col(ReviewItem.case_id) == home) & col(ReviewItem.review_id).in_(moved)
    session.execute(update(ReviewItem).where(those).values(case_id=to), execution_options=AS_IT_IS)
    return [str(each) for each in moved]


def _items(case_id: UUID) -> Any:
    asked = select(ReviewItem).where(col(ReviewItem.case_id) == case_id)
    return asked.order_by(col(ReviewItem.listed_at), col(ReviewItem.review_id))
