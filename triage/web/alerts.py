"""Alerts and whether each reached its channel: what the desk reads when there is no Slack."""

from collections import defaultdict
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from triage.records import Alert, AlertState, Case, Channel, Delivery, Desk
from triage.web.rows import names_of
from triage.web.visit import Visiting

router = APIRouter()

SHOWN = 200


class Raised(NamedTuple):
    """An alert, its case, the messages about it, and who answered."""

    alert: Alert
    case: Case
    deliveries: list[Delivery]
    by: str


@router.get("/alerts")
def alerts(visit: Visiting, state: str = "open", desk: str = "") -> HTMLResponse:
    """Open ones by severity, the longest open leading; the others newest first."""
    state = state if state in list(AlertState) else "open"
    desk = desk if desk in list(Desk) else ""
    return visit.page(
        "alerts.html",
        raised=read_alerts(visit.session, state=state, desk=desk),
        state=state,
        desk=desk,
        states={"open": "Not answered", "acknowledged": "Acknowledged", "closed": "Closed"},
        channels=visit.room.channels,
        lines=list(visit.session.exec(select(Channel).order_by(Channel.name))),
        here=f"/alerts?state={state}" + (f"&desk={desk}" if desk else ""),
        shown=SHOWN,
    )


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
    names = names_of(session, [alert.acknowledged_by for alert, _ in found])
    return [
        Raised(alert, case, deliveries[alert.id], names.get(alert.acknowledged_by, ""))
        for alert, case in found
    ]
