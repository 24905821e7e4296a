"""A breach: a clock that ran out. Marked, logged and told to its desk, exactly once."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from triage.lifecycle import Lifecycle
from triage.locked import lock, touch_by
from triage.log import MACHINE, Line, note
from triage.prompts import raise_prompts
from triage.records import OPEN, Alert, AlertState, Case, Clock, Desk, Status
from triage.track_records import Track
from triage.tracks import open_tracks

AT_ONCE = 100
BREACHED = "clock breached"


def overdue_cases(session: Session, *, now: datetime) -> list[UUID]:
    """Open cases with a clock that ran out and is not marked yet, the longest overdue first."""
    asked = (
        select(Clock.case_id, Clock.due_at)
        .join(Case, col(Case.id) == col(Clock.case_id))
        .where(*_ran_out(now), col(Case.status).in_(OPEN))
        .order_by(col(Clock.due_at))
        .limit(AT_ONCE)
    )
    return list(dict.fromkeys(case_id for case_id, _ in session.exec(asked)))


def mark_breaches(session: Session, case_id: UUID, lifecycle: Lifecycle, *, now: datetime) -> int:
    """Mark what ran out on one case and tell its desks. Run twice or by two, each breach is found once."""
    [case] = lock(session, case_id)
    if case.status not in OPEN:
        return 0
    asked = select(Clock).where(Clock.case_id == case_id, *_ran_out(now)).order_by(col(Clock.due_at))
    clocks = list(session.scalars(asked.execution_options(populate_existing=True)))
    for clock in clocks:
        clock.breached_at = now
        detail = {"clock": clock.name, "due_at": clock.due_at.isoformat(), "severity": case.severity}
        if case.severity <= lifecycle.breach.alert_to and now - clock.due_at <= lifecycle.breach.alert_within:
            raise_anew(session, case, Desk(clock.desk), rule=BREACHED, now=now)
            touch_by(session, case, BREACHED, who=MACHINE, now=now, detail=detail)
        else:
            note(session, [Line(BREACHED, case.id, None, detail)], who=MACHINE, now=now)
    return len(clocks)


def raise_anew(session: Session, case: Case, desk: Desk, *, rule: str, now: datetime) -> None:
    """The desk must look again: its alert is open anew, or a first one is raised. Whoever calls touches the case,
    which has every channel told."""
    session.flush()
    alert = session.scalars(
        select(Alert).where(Alert.case_id == case.id, Alert.desk == desk, Alert.growth == 0)
    ).first()
    if alert is None:
        session.add(Alert(case_id=case.id, desk=desk, priority="high", rule=rule, raised_at=now))
        case.desks = list(dict.fromkeys([*case.desks, desk.value]))
        return
    alert.snoozed_until = None  # silence was asked for what was known then
    if alert.state != AlertState.OPEN or alert.manner != "page":
        alert.state, alert.raised_at, alert.manner = AlertState.OPEN, now, "page"
        alert.acknowledged_at = alert.acknowledged_by = alert.acknowledged_through = None


def unbegun_cases(session: Session) -> list[UUID]:
    """Confirmed cases whose tracks have not begun, such as those confirmed before there were any."""
    begun = select(Track.case_id).where(Track.case_id == Case.id).exists()
    return list(
        session.scalars(select(Case.id).where(Case.status == Status.CONFIRMED, ~begun).limit(AT_ONCE))
    )


def begin_tracks(session: Session, case_id: UUID, lifecycle: Lifecycle, *, now: datetime) -> None:
    """Begin the tracks of a confirmed case, and ask what is to be asked."""
    [case] = lock(session, case_id)
    if case.status == Status.CONFIRMED and open_tracks(session, case, lifecycle, now=now):
        raise_prompts(session, case, lifecycle, now=now)
        touch_by(session, case, "tracks begun", who=MACHINE, now=now)


def _ran_out(now: datetime):  # type: ignore[no-untyped-def]
    return (
        col(Clock.due_at) < now,
        col(Clock.stopped_at).is_(None),
        col(Clock.paused_at).is_(None),
        col(Clock.breached_at).is_(None),
    )
