"""What people do to a case. Each act locks the row, checks, changes one thing, and leaves a line in the log.

An act runs in the caller's transaction; the caller commits. What another person did first is told by Conflict,
whose text is meant for the person. The same acts serve the pages, Slack and the command.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from triage.clocks import ANSWERED_BY
from triage.escalation_answers import acknowledged_by, enter_answers, needs_others
from triage.hidden import hidden_from
from triage.lifecycle import Lifecycle
from triage.locked import (
    Conflict,
    alerts_of,
    clock_time,
    held_by_another,
    lock,
    must_be_free,
    must_be_open,
    stop_clocks,
    touch,
)
from triage.log import VIEWED
from triage.permissions import Permission, may, need
from triage.prompts import raise_prompts
from triage.records import OPEN, Alert, AlertState, Case, Clock, Desk, LogEntry, Person, Status
from triage.regroup import confirm_suggestion, join, refuse_suggestion, split
from triage.review.merging import bring_reviews_back
from triage.tracks import open_tracks, withdraw_tracks

LEASE = timedelta(minutes=20)
DISMISSALS = (Status.NOISE, Status.NOT_OURS, Status.OPINION)
DISMISSED = "dismissed"
CONFIRMED = "confirmed"
UNDOABLE = (DISMISSED, "watched", CONFIRMED)


def claim(
    session: Session,
    case_id: UUID,
    *,
    who: Person,
    now: datetime,
    lease: timedelta = LEASE,
    version: int | None = None,
) -> Case:
    """Take a case, or keep it for longer. Raises Conflict while someone else has it."""
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id, version=version)
    must_be_open(case)
    must_be_free(session, case, who, now)
    return _take(session, case, who, now, lease)


def claim_next(
    session: Session,
    *,
    who: Person,
    now: datetime,
    most: int = 1,
    desk: Desk | None = None,
    among: ColumnElement[bool] | None = None,
    lease: timedelta = LEASE,
) -> list[Case]:
    """Take the gravest cases nobody has, up to `most`, of those that fit the condition `among`. However many ask at
    once, each gets others."""
    need(who, Permission.TRIAGE)
    free = or_(col(Case.claimed_by).is_(None), col(Case.claimed_until) <= now)
    asked = select(Case).where(col(Case.status).in_((Status.DETECTED, Status.TRIAGED)), free)
    asked = asked.where(col(Case.id).not_in(hidden_from(who)))
    if desk is not None:
        asked = asked.where(col(Case.desks).contains([desk.value]))
    if among is not None:
        asked = asked.where(among)
    asked = asked.order_by(col(Case.severity), col(Case.opened_at)).limit(most)
    cases = session.scalars(
        asked.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).all()
    return [_take(session, case, who, now, lease) for case in cases]


def release(session: Session, case_id: UUID, *, who: Person, now: datetime) -> Case:
    """Give a case back. A duty officer may take it from someone; the log says so."""
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id)
    if case.claimed_by is None:
        raise Conflict("Nobody has this case.")
    held = held_by_another(session, case, who, now)
    if held and not may(who, Permission.BREAK_CLAIM):
        raise Conflict(held)
    case.claimed_by = case.claimed_until = None
    touch(session, case, "claim broken" if held else "released", who=who, now=now)
    return case


def release_all(session: Session, *, who: Person, now: datetime) -> list[Case]:
    """Give back every case a person has, as when they sign out."""
    held = select(Case.id).where(Case.claimed_by == who.id, col(Case.claimed_until) > now)
    ids = session.exec(held).all()
    cases = lock(session, *ids) if ids else []
    kept = [case for case in cases if case.claimed_by == who.id]
    for case in kept:
        case.claimed_by = case.claimed_until = None
        touch(session, case, "released", who=who, now=now, detail={"through": "sign-out"})
    return kept


def acknowledge(
    session: Session, case_id: UUID, *, who: Person, desk: Desk, through: str = "desk", now: datetime
) -> Case:
    """Answer one desk's alerts, through "desk" or "slack". It stops that desk's clock, not the incident.

    The same person may answer twice, as Slack delivers a click more than once. Where several must each acknowledge, the
    first answers, and the others are entered beside. Raises Conflict before it changes anything.
    """
    need(who, Permission.ACKNOWLEDGE)
    [case] = lock(session, case_id)
    every = alerts_of(session, case)
    alerts = [each for each in every if each.desk == desk]
    if not alerts:
        raise Conflict(f"The {Desk(desk).value} desk was not alerted to this case.")
    waiting = [each for each in alerts if each.state == AlertState.OPEN] or [alerts[0]]
    alert = waiting[0]
    detail = {"desk": Desk(desk).value, "through": through}
    if alert.state == AlertState.ACKNOWLEDGED:
        if who.id in {alert.acknowledged_by, *acknowledged_by(session, alert.id, alert.raised_at)}:
            return case
        if needs_others(session, alert):
            enter_answers(session, [alert], who=who, through=through, now=now)
            touch(session, case, "acknowledged", who=who, now=now, detail=detail, alerts=every)
            return case
        raise Conflict(
            f"{_name(session, alert.acknowledged_by)} acknowledged this {_at(alert.acknowledged_at)}."
        )
    if alert.state == AlertState.CLOSED:
        must_be_open(case)
    with session.no_autoflush:  # an alert is written once, when its revision is counted too
        for each in waiting:
            each.state = AlertState.ACKNOWLEDGED
            each.acknowledged_at, each.acknowledged_by, each.acknowledged_through = now, who.id, through
        enter_answers(session, waiting, who=who, through=through, now=now)
        stop_clocks(session, case, [ANSWERED_BY[Desk(desk)]], by=who.username, now=now)
    touch(session, case, "acknowledged", who=who, now=now, detail=detail, alerts=every)
    return case


def dismiss(
    session: Session,
    case_id: UUID,
    *,
    who: Person,
    status: Status,
    why: str,
    now: datetime,
    version: int | None = None,
) -> Case:
    """Close a case without action, as noise, not ours or opinion. `why` is required: the review reads it."""
    if status not in DISMISSALS:
        raise ValueError(f"a case is dismissed as one of {', '.join(DISMISSALS)}, not {status}")
    need(who, Permission.TRIAGE)
    why = _reason(why)
    [case] = lock(session, case_id, version=version)
    must_be_open(case)
    must_be_free(session, case, who, now)
    before = case.status
    case.status, case.dismissed_because = status, why
    case.claimed_by = case.claimed_until = None
    for alert in session.scalars(select(Alert).where(Alert.case_id == case.id)):
        alert.state = AlertState.CLOSED
    stop_clocks(session, case, by=DISMISSED, now=now)
    touch(session, case, DISMISSED, who=who, now=now, why=why, detail={"as": status.value, "from": before})
    return case


def watch(session: Session, case_id: UUID, *, who: Person, now: datetime, why: str | None = None) -> Case:
    """Keep an eye on a case without acting yet."""
    return _move(session, case_id, Status.WATCH, "watched", who=who, now=now, why=why)


def confirm(
    session: Session,
    case_id: UUID,
    *,
    who: Person,
    now: datetime,
    why: str | None = None,
    lifecycle: Lifecycle | None = None,
) -> Case:
    """Say that the incident is real and ours. Its four tracks begin; without `lifecycle` the next tick does that."""
    case = _move(session, case_id, Status.CONFIRMED, CONFIRMED, who=who, now=now, why=why)
    if lifecycle is not None and open_tracks(session, case, lifecycle, now=now):
        raise_prompts(session, case, lifecycle, now=now)
    return case


def reopen(session: Session, case_id: UUID, *, who: Person, why: str, now: datetime) -> Case:
    """Bring a dismissed or closed case back into the queue, its alerts and clocks with it; and, where it was joined to
    another case, what the oversight group had of it."""
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id)
    if case.status in OPEN:
        raise Conflict(f"GH-{case.number} is open.")
    reason = _reason(why)
    bring_reviews_back(session, case, who=who.username, now=now)
    return _bring_back(session, case, Status.TRIAGED, "reopened", who, now, reason)


def undo(
    session: Session, case_id: UUID, *, who: Person, now: datetime, lifecycle: Lifecycle | None = None
) -> Case:
    """Take back one's own last act on a case, when it was to dismiss, watch or confirm it. The tracks that a
    confirming began go with it."""
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id)
    last = session.exec(
        select(LogEntry)
        .where(LogEntry.case_id == case_id, LogEntry.who == who.username, LogEntry.what != VIEWED)
        .order_by(col(LogEntry.seq).desc())
    ).first()  # fmt: skip
    if last is None or last.what not in UNDOABLE or last.detail.get("as") != case.status:
        raise Conflict("There is nothing of yours to undo on this case.")
    if last.what == CONFIRMED and lifecycle is not None:
        withdraw_tracks(session, case, lifecycle)
    return _bring_back(session, case, Status(last.detail["from"]), f"undone: {last.what}", who, now, None)


def _take(session: Session, case: Case, who: Person, now: datetime, lease: timedelta) -> Case:
    kept = case.claimed_by == who.id and case.claimed_until is not None and case.claimed_until > now
    case.claimed_by, case.claimed_until = who.id, now + lease
    if case.status == Status.DETECTED:
        case.status = Status.TRIAGED
    touch(session, case, "claim kept" if kept else "claimed", who=who, now=now)
    return case


def _move(
    session: Session, case_id: UUID, status: Status, what: str, *, who: Person, now: datetime, why: str | None
) -> Case:
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id)
    must_be_open(case)
    must_be_free(session, case, who, now)
    detail: dict[str, Any] = {"as": status.value, "from": case.status}
    case.status = status
    touch(session, case, what, who=who, now=now, why=why, detail=detail)
    return case


def _bring_back(
    session: Session, case: Case, status: Status, what: str, who: Person, now: datetime, why: str | None
) -> Case:
    case.status, case.dismissed_because = status, None
    for alert in session.scalars(select(Alert).where(Alert.case_id == case.id, Alert.growth == 0)):
        if alert.state == AlertState.CLOSED:
            answered = alert.acknowledged_at is not None
            alert.state = AlertState.ACKNOWLEDGED if answered else AlertState.OPEN
    stopped = select(Clock).where(Clock.case_id == case.id, Clock.stopped_by == DISMISSED)
    for clock in session.scalars(stopped):
        clock.stopped_at = clock.stopped_by = None
    touch(session, case, what, who=who, now=now, why=why)
    return case


def _reason(why: str) -> str:
    why = why.strip()
    if not why:
        raise Conflict("Say why: the review meeting reads the reason.")
    return why


def _name(session: Session, person_id: UUID | None) -> str:
    person = session.get(Person, person_id) if person_id else None
    return person.name if person else "Someone"


def _at(moment: datetime | None) -> str:
    return f"at {clock_time(moment)}" if moment else "before you"


def find_case(session: Session, number: int) -> Case | None:
    """The case spoken of as GH-<number>."""
    return session.exec(select(Case).where(Case.number == number)).first()


__all__: Sequence[str] = [
    "Conflict",
    "acknowledge",
    "claim",
    "claim_next",
    "confirm",
    "confirm_suggestion",
    "dismiss",
    "find_case",
    "join",
    "refuse_suggestion",
    "release",
    "reopen",
    "split",
    "undo",
    "watch",
]
