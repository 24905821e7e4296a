"""Escalation: alerts that nobody acknowledges climb their ladder; those that were and are then left alone begin anew.

The tick asks what waits (triage/escalation_waiting.py), then calls one of these for each, a transaction at a time. What
is due stands in the tables, so a restart does what is overdue, once, and a clock that is set repeats nothing.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from triage.breaches import raise_anew
from triage.escalation_ladder import Ladder, Mark, Turn, due, next_turn, still_to_answer, whom
from triage.escalation_parties import answered_by
from triage.escalation_records import Escalation, EscalationStep
from triage.escalation_waiting import CLIMBING, FRESH
from triage.escalation_words import answered, page
from triage.locked import Conflict, lock, touch_by
from triage.log import MACHINE, VIEWED, Line, note
from triage.notice import tell_desk
from triage.notification_records import Notification, NotificationKind, NotificationState
from triage.oncall import OnCall, Reached, reached
from triage.records import Alert, AlertState, Case, Desk, LogEntry, Person

ESCALATED, TOLD, REARMED = "escalated", "told", "re-armed"
ACKNOWLEDGED, CLOSED, ANEW, CHANGED = (
    "acknowledged",
    "case closed or on watch",
    "raised anew",
    "severity changed",
)
BOTH = "both desks must acknowledge"
# what nobody is helped by: that somebody looked, was refused a look, took the case up or gave it back
NO_ACT = (VIEWED, "acknowledged", "denied", "claimed", "claim kept", "claim broken", "released")


def alert_desk(session: Session, case_id: UUID, desk: Desk, *, now: datetime) -> None:
    """Alert a desk that must acknowledge a case of this severity and was not told."""
    [case] = lock(session, case_id)
    known = session.scalars(select(Alert.id).where(Alert.case_id == case_id, Alert.desk == desk)).first()
    if known is None and case.status in CLIMBING:
        raise_anew(session, case, desk, rule=BOTH, now=now)
        touch_by(session, case, "alert raised", who=MACHINE, now=now, why=BOTH, detail={"desk": desk.value})


def begin(session: Session, alert_id: UUID, oncall: OnCall, *, now: datetime) -> Escalation | None:
    """Begin to climb for an alert, and do what is due already."""
    alert = session.get_one(Alert, alert_id)
    [case] = lock(session, alert.case_id)
    session.refresh(alert)
    running = select(Escalation.id).where(
        Escalation.case_id == case.id, Escalation.desk == alert.desk, col(Escalation.ended_at).is_(None)
    )
    if case.status not in CLIMBING or session.exec(running).first() is not None:
        return None
    made = _start(session, case, alert, oncall, now=now)
    if made is not None:
        _climb(session, made, case, alert, oncall, now=now)
    return made


def climb(session: Session, escalation_id: UUID, oncall: OnCall, *, now: datetime) -> int:
    """Do what is due of one escalation, or end it. Returns how many steps were done."""
    case_id = session.get_one(Escalation, escalation_id).case_id
    [case] = lock(session, case_id)
    escalation = session.get_one(Escalation, escalation_id, populate_existing=True)
    if escalation.ended_at is not None:
        return 0
    alert = session.get_one(Alert, escalation.alert_id, populate_existing=True)
    return _climb(session, escalation, case, alert, oncall, now=now)


def rearm(session: Session, escalation_id: UUID, *, now: datetime) -> bool:
    """Raise an alert anew that was acknowledged and then left alone: nobody holds the case, nothing was done on it."""
    case_id = session.get_one(Escalation, escalation_id).case_id
    [case] = lock(session, case_id)
    escalation = session.get_one(Escalation, escalation_id, populate_existing=True)
    alert = session.get_one(Alert, escalation.alert_id, populate_existing=True)
    if escalation.rearm_at is None or escalation.rearm_at > now:
        return False
    escalation.rearm_at = None
    anew = alert.state != AlertState.ACKNOWLEDGED or alert.raised_at != escalation.raised_at
    if case.status not in CLIMBING or anew or _acted_on(session, case):
        return False
    if case.claimed_until is not None and case.claimed_until > now:
        escalation.rearm_at = case.claimed_until
        return False
    raise_anew(session, case, Desk(escalation.desk), rule="acknowledged, then nothing done", now=now)
    touch_by(session, case, REARMED, who=MACHINE, now=now, detail={"desk": escalation.desk})
    return True


def pass_on(session: Session, alert: Alert, *, who: Person, why: str, now: datetime, oncall: OnCall) -> None:
    """Tell whoever comes next, now, because a person says so; the ladder's own times stay. Raises Conflict. The caller
    has locked the case, and logs the act."""
    [case] = lock(session, alert.case_id)
    newest = (
        select(Escalation)
        .where(Escalation.case_id == case.id, Escalation.desk == alert.desk)
        .order_by(col(Escalation.ended_at).is_(None).desc(), col(Escalation.began_at).desc())
    )
    escalation = session.exec(newest).first() or _start(session, case, alert, oncall, now=now)
    if escalation is None:
        raise Conflict(
            f"No one is named to be told of SEV{case.severity} alerts after the {Desk(alert.desk).value} desk. "
            "Whoever looks after config/escalation.toml can name them."
        )
    ladder, done = Ladder.model_validate(escalation.ladder), _marks(session, escalation)
    step = min(max((step for step, _ in done), default=-1) + 1, len(ladder.step) - 1)
    turn = max((turn for known, turn in done if known == step), default=-1) + 1
    asked = Turn(step, turn, now)
    told = _tell(session, escalation, ladder, [asked], case, alert, oncall, (), now=now)
    row = _row(escalation, asked, told, now)
    row.pressed_by, row.why = who.id, why
    session.add(row)
    _set_next(session, escalation, ladder)


def _climb(
    session: Session, escalation: Escalation, case: Case, alert: Alert, oncall: OnCall, *, now: datetime
) -> int:
    ladder = Ladder.model_validate(escalation.ladder)
    if case.status not in CLIMBING:
        _end(session, escalation, CLOSED, now=now)
        return 0
    if alert.raised_at != escalation.raised_at or case.severity != escalation.severity:
        _end(session, escalation, CHANGED if case.severity != escalation.severity else ANEW, now=now)
        if case.severity < escalation.severity:
            alert.snoozed_until = None  # as short as a graver one may be silent at all
        if alert.state == AlertState.OPEN:
            session.flush()
            made = _start(session, case, alert, oncall, now=now)
            return _climb(session, made, case, alert, oncall, now=now) if made else 0
        return 0
    by = answered_by(session, escalation, ladder, oncall)
    if alert.state != AlertState.OPEN and not still_to_answer(ladder, by):
        _end(session, escalation, ACKNOWLEDGED, now=now)
        escalation.rearm_at = now + ladder.rearm if ladder.rearm else None
        who = session.get(Person, alert.acknowledged_by) if alert.acknowledged_by else None
        answered(session, escalation, case, by=who.username if who else "", now=now)
        return 0
    if alert.snoozed_until is not None and alert.snoozed_until > now:
        escalation.next_due_at = max(escalation.next_due_at or now, alert.snoozed_until)
        return 0
    done = _marks(session, escalation)
    found = due(ladder, escalation.began_at, answered=False, done=done, now=now)
    if found:
        told = _tell(session, escalation, ladder, found, case, alert, oncall, by, now=now)
        session.add_all(_row(escalation, each, told, now) for each in found)
        _say(session, case, escalation, ladder, found, now=now)
    _set_next(session, escalation, ladder)
    return len(found)


def _start(session: Session, case: Case, alert: Alert, oncall: OnCall, *, now: datetime) -> Escalation | None:
    ladder = oncall.ladders.of(alert.desk, case.severity)
    if ladder is None:
        return None
    earlier = select(func.max(Escalation.round)).where(Escalation.alert_id == alert.id)
    before = session.exec(earlier).one() or 0
    late = before or now - alert.raised_at > FRESH
    began_at = now if late else alert.raised_at
    made = Escalation(
        alert_id=alert.id,
        round=before + 1,
        case_id=case.id,
        desk=alert.desk,
        severity=case.severity,
        raised_at=alert.raised_at,
        ladder=ladder.model_dump(mode="json"),
        began_at=began_at,
    )
    session.add(made)
    session.flush()
    _set_next(session, made, ladder)
    return made


def _end(session: Session, escalation: Escalation, because: str, *, now: datetime) -> None:
    escalation.ended_at, escalation.ended_because, escalation.next_due_at = now, because, None
    session.execute(
        update(Notification)
        .where(
            col(Notification.alert_id) == escalation.alert_id,
            col(Notification.kind) == NotificationKind.PAGE,
            col(Notification.state) == NotificationState.WAITING,
        )
        .values(state=NotificationState.WITHDRAWN)
    )


def _tell(
    session: Session,
    escalation: Escalation,
    ladder: Ladder,
    found: list[Turn],
    case: Case,
    alert: Alert,
    oncall: OnCall,
    by: Iterable[str],
    *,
    now: datetime,
) -> list[Reached]:
    """Leave the pages of what is due. Somebody whom several turns concern, as after a stop, is told once."""
    done = _marks(session, escalation) | {(each.step, each.turn) for each in found}
    following = next_turn(ladder, escalation.began_at, done) if escalation.ended_at is None else None
    told: dict[str, Reached] = {}
    for turn in sorted(found, key=lambda each: (each.step, each.turn), reverse=True):
        parties = whom(ladder, turn.step, list(by))
        people = [each for party in parties for each in reached(session, oncall, party, now=now)]
        new = [each for each in people if each.recipient not in told]
        page(
            session, oncall, escalation, turn, new,
            case=case, alert=alert, following=following, ladder=ladder, now=now,
        )  # fmt: skip
        told |= {each.recipient: each for each in new}
    return list(told.values())


def _row(escalation: Escalation, turn: Turn, told: list[Reached], now: datetime) -> EscalationStep:
    return EscalationStep(
        escalation_id=escalation.id,
        step=turn.step,
        turn=turn.turn,
        due_at=turn.at,
        done_at=now,
        told=[{"party": each.party, "recipient": each.recipient} for each in told],
    )


def _say(
    session: Session,
    case: Case,
    escalation: Escalation,
    ladder: Ladder,
    found: list[Turn],
    *,
    now: datetime,
) -> None:
    """A line in the log. Every channel hears when it goes up a step, not of repeats."""
    highest = max(each.step for each in found)
    parties = list(dict.fromkeys(party for each in found for party in ladder.step[each.step].who))
    detail = {"desk": escalation.desk, "step": highest + 1, "told": parties}
    if any(each.step > 0 and each.turn == 0 for each in found):
        touch_by(session, case, ESCALATED, who=MACHINE, now=now, detail=detail)
    else:
        note(session, [Line(TOLD, case.id, None, detail)], who=MACHINE, now=now)
        tell_desk(session, TOLD, case.id)


def _set_next(session: Session, escalation: Escalation, ladder: Ladder) -> None:
    session.flush()
    if escalation.ended_at is None:
        following = next_turn(ladder, escalation.began_at, _marks(session, escalation))
        escalation.next_due_at = following.at if following else None


def _marks(session: Session, escalation: Escalation) -> set[Mark]:
    """Which steps were done, for which time."""
    asked = select(EscalationStep.step, EscalationStep.turn).where(
        EscalationStep.escalation_id == escalation.id
    )
    return {(step, turn) for step, turn in session.execute(asked)}


def _acted_on(session: Session, case: Case) -> bool:
    """Whether a person did anything on a case since it was last acknowledged."""
    of_case = col(LogEntry.case_id) == case.id
    last = select(func.max(LogEntry.seq)).where(of_case, LogEntry.what == "acknowledged").scalar_subquery()
    acts = select(LogEntry.seq).where(
        of_case, col(LogEntry.seq) > last, LogEntry.who != MACHINE, col(LogEntry.what).not_in(NO_ACT)
    )
    return session.exec(acts.limit(1)).first() is not None
