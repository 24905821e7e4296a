"""A severity set by a person: with a reason, beside what the machine makes of it, and taken back in one click.

The machine's level stays known and goes on. Only when posts make it graver than it was, and graver than the person
said, does it count again: a death reported later hides behind no earlier word.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from triage.breaches import raise_anew
from triage.lifecycle import RAISED, Lifecycle
from triage.locked import Conflict, lock, must_be_open, touch
from triage.permissions import Permission, need
from triage.prompts import raise_prompts
from triage.records import Alert, Case, Desk, LogEntry, Person, Severity
from triage.track_records import Track
from triage.tracks import start_by

SET = "severity set"


class Override(NamedTuple):
    """Who set the severity, when, from what to what, and why."""

    by: str
    at: datetime
    why: str
    before: int
    after: int


def set_severity(
    session: Session,
    case_id: UUID,
    level: int,
    lifecycle: Lifecycle,
    *,
    who: Person,
    why: str,
    version: int | None = None,
    now: datetime,
) -> Case:
    """Set the severity of a case. Graver, its clocks run out sooner and its desks are alerted anew; less grave, the
    clocks that run stay as they are."""
    need(who, Permission.SET_SEVERITY)
    [case] = lock(session, case_id, version=version)
    must_be_open(case)
    if level not in list(Severity):
        raise Conflict("A severity is one of SEV1 to SEV5.")
    if level == case.severity:
        raise Conflict(f"This case is SEV{level} already.")
    if not why.strip():
        raise Conflict("Say why: the review meeting reads the reason.")
    if case.severity_computed is None:
        case.severity_computed = case.severity
    before, case.severity = case.severity, level
    _follow(session, case, before, lifecycle, now=now)
    detail = {"from": before, "to": level, "computed": case.severity_computed}
    touch(session, case, SET, who=who, now=now, why=why.strip(), detail=detail)
    return case


def take_back_severity(
    session: Session, case_id: UUID, lifecycle: Lifecycle, *, who: Person, now: datetime
) -> Case:
    """Let the computed severity count again."""
    need(who, Permission.SET_SEVERITY)
    [case] = lock(session, case_id)
    must_be_open(case)
    if case.severity_computed is None:
        raise Conflict("The computed severity counts already.")
    before, case.severity = case.severity, case.severity_computed
    case.severity_computed = None
    _follow(session, case, before, lifecycle, now=now)
    detail = {"from": before, "to": case.severity}
    touch(session, case, "severity taken back", who=who, now=now, detail=detail)
    return case


def override_of(session: Session, case: Case) -> Override | None:
    """What a person said of the severity, while it counts."""
    if case.severity_computed is None:
        return None
    line = session.scalars(
        select(LogEntry)
        .where(LogEntry.case_id == case.id, LogEntry.what == SET)
        .order_by(col(LogEntry.seq).desc())
        .limit(1)
    ).first()
    if line is None:
        return None
    return Override(line.who, line.at, line.why or "", line.detail["from"], line.detail["to"])


def _follow(session: Session, case: Case, before: int, lifecycle: Lifecycle, *, now: datetime) -> None:
    """What a graver level asks for."""
    if case.severity >= before:
        return
    desks = [
        Desk(each)
        for each in session.scalars(select(Alert.desk).where(Alert.case_id == case.id, Alert.growth == 0))
    ]
    # nobody was told of it as long as it was less
    if not desks and case.severity <= lifecycle.breach.alert_to:
        desks = [Desk(each) for each in case.desks] or [Desk.COMMS]
    tracked = session.scalars(select(Track.name).where(Track.case_id == case.id)).first() is not None
    dues = lifecycle.started(RAISED, case.severity, now=now)
    start_by(session, case, [each for each in dues if tracked or each.desk in desks], lifecycle, now=now)
    for desk in desks:
        raise_anew(session, case, desk, rule=SET, now=now)
    if tracked:
        raise_prompts(session, case, lifecycle, now=now)
