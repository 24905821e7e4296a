"""What a press of a button in Slack does: the same acts as on the pages, by the person it belongs to."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from triage import actions
from triage.hidden import sees
from triage.log import Line, note
from triage.permissions import Permission, may
from triage.records import Alert, AlertState, Case, Person

LONDON = ZoneInfo("Europe/London")
UNLINKED = (
    "Your Slack account is not linked to a Golden Hour account, so nothing was changed. "
    "Ask an administrator to link it, or acknowledge on the case page."
)
WRONG_DESK = "You do not work at the {desk} desk, so nothing was changed. Its people can acknowledge this."
WRONG_ROLE = "Your roles do not allow to acknowledge alerts, so nothing was changed."
GONE = "This alert no longer exists; nothing was changed. Look in the queue."
HIDDEN = "This case is not shown to you, so nothing was changed. Somebody else has to acknowledge it."
CLOSED = "GH-{number} is closed; there is nothing left to acknowledge."
ALREADY = "GH-{number} was already acknowledged{by}{at}; nothing was changed."
CONFUSED = "Golden Hour did not understand that button; nothing was changed."


class Answer(NamedTuple):
    """Something only the person who pressed should read, in the channel they pressed in."""

    text: str
    channel: str
    user: str


def act(session: Session, payload: dict[str, Any], *, now: datetime) -> Answer | None:
    """Do what one interaction asks. None when there is nothing to tell: the message itself will show it.

    The caller commits. Kinds of interaction we did not ask for are passed over.
    """
    pressed = _pressed(payload)
    if pressed is None:
        return None
    user, channel, alert_id = pressed
    if alert_id is None:
        return Answer(CONFUSED, channel, user)
    told = _acknowledge(session, alert_id, user, now)
    return Answer(told, channel, user) if told else None


def _pressed(payload: dict[str, Any]) -> tuple[str, str, UUID | None] | None:
    """Who pressed Acknowledge, where, for which alert; None when the payload is something else."""
    if payload.get("type") != "block_actions":
        return None
    presses = payload.get("actions")
    press = presses[0] if isinstance(presses, list) and presses else None
    if not isinstance(press, dict) or press.get("action_id") != "acknowledge":
        return None
    value = press.get("value")
    try:
        alert_id = UUID(value) if isinstance(value, str) else None
    except ValueError:
        alert_id = None
    return _id_of(payload.get("user")), _id_of(payload.get("channel")), alert_id


def _id_of(thing: object) -> str:
    found = thing.get("id") if isinstance(thing, dict) else None
    return found if isinstance(found, str) and found.isascii() and found.isalnum() else ""


def _acknowledge(session: Session, alert_id: UUID, user: str, now: datetime) -> str | None:
    person = _person(session, user)
    if person is None:
        return UNLINKED
    alert = session.get(Alert, alert_id)
    case = session.get(Case, alert.case_id) if alert else None
    if alert is None or case is None:
        return GONE
    if not sees(session, person, case.id):
        line = Line("denied", case.id, None, {"needs": "to see the case"})
        note(session, [line], who=person.username, now=now)
        return HIDDEN
    if not may(person, Permission.ACKNOWLEDGE):
        note(session, [Line("denied", case.id, None, {"needs": "acknowledge"})], who=person.username, now=now)
        return WRONG_ROLE
    if alert.desk not in person.desks:
        return WRONG_DESK.format(desk=alert.desk)
    case_id, number, desk = case.id, case.number, alert.desk
    if alert.state != AlertState.OPEN:
        return _stale(session, alert_id, number)
    session.expire_all()  # under the act's lock everything is read anew: another may have been quicker
    try:
        with session.begin_nested():
            actions.acknowledge(session, case_id, who=person, desk=desk, through="slack", now=now)
    except actions.Conflict:
        return _stale(session, alert_id, number)
    return None


def _person(session: Session, user: str) -> Person | None:
    if not user:
        return None
    linked = (col(Person.slack_user) == user, col(Person.disabled_at).is_(None))
    return session.scalars(select(Person).where(*linked)).first()


def _stale(session: Session, alert_id: UUID, number: int | None) -> str:
    """What became of the alert meanwhile, read anew."""
    alert = session.get(Alert, alert_id, populate_existing=True)
    if alert is None:
        return GONE
    if alert.state == AlertState.CLOSED:
        return CLOSED.format(number=number)
    who = session.get(Person, alert.acknowledged_by) if alert.acknowledged_by else None
    at = alert.acknowledged_at
    clock = at.astimezone(LONDON).strftime(" at %H:%M") if at else ""
    return ALREADY.format(number=number, by=f" by {who.name}" if who else "", at=clock)
