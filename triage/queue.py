"""The queue as a list and a case in full: what the terminal shows, each in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select as any_select
from sqlmodel import Session, col, func, or_, select

from classifier.records import Assessment
from collector.records import Post
from triage.records import (
    OPEN,
    Alert,
    AlertState,
    Case,
    Clock,
    Delivery,
    Desk,
    LogEntry,
    Membership,
    Person,
    Status,
)
from triage.statement_records import Statement
from triage.track_records import Track
from triage.tracks import tracks_of

PAGE = 50
POSTS = 200


class Wanted(NamedTuple):
    """Which cases are asked for. `mine` is a person's id; without statuses, those that are open."""

    desk: Desk | None = None
    statuses: tuple[Status, ...] = ()
    severity: int | None = None
    borough: str | None = None
    mine: UUID | None = None
    unclaimed: bool = False


class Line(NamedTuple):
    """One case of the queue: its first running clock, and who has it."""

    case: Case
    clock: str | None
    due_at: datetime | None
    holder: str | None
    alerts: dict[str, str]


class Counts(NamedTuple):
    """Open cases, by what is asked of them. `waiting` have an alert nobody has answered."""

    open: int
    mine: int
    unclaimed: int
    watch: int
    waiting: int


class CaseView(NamedTuple):
    """Everything about one case; posts oldest first, at most POSTS of them."""

    case: Case
    holder: str | None
    posts: list[tuple[Post, Membership, Assessment | None]]
    alerts: list[tuple[Alert, list[Delivery]]]
    clocks: list[Clock]
    tracks: list[Track]
    statements: list[Statement]
    log: list[LogEntry]


def queue(
    session: Session, wanted: Wanted, *, now: datetime, limit: int = PAGE, after: int = 0
) -> list[Line]:
    """Cases by what runs out first, then the gravest, then the newest; `after` skips that many."""
    due = (
        select(col(Clock.case_id), func.min(col(Clock.due_at)).label("due_at"))
        .where(col(Clock.stopped_at).is_(None), col(Clock.paused_at).is_(None))
        .group_by(col(Clock.case_id))
        .subquery()
    )
    asked = (
        select(Case)
        .outerjoin(due, due.c.case_id == Case.id)
        .where(*_conditions(wanted, now=now))
        .order_by(
            due.c.due_at.asc().nulls_last(), col(Case.severity), col(Case.opened_at).desc(), col(Case.id)
        )
    )
    return _lines(session, session.scalars(asked.limit(limit).offset(after)).all(), now=now)


def counts(session: Session, me: UUID | None, *, now: datetime) -> Counts:
    """How many open cases ask for what, in one query."""
    unanswered = select(Alert.id).where(col(Alert.case_id) == Case.id, Alert.state == "open").exists()
    free = or_(col(Case.claimed_by).is_(None), col(Case.claimed_until) <= now)
    held = (col(Case.claimed_by) == me) & (col(Case.claimed_until) > now)
    asked = [
        func.count(),
        func.count().filter(held),
        func.count().filter(free & (col(Case.status) != Status.WATCH)),
        func.count().filter(col(Case.status) == Status.WATCH),
        func.count().filter(unanswered),
    ]
    return Counts(*session.execute(any_select(*asked).where(col(Case.status).in_(OPEN))).one())


def find_case(session: Session, reference: str) -> Case | None:
    """A case by its number (`12`, `GH-12`) or its id."""
    number = reference.strip().upper().removeprefix("GH-")
    if number.isascii() and number.isdecimal() and len(number) < 18:
        return session.exec(select(Case).where(Case.number == int(number))).first()
    try:
        return session.get(Case, UUID(reference.strip()))
    except ValueError:
        return None


