"""Dead letters: a person sees and sends again what is about cases they see, and nothing else."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from tests.make import NOON, make_alert, make_case, make_person
from tests.responders.carrying import make_notification
from triage.hidden import look_as
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.oncall import OnCall
from triage.oncall_roster import Colleague, Post, Roster
from triage.permissions import Denied
from triage.records import AlertState, Case, Delivery, DeliveryState
from triage.resending import dead_letters, resend
from triage.restriction_records import Restriction
from triage.web.calm import troubles

WEEK = NOON - timedelta(days=7)


def refused(session: Session, case: Case | None) -> list[Delivery | Notification]:
    """A refused text message about a case or none, and a refused message of its alert."""
    made: list[Delivery | Notification] = []
    alert = None
    if case is not None:
        session.add(case)
        session.flush()
        alert = make_alert(case)
        session.add(alert)
        session.flush()
        failed = DeliveryState.FAILED
        made.append(
            Delivery(alert_id=alert.id, channel="slack:C1", state=failed, due_at=NOON, error="is_archived")
        )
    made.append(
        Notification(
            key=str(case and case.id),
            kind=NotificationKind.PAGE,
            alert_id=alert.id if alert else None,
            case_id=case.id if case else None,
            channel_kind=ChannelKind.SMS,
            recipient="desk:comms",
            subject="",
            text="",
            state=NotificationState.FAILED,
            created_at=NOON,
            due_at=NOON,
        )
    )
    session.add_all(made)
    session.flush()
    return made


def test_what_is_about_a_case_that_is_hidden_is_neither_seen_nor_sent(session: Session) -> None:
    person = make_person(roles=["duty_officer"])
    session.add(person)
    session.flush()
    secret = make_case()
    hidden, seen = refused(session, secret), [*refused(session, make_case()), *refused(session, None)]
    kept = Restriction(case_id=secret.id, reason="death", why="a colleague", set_by=person.id, set_at=NOON)
    session.add(kept)
    session.commit()
    look_as(session, person)
    found = dead_letters(session, since=WEEK, most=50)
    assert {each.id for each in found} == {each.id for each in seen}
    assert resend(session, [each.id for each in hidden], OnCall(), who=person, now=NOON) == 0
    assert resend(session, [each.id for each in seen], OnCall(), who=person, now=NOON) == 3
    assert dead_letters(session, since=WEEK, most=50) == []


def test_what_did_not_arrive_is_in_plain_sight_until_it_is_answered_or_tested_again(session: Session) -> None:
    case = make_case()
    session.add(case)
    session.flush()
    alert = make_alert(case)
    session.add(alert)
    session.flush()
    lost = {"state": NotificationState.FAILED, "error": "permanent-failure"}
    page = make_notification(ChannelKind.SMS, alert_id=alert.id, case_id=case.id, **lost)
    tried = make_notification(ChannelKind.SMS, kind=NotificationKind.TEST, **lost)
    duty = make_notification(ChannelKind.SMS, kind=NotificationKind.ON_CALL, **lost)
    brief = make_notification(ChannelKind.SMS, kind=NotificationKind.BRIEF, **lost)
    session.add_all([page, tried, duty, brief])
    session.flush()

    def told(hours: float) -> list[str]:
        found = troubles(session, channels=["sms"], now=NOON + timedelta(hours=hours)).troubles
        return [each.what for each in found if "arrive" in each.what and each.where == "/alerts"]

    assert told(1) == ["3 messages did not arrive"]
    assert told(13) == ["1 message did not arrive"]
    alert.state = AlertState.ACKNOWLEDGED
    session.flush()
    assert told(13) == []


def test_who_may_not_acknowledge_may_not_send_again(session: Session) -> None:
    letters = refused(session, make_case())
    with pytest.raises(Denied):
        resend(session, [each.id for each in letters], OnCall(), who=make_person(roles=["viewer"]), now=NOON)


def test_what_is_sent_again_goes_to_where_its_recipient_is_reached_now(session: Session) -> None:
    session.add(make_person(username="sam"))
    lost = {"state": NotificationState.FAILED, "error": "permanent-failure", "address": "+447700900001"}
    recipients = ["person:sam", "post:dmc-gold", "person:nobody", "desk:comms"]
    letters = [make_notification(ChannelKind.SMS, recipient=each, **lost) for each in recipients]
    session.add_all(letters)
    session.flush()
    roster = Roster(
        person=(Colleague(username="sam", sms="+447700900002"),),
        post=(Post(name="dmc-gold", title="DMC gold", sms="+447700900003"),),
    )
    officer = make_person(roles=["duty_officer"])
    ids = [each.id for each in letters]
    assert resend(session, ids, OnCall(roster=roster), who=officer, now=NOON) == 4
    found = [each.address for each in letters]
    assert found == ["+447700900002", "+447700900003", "+447700900001", "+447700900001"]
