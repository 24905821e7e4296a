"""What a press of a button, a choice from the menu, or a form sent in Slack does: the acts of the pages, by the person
it belongs to, with the same permissions."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from responders.notices import restricted_among
from responders.slack_forms import FORMS, Filled, form, outcome, read_form
from responders.slack_people import (
    DENIED,
    GONE,
    Refused,
    alert_for,
    enter_refusal,
    in_one_piece,
    need_to,
    who_is,
)
from responders.slack_reply import NO_FORM, Form, Reply, Whisper
from triage import actions
from triage.alert_acts import PassOn, escalate, snooze
from triage.permissions import Permission
from triage.records import OPEN, Alert, AlertState, Case, Desk, Person, Status

LONDON = ZoneInfo("Europe/London")
WRONG_DESK = "You do not work at the {desk} desk, so nothing was changed. Its people can do this."
WRONG_ROLE = "Your roles do not allow to acknowledge alerts, so nothing was changed."
CLOSED = "GH-{number} is closed; there is nothing left to do."
OVERTAKEN = "A later message about GH-{number} says more; answer that one."
ALREADY = "GH-{number} was already acknowledged{by}{at}; nothing was changed."
CONFUSED = "Golden Hour did not understand that; nothing was changed."
CLAIMED = "You have GH-{number} until {until}."
AS_WELL = "You have acknowledged GH-{number} as well."
NEEDS = {
    "acknowledge": Permission.ACKNOWLEDGE,
    "claim": Permission.TRIAGE,
    "not_ours": Permission.TRIAGE,
    "escalate": Permission.ACKNOWLEDGE,
    "snooze": Permission.ACKNOWLEDGE,
}
OF_A_DESK = ("acknowledge", "escalate", "snooze")


class Pressed(NamedTuple):
    """A button or a choice from the menu: which act, on which alert if one can tell."""

    act: str
    alert_id: UUID | None
    user: str
    channel: str
    trigger_id: str


class OnAlert(NamedTuple):
    """Somebody who may do something to an alert."""

    session: Session
    person: Person
    alert: Alert
    case: Case
    now: datetime


def act(
    session: Session,
    payload: dict[str, Any],
    *,
    now: datetime,
    pass_on: PassOn | None = None,
    lease: timedelta = actions.LEASE,
) -> Reply:
    """Do what one interaction asks. The reply is empty where the message itself will show it.

    The caller commits. Kinds of interaction we did not ask for are passed over. `pass_on` has whoever comes next
    told; `lease` is how long a claim holds.
    """
    if payload.get("type") == "view_submission":
        view = payload.get("view")
        filled = read_form(view) if isinstance(view, dict) else None
        return _send(session, filled, id_of(payload.get("user")), pass_on, now) if filled else Reply()
    pressed = _pressed(payload)
    if pressed is None:
        return Reply()
    try:
        return _press(session, pressed, lease, now)
    except Refused as refused:
        enter_refusal(session, refused, now=now)
        return Reply(later=Whisper(str(refused), pressed.channel, pressed.user))


def id_of(thing: object) -> str:
    """The id of a user or a channel that Slack describes, empty for anything else."""
    return usable_id(thing.get("id")) if isinstance(thing, dict) else ""


def usable_id(found: object) -> str:
    return found if isinstance(found, str) and found.isascii() and found.isalnum() and len(found) < 40 else ""


def _pressed(payload: dict[str, Any]) -> Pressed | None:
    """None when the payload is something else than a press of ours."""
    if payload.get("type") != "block_actions":
        return None
    presses = payload.get("actions")
    press = presses[0] if isinstance(presses, list) and presses else None
    if not isinstance(press, dict) or press.get("action_id") not in ("acknowledge", "menu"):
        return None
    name, value = "acknowledge", press.get("value")
    if press["action_id"] == "menu":
        chosen = press.get("selected_option")
        value = chosen.get("value") if isinstance(chosen, dict) else None
        name, _, value = value.partition(":") if isinstance(value, str) else ("", "", None)
    trigger = payload.get("trigger_id")
    user, channel = id_of(payload.get("user")), id_of(payload.get("channel"))
    return Pressed(name, _uuid(value), user, channel, trigger if isinstance(trigger, str) else "")


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _press(session: Session, pressed: Pressed, lease: timedelta, now: datetime) -> Reply:
    if pressed.alert_id is None or pressed.act not in NEEDS:
        raise Refused(CONFUSED)
    asked = _allowed(session, pressed.act, pressed.alert_id, pressed.user, now)
    if pressed.act in FORMS:
        number, alert_id = asked.case.number or 0, pressed.alert_id
        restricted = bool(restricted_among(session, [asked.case.id]))
        else_told = Whisper(NO_FORM, pressed.channel, pressed.user)
        view = form(pressed.act, alert_id, number, severity=asked.case.severity, restricted=restricted)
        return Reply(later=Form(pressed.trigger_id, view, else_told))
    said = _acknowledge(asked) if pressed.act == "acknowledge" else _claim(asked, lease)
    return Reply(later=Whisper(said, pressed.channel, pressed.user) if said else None)


def _allowed(session: Session, name: str, alert_id: UUID, user: str, now: datetime) -> OnAlert:
    """Raises Refused for somebody who may not do this, and for an alert on which there is nothing left to do."""
    person = who_is(session, user)
    alert, case = alert_for(session, person, alert_id)
    need_to(person, NEEDS[name], case.id, WRONG_ROLE if name == "acknowledge" else DENIED)
    if name in OF_A_DESK and alert.desk not in person.desks:
        raise Refused(WRONG_DESK.format(desk=Desk(alert.desk).value))
    asked = OnAlert(session, person, alert, case, now)
    if alert.state == AlertState.CLOSED:
        raise Refused(_stale(asked))
    return asked


def _acknowledge(asked: OnAlert) -> str:
    session, person, alert, now = asked.session, asked.person, asked.alert, asked.now
    case_id, desk, number = asked.case.id, Desk(alert.desk), asked.case.number
    before, revision = _answer(alert), alert.revision
    try:  # it changes nothing before it raises, so that no savepoint is needed
        actions.acknowledge(session, case_id, who=person, desk=desk, through="slack", now=now)
    except actions.Conflict:
        return _stale(asked)
    if alert.revision == revision:
        return _stale(asked)
    return AS_WELL.format(number=number) if before == _answer(alert) else ""


def _answer(alert: Alert) -> tuple[str, UUID | None]:
    return alert.state, alert.acknowledged_by


def _claim(asked: OnAlert, lease: timedelta) -> str:
    session, case_id, number = asked.session, asked.case.id, asked.case.number

    def change() -> None:
        actions.claim(session, case_id, who=asked.person, now=asked.now, lease=lease)

    try:
        in_one_piece(session, change)
    except actions.Conflict as conflict:
        return f"{conflict} Nothing was changed."
    until = (asked.now + lease).astimezone(LONDON).strftime("%H:%M")
    return CLAIMED.format(number=number, until=until)


def _send(session: Session, filled: Filled, user: str, pass_on: PassOn | None, now: datetime) -> Reply:
    """Do what a form asks; what stood in the way is said in the form."""
    if filled.problems:
        return Reply({"response_action": "errors", "errors": filled.problems})
    try:
        if filled.alert_id is None:
            raise Refused(CONFUSED)
        asked = _allowed(session, filled.act, filled.alert_id, user, now)
        in_one_piece(session, _change(asked, filled, pass_on))
    except (Refused, actions.Conflict) as refused:
        if isinstance(refused, Refused):
            enter_refusal(session, refused, now=now)
        return Reply({"response_action": "update", "view": outcome(str(refused))})
    return Reply()


def _change(asked: OnAlert, filled: Filled, pass_on: PassOn | None) -> Callable[[], object]:
    session, person, now = asked.session, asked.person, asked.now
    case_id, alert_id = asked.case.id, asked.alert.id
    if filled.act == "not_ours":
        return lambda: actions.dismiss(
            session, case_id, who=person, status=Status.NOT_OURS, why=filled.why, now=now
        )
    if filled.act == "snooze":
        return lambda: snooze(
            session, alert_id, who=person, length=filled.length, why=filled.why, through="slack", now=now
        )
    return lambda: escalate(
        session, alert_id, who=person, why=filled.why, through="slack", pass_on=pass_on, now=now
    )


def _stale(asked: OnAlert) -> str:
    """What became of the alert meanwhile, read anew."""
    session, number = asked.session, asked.case.number
    alert = session.get(Alert, asked.alert.id, populate_existing=True)
    if alert is None:
        return GONE
    if alert.state == AlertState.CLOSED:
        case = session.get_one(Case, alert.case_id, populate_existing=True)
        return (OVERTAKEN if alert.growth and case.status in OPEN else CLOSED).format(number=number)
    who = session.get(Person, alert.acknowledged_by) if alert.acknowledged_by else None
    at = alert.acknowledged_at
    clock = at.astimezone(LONDON).strftime(" at %H:%M") if at else ""
    return ALREADY.format(number=number, by=f" by {who.name}" if who else "", at=clock)