def case_view(session: Session, case: Case, *, now: datetime) -> CaseView:
    """A case with all that hangs on it: one query for each kind of thing."""
    alerts = session.scalars(select(Alert).where(Alert.case_id == case.id).order_by(col(Alert.desk))).all()
    deliveries: dict[UUID, list[Delivery]] = defaultdict(list)
    for each in session.scalars(select(Delivery).where(col(Delivery.alert_id).in_([a.id for a in alerts]))):
        deliveries[each.alert_id].append(each)
    clocks = select(Clock).where(Clock.case_id == case.id).order_by(col(Clock.due_at))
    statements = (
        select(Statement)
        .where(Statement.case_id == case.id)
        .order_by(col(Statement.drafted_at), col(Statement.version))
    )
    log = select(LogEntry).where(LogEntry.case_id == case.id).order_by(col(LogEntry.seq))
    return CaseView(
        case=case,
        holder=_holders(session, [case], now=now).get(case.id),
        posts=_posts(session, case.id),
        alerts=[(alert, deliveries[alert.id]) for alert in alerts],
        clocks=list(session.scalars(clocks)),
        tracks=tracks_of(session, case.id),
        statements=list(session.scalars(statements)),
        log=list(session.scalars(log)),
    )


def _conditions(wanted: Wanted, *, now: datetime) -> list[Any]:
    conditions: list[Any] = [col(Case.status).in_(wanted.statuses or OPEN)]
    if wanted.desk is not None:
        conditions.append(col(Case.desks).contains([wanted.desk.value]))
    if wanted.severity is not None:
        conditions.append(Case.severity <= wanted.severity)
    if wanted.borough is not None:
        conditions.append(func.lower(Case.borough) == wanted.borough.lower())
    if wanted.mine is not None:
        conditions += [Case.claimed_by == wanted.mine, col(Case.claimed_until) > now]
    if wanted.unclaimed:
        conditions.append(or_(col(Case.claimed_by).is_(None), col(Case.claimed_until) <= now))
    return conditions


def _lines(session: Session, cases: Sequence[Case], *, now: datetime) -> list[Line]:
    ids = [case.id for case in cases]
    clocks: dict[UUID, Clock] = {}
    running = select(Clock).where(
        col(Clock.case_id).in_(ids), col(Clock.stopped_at).is_(None), col(Clock.paused_at).is_(None)
    )
    for clock in session.scalars(running.order_by(col(Clock.due_at))):
        clocks.setdefault(clock.case_id, clock)
    alerts: dict[UUID, dict[str, str]] = defaultdict(dict)
    for case_id, desk, state in session.execute(
        select(col(Alert.case_id), col(Alert.desk), col(Alert.state))
        .where(col(Alert.case_id).in_(ids))
        .order_by(col(Alert.state) == AlertState.OPEN)  # one that waits is said of a desk, not one before it
    ):
        alerts[case_id][desk] = state
    holders = _holders(session, cases, now=now)
    return [
        Line(
            case,
            clocks[case.id].name if case.id in clocks else None,
            clocks[case.id].due_at if case.id in clocks else None,
            holders.get(case.id),
            dict(alerts[case.id]),
        )
        for case in cases
    ]


def _holders(session: Session, cases: Sequence[Case], *, now: datetime) -> dict[UUID, str]:
    """Who has which case, by name; claims that have run out count for nothing."""
    held = {
        case.id: case.claimed_by
        for case in cases
        if case.claimed_by and case.claimed_until is not None and case.claimed_until > now
    }
    people = select(col(Person.id), col(Person.name)).where(col(Person.id).in_(set(held.values())))
    names = {person: name for person, name in session.execute(people)} if held else {}
    return {case: names.get(person, "someone") for case, person in held.items()}


def _posts(session: Session, case_id: UUID) -> list[tuple[Post, Membership, Assessment | None]]:
    rows = session.execute(
        select(Post, Membership, Assessment)
        .join(Membership, col(Membership.post_id) == col(Post.id))
        .outerjoin(Assessment, col(Assessment.post_id) == col(Post.id))
        .where(Membership.case_id == case_id)
        .order_by(col(Post.published_at), col(Post.id), col(Assessment.at).desc())
        .limit(2 * POSTS)
    ).all()
    newest = {post.id: (post, member, found) for post, member, found in reversed(rows)}
    return list(reversed(newest.values()))[:POSTS]
