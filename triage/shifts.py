"""Shifts: what is open when one is handed over, what it did, who holds how much, and when somebody needs a break."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Float, cast, text
from sqlmodel import Session, col, func, select

from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.policy import read_policy
from triage.records import OPEN, Alert, AlertState, Case, Clock, Desk, LogEntry, Person, Status
from triage.shift_records import HandoverNote

COUNTED = (
    "claimed",
    "acknowledged",
    "confirmed",
    "dismissed",
    "watched",
    "reopened",
    "claim broken",
    "closed",
)
LONGEST = 4_000
LEAST_WORDS = 3

_SEEN = text(
    "SELECT count(DISTINCT media_id) AS pieces, max(at) AS last FROM custody_entries"
    " WHERE who = :who AND act = 'viewed' AND media_id IS NOT NULL AND at > :since"
)


class ShiftPolicy(BaseModel):
    """How long a shift is, how much distressing footage it may hold for one person, and how long a break is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    approved_by: str = Field(min_length=3)
    approved_on: date
    because: str = Field(min_length=3)
    hours: int = Field(ge=1, le=24)
    distressing_most: int = Field(ge=1)
    break_minutes: int = Field(ge=1, le=120)


class Standing(NamedTuple):
    """What is open at a desk."""

    open: int
    unclaimed: int
    watch: int
    unanswered: int
    overdue: int
    gravest: list[Case]


class Report(NamedTuple):
    """What happened at a desk in a time: cases opened, alerts raised and answered, how fast, and acts by their kind."""

    opened: int
    raised: int
    answered: int
    median_s: float | None
    acts: list[tuple[str, int]]


class Load(NamedTuple):
    """How many cases a person holds, how many of them grave, and since when the oldest waits."""

    name: str
    held: int
    grave: int
    oldest: datetime


def read_shift_policy(path: Path) -> ShiftPolicy:
    """The policy. Raises ValueError naming file, key and reason."""
    return read_policy(ShiftPolicy, path)


def standing(session: Session, desk: Desk, *, now: datetime, most: int = 10) -> Standing:
    """What a desk has open, with its gravest cases, what runs out first leading."""
    mine = col(Case.status).in_(OPEN), col(Case.desks).contains([desk.value])
    held = (col(Case.claimed_by).is_not(None)) & (col(Case.claimed_until) > now)
    counted = select(
        func.count(),
        func.count().filter(~held & (col(Case.status) != Status.WATCH)),
        func.count().filter(col(Case.status) == Status.WATCH),
    ).where(*mine)
    opened, unclaimed, watch = session.execute(counted).one()
    alerts = select(func.count()).select_from(Alert).join(Case, col(Case.id) == col(Alert.case_id))
    unanswered = alerts.where(Alert.desk == desk, Alert.state == AlertState.OPEN, *mine)
    late = select(func.count()).select_from(Clock).join(Case, col(Case.id) == col(Clock.case_id))
    runs = col(Clock.stopped_at).is_(None), col(Clock.paused_at).is_(None), col(Clock.due_at) < now
    gravest = select(Case).where(*mine, col(Case.status) != Status.WATCH)
    order = col(Case.severity), col(Case.opened_at)
    return Standing(
        opened,
        unclaimed,
        watch,
        session.exec(unanswered).one(),
        session.exec(late.where(Clock.desk == desk, *runs, *mine)).one(),
        list(session.exec(gravest.order_by(*order).limit(most))),
    )


def report(session: Session, desk: Desk, *, since: datetime) -> Report:
    """What a desk did since a moment."""
    of_desk = col(Case.desks).contains([desk.value])
    opened = select(func.count()).select_from(Case).where(of_desk, Case.opened_at > since)
    took = cast(func.extract("epoch", col(Alert.acknowledged_at) - col(Alert.raised_at)), Float)
    answered = col(Alert.acknowledged_at).is_not(None)
    told = select(
        func.count(),
        func.count().filter(answered),
        func.percentile_cont(0.5).within_group(took).filter(answered),
    ).where(Alert.desk == desk, Alert.raised_at > since)
    raised, done, median = session.execute(told).one()
    acts = (
        select(LogEntry.what, func.count())
        .join(Case, col(Case.id) == col(LogEntry.case_id))
        .where(LogEntry.at > since, col(LogEntry.what).in_(COUNTED), of_desk)
        .group_by(col(LogEntry.what))
        .order_by(func.count().desc(), col(LogEntry.what))
    )
    counts = [(what, number) for what, number in session.execute(acts)]
    return Report(session.exec(opened).one(), raised, done, median, counts)


def workload(session: Session, *, now: datetime) -> list[Load]:
    """Who holds how many cases, who holds most leading."""
    held = (
        select(
            Person.name,
            func.count(),
            func.count().filter(col(Case.severity) <= 2),
            func.min(col(Case.opened_at)),
        )
        .join(Case, col(Case.claimed_by) == col(Person.id))
        .where(col(Case.claimed_until) > now, col(Case.status).in_(OPEN))
        .group_by(col(Person.id), col(Person.name))
        .order_by(func.count().desc(), col(Person.name))
    )
    return [Load(*each) for each in session.execute(held)]


def write_note(session: Session, desk: Desk, words: str, *, who: Person, now: datetime) -> HandoverNote:
    """Leave a note for whoever comes next, with how the desk stands. Raises Denied and Conflict."""
    need(who, Permission.TRIAGE)
    words = words.strip()
    if len(words.split()) < LEAST_WORDS or len(words) > LONGEST:
        raise Conflict(f"Write a few words, and at most {LONGEST:,} characters.")
    stands = standing(session, desk, now=now, most=0)
    stood = {name: getattr(stands, name) for name in ("open", "unclaimed", "watch", "unanswered", "overdue")}
    made = HandoverNote(desk=desk, words=words, stood=stood, written_by=who.id, written_at=now)
    session.add(made)
    session.flush()
    line = Line("handed over", None, None, {"note": str(made.id), "desk": desk.value})
    note(session, [line], who=who.username, now=now)
    return made


def read_note(session: Session, note_id: object, *, who: Person, now: datetime) -> HandoverNote:
    """Enter that whoever comes next has read it. Raises Denied; Conflict when somebody has."""
    need(who, Permission.TRIAGE)
    found = session.get(HandoverNote, note_id, with_for_update=True)
    if found is None or found.read_at is not None:
        raise Conflict("This note has been read already.")
    if found.written_by == who.id:
        raise Conflict("Whoever comes next says that they read it.")
    found.read_by, found.read_at = who.id, now
    note(session, [Line("handover read", None, None, {"note": str(found.id)})], who=who.username, now=now)
    return found


def last_note(session: Session, desk: Desk) -> HandoverNote | None:
    newest = (
        select(HandoverNote).where(HandoverNote.desk == desk).order_by(col(HandoverNote.written_at).desc())
    )
    return session.exec(newest.limit(1)).first()


def needs_break(session: Session, policy: ShiftPolicy, *, who: Person, now: datetime) -> int:
    """How many distressing pieces somebody opened in this shift, when it is time for a break; else 0. A break of the
    policy's minutes without opening any ends it."""
    asked = {"who": who.username, "since": now - timedelta(hours=policy.hours)}
    pieces, last = session.execute(_SEEN, asked).one()
    if pieces < policy.distressing_most or now - last > timedelta(minutes=policy.break_minutes):
        return 0
    return int(pieces)
