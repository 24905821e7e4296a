"""The audit of alerts: silence about an open alert is found, said once, and mended by what mends it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from collector.records import Failure
from tests.make import NOON, make_alert, make_case
from triage.auditing import audit, standing
from triage.escalation_records import Escalation
from triage.notification_records import ChannelKind, Notification, NotificationKind
from triage.records import Alert, AlertState, Clock, Delivery, DeliveryState

GRACE = timedelta(minutes=5)


def raised(
    session: Session, *, minutes: float = 10, case: dict[str, Any] | None = None, **given: Any
) -> Alert:
    made = make_case(**{"severity": 2, **(case or {})})
    session.add(made)
    session.flush()
    alert = make_alert(made, raised_at=NOON - timedelta(minutes=minutes), **given)
    session.add(alert)
    session.flush()
    return alert


def found(session: Session, now: datetime = NOON) -> list[str]:
    audit(session, grace=GRACE, now=now)
    return [each.subject for each in standing(session)]


def test_an_open_alert_without_a_next_step_is_found_once_and_mended_when_it_is_answered(
    session: Session,
) -> None:
    alert = raised(session)
    assert [each.subject for each in audit(session, grace=GRACE, now=NOON)] == ["no next step"]
    assert audit(session, grace=GRACE, now=NOON) == []
    [failure] = standing(session)
    assert "1 open alert has no next step due; the oldest is GH-" in failure.error
    alert.state = AlertState.ACKNOWLEDGED
    session.flush()
    assert found(session) == []
    alert.state = AlertState.OPEN
    session.flush()
    later = NOON + timedelta(hours=1)
    assert len(audit(session, grace=GRACE, now=later)) == 1
    assert session.exec(select(Failure)).one().at == later


@pytest.mark.parametrize(
    "changed",
    [
        {"minutes": 4},
        {"manner": "digest"},
        {"case": {"severity": 4}},
        {"case": {"claimed_until": NOON + timedelta(minutes=5)}},
        {"snoozed_until": NOON + timedelta(minutes=5)},
        {"state": AlertState.CLOSED},
        {"case": {"status": "watch"}},
    ],
    ids=["just raised", "digest", "low", "claimed", "snoozed", "closed", "watched"],
)
def test_what_somebody_has_or_nobody_must_answer_now_is_no_finding(
    session: Session, changed: dict[str, Any]
) -> None:
    raised(session, **changed)
    assert found(session) == []


def step(kind: str, alert: Alert, at: datetime) -> object:
    if kind == "escalation":
        about: dict[str, Any] = {
            "alert_id": alert.id,
            "case_id": alert.case_id,
            "raised_at": NOON,
            "began_at": NOON,
        }
        return Escalation(desk=alert.desk, severity=2, next_due_at=at, **about)
    if kind == "clock":
        return Clock(case_id=alert.case_id, name="acknowledge", desk=alert.desk, started_at=NOON, due_at=at)
    if kind == "delivery":
        return Delivery(alert_id=alert.id, channel="slack:C1", due_at=at)
    return Notification(
        key="one",
        kind=NotificationKind.PAGE,
        alert_id=alert.id,
        channel_kind=ChannelKind.SMS,
        recipient="desk:comms",
        subject="",
        text="",
        created_at=NOON,
        due_at=at,
    )


@pytest.mark.parametrize("changed", [{"name": "first_line"}, {"paused_at": NOON}])
def test_a_clock_that_has_nobody_told_is_no_next_step(session: Session, changed: dict[str, Any]) -> None:
    alert = raised(session)
    running = {"name": "acknowledge", "desk": alert.desk, "started_at": NOON}
    due_at = NOON + timedelta(hours=1)
    session.add(Clock(**{"case_id": alert.case_id, "due_at": due_at, **running, **changed}))
    session.flush()
    assert found(session) == ["no next step"]


@pytest.mark.parametrize("kind", ["escalation", "clock", "delivery", "notification"])
def test_each_sort_of_next_step_counts_until_it_is_overdue(session: Session, kind: str) -> None:
    alert = raised(session)
    session.add(step(kind, alert, NOON + timedelta(minutes=1)))
    session.flush()
    assert found(session) == []
    late = found(session, NOON + timedelta(minutes=7))
    overdue = {"escalation": ["escalations"], "delivery": ["Slack outbox"], "notification": ["notifications"]}
    assert sorted(late) == sorted(["no next step", *overdue.get(kind, [])])


def test_what_was_delivered_is_not_overdue(session: Session) -> None:
    alert = raised(session, state=AlertState.ACKNOWLEDGED)
    gone = NOON - timedelta(days=1)
    session.add(Delivery(alert_id=alert.id, channel="slack:C1", due_at=gone, state=DeliveryState.DELIVERED))
    session.flush()
    assert found(session) == []
