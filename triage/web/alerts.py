"""Alerts and whether each reached its channel: what the desk reads when there is no Slack."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from triage.alert_acts import lengths
from triage.notification_records import Notification
from triage.records import Alert, AlertState, Case, Delivery, Desk
from triage.resending import LETTERS_FOR, dead_letters, resend
from triage.switch_records import SwitchKind
from triage.switching import switch_off, switch_on
from triage.web.channel_lines import channel_words, read_lines
from triage.web.escalations import read_coming
from triage.web.rows import names_of
from triage.web.shift import HOURS
from triage.web.visit import Visit, Visiting

router = APIRouter()

SHOWN = 200
LETTERS = 50
CHANNEL = SwitchKind.CHANNEL
Name = Annotated[str, Form(max_length=200)]
Why = Annotated[str, Form(max_length=500)]


class Raised(NamedTuple):
    """An alert, its case, the messages about it in its channel and by other ways, and who answered."""

    alert: Alert
    case: Case
    deliveries: list[Delivery]
    others: list[Notification]
    by: str


@router.get("/alerts")
def alerts(visit: Visiting, state: str = "open", desk: str = "") -> HTMLResponse:
    """Open ones by severity, the longest open leading; the others newest first."""
    state = state if state in list(AlertState) else "open"
    desk = desk if desk in list(Desk) else ""
    raised = read_alerts(visit.session, state=state, desk=desk)
    return visit.page(
        "alerts.html",
        raised=raised,
        coming=read_coming(visit.session, visit.room.policies.oncall(), [each.alert.id for each in raised]),
        state=state,
        desk=desk,
        states={"open": "Not answered", "acknowledged": "Acknowledged", "closed": "Closed"},
        channels=visit.room.channels,
        lines=read_lines(visit.session, visit.room.channels, shift=_shift(visit), now=visit.now),
        letters=dead_letters(visit.session, since=visit.now - LETTERS_FOR, most=LETTERS),
        most_letters=LETTERS,
        channel_words=channel_words,
        lengths=lengths,
        here=f"/alerts?state={state}" + (f"&desk={desk}" if desk else ""),
        shown=SHOWN,
    )


@router.post("/alerts/retry")
def retry(visit: Visiting, letter: Annotated[list[UUID], Form(max_length=LETTERS)]) -> Response:
    """Send again what a channel refused."""
    resend(visit.session, letter, visit.room.policies.oncall(), who=visit.person, now=visit.now)
    visit.session.commit()
    return visit.back("sent-again", "/alerts")


@router.post("/alerts/channels/off")
def off(visit: Visiting, channel: Name = "", why: Why = "") -> Response:
    """Send nothing by a channel until it is on again."""
    lines = read_lines(visit.session, visit.room.channels, shift=_shift(visit), now=visit.now)
    known = [each.channel for each in lines]
    return _act(
        visit,
        "channel-off",
        lambda: switch_off(
            visit.session, CHANNEL, channel, known=known, who=visit.person, why=why, now=visit.now
        ),
    )


@router.post("/alerts/channels/on")
def on(visit: Visiting, channel: Name = "", why: Why = "") -> Response:
    """Send by it again."""
    return _act(
        visit,
        "channel-on",
        lambda: switch_on(visit.session, CHANNEL, channel, who=visit.person, why=why, now=visit.now),
    )


def _act(visit: Visit, said: str, change: Callable[[], None]) -> Response:
    return visit.attempt(change, "/alerts") or visit.back(said, "/alerts", part="channels")


def _shift(visit: Visit) -> timedelta:
    policy = visit.room.policies.shift
    return timedelta(hours=policy.hours if policy else HOURS)


def read_alerts(session: Session, *, state: str, desk: str) -> list[Raised]:
    wanted = select(Alert, Case).join(Case, col(Case.id) == Alert.case_id).where(Alert.state == state)
    if desk:
        wanted = wanted.where(Alert.desk == desk)
    newest = col(Alert.raised_at).desc()
    order = (col(Case.severity), col(Alert.raised_at)) if state == "open" else (newest,)
    found = session.exec(wanted.order_by(*order).limit(SHOWN)).all()
    deliveries: dict[UUID, list[Delivery]] = defaultdict(list)
    sent = select(Delivery).where(col(Delivery.alert_id).in_([alert.id for alert, _ in found]))
    for each in session.exec(sent.order_by(Delivery.channel)):
        deliveries[each.alert_id].append(each)
    others: dict[UUID | None, list[Notification]] = defaultdict(list)
    told = select(Notification).where(col(Notification.alert_id).in_([alert.id for alert, _ in found]))
    for it in session.exec(told.order_by(col(Notification.due_at), col(Notification.channel_kind))):
        others[it.alert_id].append(it)
    names = names_of(session, [alert.acknowledged_by for alert, _ in found])
    return [
        Raised(alert, case, deliveries[alert.id], others[alert.id], names.get(alert.acknowledged_by, ""))
        for alert, case in found
    ]
