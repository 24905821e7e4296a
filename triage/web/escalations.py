"""How far an alert has climbed: who was told and whether it reached them, who is next and when; having them told now,
or reminders silenced for a while."""

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session, col, select

from collector.plain import clean
from triage.alert_acts import escalate, snooze
from triage.escalation import pass_on
from triage.escalation_ladder import Ladder, Turn, next_turn, still_to_answer
from triage.escalation_parties import answered_by
from triage.escalation_records import Escalation, EscalationStep
from triage.locked import Conflict
from triage.notification_records import Notification
from triage.oncall import OnCall
from triage.permissions import Permission, may
from triage.records import OPEN, Alert, AlertState, Person
from triage.web.case_file import CaseFile
from triage.web.queue import find_case
from triage.web.security import safe_next
from triage.web.visit import Visit, Visiting

router = APIRouter()


class Step(NamedTuple):
    """A step that was done: when, whom it told by their titles, and the messages of it. `asked_by` a person."""

    at: datetime
    told: list[str]
    sent: list[Notification]
    asked_by: str
    why: str


class Climb(NamedTuple):
    """One desk's escalation of a case: its steps in time, and, while it runs, who is next and when. `missing` are the
    parties that must still acknowledge where several must. `alert_id` is what "escalate now" is about, if one may."""

    desk: str
    running: bool
    ended: str
    ended_at: datetime | None
    steps: list[Step]
    next_who: str
    next_at: datetime | None
    missing: list[str]
    alert_id: UUID | None


class Coming(NamedTuple):
    """Who is told next of an alert, and when."""

    who: str
    at: datetime


@router.post("/cases/{ref}/escalate")
def escalate_now(
    visit: Visiting,
    ref: str,
    alert: Annotated[UUID, Form()],
    why: Annotated[str, Form(max_length=300)],
    to: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Have whoever comes next told, without waiting for their turn."""

    def change() -> object:
        return escalate(
            visit.session,
            alert,
            who=visit.person,
            why=clean(why),
            through="desk",
            pass_on=partial(pass_on, oncall=_oncall(visit)),
            now=visit.now,
        )

    return _act_on(visit, ref, alert, "escalated", to, change)


@router.post("/cases/{ref}/snooze")
def snooze_for(
    visit: Visiting,
    ref: str,
    alert: Annotated[UUID, Form()],
    minutes: Annotated[int, Form(ge=1, le=24 * 60)],
    why: Annotated[str, Form(max_length=300)],
    to: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Silence the reminders of an alert for a while."""

    def change() -> object:
        return snooze(
            visit.session,
            alert,
            who=visit.person,
            length=timedelta(minutes=minutes),
            why=clean(why),
            through="desk",
            now=visit.now,
        )

    return _act_on(visit, ref, alert, "snoozed", to, change)


def _act_on(
    visit: Visit, ref: str, alert: UUID, said: str, to: str, change: Callable[[], object]
) -> Response:
    """Do something about an alert of a case, then show the page again; what stood in the way is told."""
    case = find_case(visit.session, ref)
    back = safe_next(to or f"/cases/{case.number}")
    found = visit.session.get(Alert, alert)
    try:
        if found is None or found.case_id != case.id:
            raise Conflict("This alert no longer exists.")
        change()
        visit.session.commit()
    except Conflict as conflict:
        visit.session.rollback()
        return visit.page("conflict.html", 409, detail=str(conflict), back=back)
    return visit.back(said, back)


def read_climbs(visit: Visit, file: CaseFile) -> list[Climb]:
    """The last escalation of each desk that was alerted, or none where nobody climbs for it."""
    session, oncall, case = visit.session, _oncall(visit), file.case
    alerts = {alert.desk: alert for alert in reversed(file.alerts)}
    asked = select(Escalation).where(Escalation.case_id == case.id).order_by(col(Escalation.began_at))
    found = {each.desk: each for each in session.exec(asked)} if file.has(Escalation) else {}
    climbs = []
    for desk, alert in sorted(alerts.items()):
        if desk in found:
            climb = _climb(session, oncall, found[desk])
        elif oncall.ladders.of(desk, case.severity):
            waits = alert.state == AlertState.OPEN and alert.manner == "page"
            climb = Climb(desk, waits, "", None, [], "", None, [], None)
        else:
            continue
        allowed = may(visit.person, Permission.ACKNOWLEDGE) and desk in visit.person.desks
        may_ask = allowed and case.status in OPEN and alert.state != AlertState.CLOSED
        climbs.append(climb._replace(alert_id=alert.id if may_ask else None))
    return climbs


def read_coming(session: Session, oncall: OnCall, alert_ids: Collection[UUID]) -> dict[UUID, Coming]:
    """Who is told next of these alerts, of those that climb."""
    running = select(Escalation).where(
        col(Escalation.alert_id).in_(alert_ids),
        col(Escalation.ended_at).is_(None),
        col(Escalation.next_due_at).is_not(None),
    )
    escalations = list(session.exec(running))
    done: dict[UUID, set[tuple[int, int]]] = defaultdict(set)
    asked = select(EscalationStep).where(
        col(EscalationStep.escalation_id).in_([each.id for each in escalations])
    )
    for step in session.exec(asked):
        done[step.escalation_id].add((step.step, step.turn))
    coming = {}
    for each in escalations:
        ladder = Ladder.model_validate(each.ladder)
        following = next_turn(ladder, each.began_at, done[each.id])
        if following and each.next_due_at:
            coming[each.alert_id] = Coming(_titles(oncall, ladder, following), each.next_due_at)
    return coming


def _climb(session: Session, oncall: OnCall, escalation: Escalation) -> Climb:
    ladder = Ladder.model_validate(escalation.ladder)
    rows = list(
        session.exec(
            select(EscalationStep)
            .where(EscalationStep.escalation_id == escalation.id)
            .order_by(col(EscalationStep.done_at), col(EscalationStep.step), col(EscalationStep.turn))
        )
    )
    sent: dict[str, list[Notification]] = defaultdict(list)
    notifications = select(Notification).where(col(Notification.key).startswith(f"{escalation.id}:"))
    for each in session.exec(notifications.where(Notification.alert_id == escalation.alert_id)):
        sent[":".join(each.key.split(":")[1:3])].append(each)
    names = {person.id: person.name for person in session.exec(select(Person))} if rows else {}
    steps = [
        Step(
            row.done_at,
            list(dict.fromkeys(oncall.roster.title_of(str(each["party"])) for each in row.told)),
            sent[f"{row.step}:{row.turn}"],
            names.get(row.pressed_by, "") if row.pressed_by else "",
            row.why or "",
        )
        for row in rows
    ]
    running = escalation.ended_at is None
    following = next_turn(ladder, escalation.began_at, {(row.step, row.turn) for row in rows})
    return Climb(
        escalation.desk,
        running,
        escalation.ended_because or "",
        escalation.ended_at,
        steps,
        _titles(oncall, ladder, following) if running and following else "",
        escalation.next_due_at,
        _missing(session, oncall, escalation, ladder) if running else [],
        None,
    )


def _missing(session: Session, oncall: OnCall, escalation: Escalation, ladder: Ladder) -> list[str]:
    by = answered_by(session, escalation, ladder, oncall)
    return [oncall.roster.title_of(party) for party in still_to_answer(ladder, by)]


def _titles(oncall: OnCall, ladder: Ladder, turn: Turn) -> str:
    return ", ".join(oncall.roster.title_of(party) for party in ladder.step[turn.step].who)


def _oncall(visit: Visit) -> OnCall:
    return visit.room.policies.oncall()
