"""What people do to an alert besides answering it: silence its reminders for a while, or have somebody else told.

Neither stops the incident, its clocks, or the first word of anything new.
"""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlmodel import Session, col, select

from triage.actions import Conflict
from triage.locked import clock_time, lock, must_be_open, touch
from triage.permissions import Permission, need
from triage.records import Alert, AlertState, Case, Desk, LogEntry, Person

ESCALATED = "escalated"
SNOOZED = "reminders silenced"
LENGTHS = {15: "15 minutes", 30: "30 minutes", 60: "an hour", 120: "2 hours", 240: "4 hours"}  # as offered
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=8)
GRAVE = {1: timedelta(minutes=15), 2: timedelta(hours=1)}  # longest by severity: others have to hear of these


class PassOn(Protocol):
    """Has whoever comes next told of an alert, now."""

    def __call__(
        self, session: Session, alert: Alert, /, *, who: Person, why: str, now: datetime
    ) -> object: ...


def longest(severity: int) -> timedelta:
    """How long reminders of a case of this severity may be silent."""
    return GRAVE.get(severity, LONGEST)


def lengths(severity: int) -> dict[int, str]:
    """What is offered, in words by minutes."""
    return {
        minutes: words
        for minutes, words in LENGTHS.items()
        if timedelta(minutes=minutes) <= longest(severity)
    }


def snooze(
    session: Session, alert_id: UUID, *, who: Person, length: timedelta, why: str, through: str, now: datetime
) -> Case:
    """Silence the reminders of an alert, and of its desk's others about the case, for a while. Being raised again is no
    reminder. Raises Conflict."""
    case, alert = _open_alert(session, alert_id, who)
    if not SHORTEST <= length <= LONGEST:
        raise Conflict("Reminders can be silent for 5 minutes to 8 hours.")
    if length > (most := longest(case.severity)):
        raise Conflict(
            f"GH-{case.number} is SEV{case.severity}: its reminders can be silent for {most // timedelta(minutes=1)}"
            " minutes at most. Acknowledge it, or have somebody else told."
        )
    if case.severity in GRAVE and (silent := _silent(session, case, alert, now)) + length > most:
        minute = timedelta(minutes=1)
        raise Conflict(
            f"GH-{case.number} is SEV{case.severity}: its reminders have been silent for {silent // minute} minutes "
            f"since it was raised, of {most // minute}. Acknowledge it, or have somebody else told."
        )
    of_desk = (Alert.case_id == case.id, Alert.desk == alert.desk, Alert.state == AlertState.OPEN)
    for each in session.exec(select(Alert).where(*of_desk)):
        each.snoozed_until = now + length
    _note(session, case, alert, SNOOZED, who=who, why=why, through=through, now=now)
    return case


def _silent(session: Session, case: Case, alert: Alert, now: datetime) -> timedelta:
    """For how long the reminders of a desk have been silent since its alert was raised, all times together."""
    lines = select(LogEntry).where(
        LogEntry.case_id == case.id, LogEntry.what == SNOOZED, col(LogEntry.at) >= alert.raised_at
    )
    asked = (
        min(datetime.fromisoformat(each.detail["until"]), now) - each.at
        for each in session.exec(lines)
        if each.detail.get("desk") == Desk(alert.desk).value
    )
    return sum(asked, timedelta())


def escalate(
    session: Session,
    alert_id: UUID,
    *,
    who: Person,
    why: str,
    through: str,
    pass_on: PassOn | None = None,
    now: datetime,
) -> Case:
    """Have whoever comes next told, without waiting for their turn. Raises Conflict."""
    case, alert = _open_alert(session, alert_id, who, answered=True)
    _note(session, case, alert, ESCALATED, who=who, why=why, through=through, now=now)
    if pass_on is not None:
        pass_on(session, alert, who=who, why=why.strip(), now=now)
    return case


def _open_alert(
    session: Session, alert_id: UUID, who: Person, *, answered: bool = False
) -> tuple[Case, Alert]:
    need(who, Permission.ACKNOWLEDGE)
    known = session.exec(select(Alert.case_id).where(Alert.id == alert_id)).first()
    if known is None:
        raise Conflict("This alert no longer exists.")
    [case] = lock(session, known)
    must_be_open(case)
    alert = session.get_one(Alert, alert_id, populate_existing=True)
    if alert.desk not in who.desks:
        raise Conflict(f"You do not work at the {Desk(alert.desk).value} desk; its people can do this.")
    if alert.state == AlertState.ACKNOWLEDGED and not answered and alert.acknowledged_at:
        raise Conflict(f"GH-{case.number} was acknowledged at {clock_time(alert.acknowledged_at)} already.")
    if alert.state == AlertState.CLOSED:
        raise Conflict(f"A later alert about GH-{case.number} says more; look at that one.")
    return case, alert


def _note(
    session: Session,
    case: Case,
    alert: Alert,
    what: str,
    *,
    who: Person,
    why: str,
    through: str,
    now: datetime,
) -> None:
    if not why.strip():
        raise Conflict("Say why: the review meeting reads the reason.")
    detail = {"desk": Desk(alert.desk).value, "through": through}
    if what == SNOOZED and alert.snoozed_until is not None:
        detail["until"] = alert.snoozed_until.isoformat()
    touch(session, case, what, who=who, now=now, why=why.strip(), detail=detail)
