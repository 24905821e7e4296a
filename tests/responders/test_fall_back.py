"""Falling back: what Slack does not take goes by the other channels of its desk, once, and only when it is grave."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from responders.blocks import page
from responders.channels.settings import AlertSettings
from responders.fall_back import ONE_BY_ONE, fall_back
from responders.notices import notices
from tests.doubles.slack import texts_of
from tests.make import NOON, make_alert, make_case, make_person
from triage.desks import FallBack
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.records import Alert, AlertState, Channel, Delivery, DeliveryState, Desk, LogEntry
from triage.restriction_records import Restriction
from triage.switch_records import SwitchKind
from triage.switching import switch_off

PLACES: Mapping[str, tuple[FallBack, ...]] = {
    "comms": (
        FallBack(kind=ChannelKind.EMAIL, address="press-desk@force.example"),
        FallBack(kind=ChannelKind.SMS, address="+447700900123"),
    )
}
SLACK = "slack:C0COMMS001"
DESK_URL = "http://desk.example:8000"
SETTINGS = AlertSettings(fall_back_minutes=3)


def waiting(session: Session, *, severity: int = 1, raised: float = 4, **given: Any) -> Alert:
    """An alert raised so many minutes before noon, whose message Slack has not taken."""
    case = make_case(severity=severity, borough="Southwark")
    session.add(case)
    session.flush()
    alert = make_alert(case, raised_at=NOON - timedelta(minutes=raised), desk=given.pop("desk", Desk.COMMS))
    session.add(alert)
    session.flush()
    if session.get(Channel, SLACK) is None:
        session.add(Channel(name=SLACK, free_at=NOON, digest_at=NOON, failures=4))
    given = {"state": DeliveryState.WAITING, "due_at": alert.raised_at, "attempts": 4, **given}
    session.add(Delivery(alert_id=alert.id, channel=SLACK, **given))
    session.flush()
    return alert


def fallen(session: Session, *, now: datetime = NOON) -> list[Notification]:
    fall_back(session, PLACES, SETTINGS, DESK_URL, now=now)
    session.flush()
    order = col(Notification.created_at), col(Notification.channel_kind)
    return list(session.scalars(select(Notification).order_by(*order)))


def test_a_grave_alert_that_slack_does_not_take_goes_every_other_way_once(session: Session) -> None:
    alert = waiting(session)
    first, again = fallen(session), fallen(session, now=NOON + timedelta(minutes=1))
    assert [each.id for each in first] == [each.id for each in again]
    assert [each.channel_kind for each in first] == ["email", "sms"]
    mail = first[0]
    assert (mail.kind, mail.alert_id, mail.state) == (NotificationKind.FALL_BACK, alert.id, "waiting")
    assert mail.subject.startswith("SEV1 critical: GH-")
    assert "Slack has not taken this alert" in mail.text
    assert mail.text.splitlines()[-1].startswith(f"{DESK_URL}/cases/")
    session.commit()
    said = list(session.scalars(select(col(LogEntry.what))))
    assert said == ["alert sent by fall-back"]


def test_from_a_channel_that_is_switched_off_alerts_fall_back_at_once(session: Session) -> None:
    waiting(session, raised=0.1, attempts=0)
    assert fallen(session) == []
    switch_off(session, SwitchKind.CHANNEL, SLACK, known=(SLACK,), who="ann", why="it leaked", now=NOON)
    assert [each.channel_kind for each in fallen(session)] == ["email", "sms"]


def test_when_slack_is_back_its_message_says_which_way_it_went(session: Session) -> None:
    alert = waiting(session)
    fallen(session)
    told = notices(session, [alert.id], now=NOON)[alert.id]
    says = " ".join(texts_of(page(alert.id, told, DESK_URL).blocks))
    assert "Slack did not take it at first: sent by e-mail and text message at 13:00 BST" in says
    alert.raised_at = NOON + timedelta(minutes=1)
    session.flush()
    assert notices(session, [alert.id], now=NOON)[alert.id].fell_back is None


def test_raised_again_it_goes_again(session: Session) -> None:
    alert = waiting(session)
    assert len(fallen(session)) == 2
    alert.raised_at = NOON + timedelta(minutes=1)
    session.flush()
    assert len(fallen(session, now=NOON + timedelta(minutes=20))) == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"severity": 3},
        {"raised": 2},
        {"state": DeliveryState.DELIVERED},
        {"desk": Desk.OVERSIGHT},
    ],
    ids=["not grave", "not long", "arrived", "no fall-back"],
)
def test_what_is_not_grave_not_late_or_has_nowhere_to_go_stays(
    session: Session, changed: dict[str, Any]
) -> None:
    waiting(session, **changed)
    assert fallen(session) == []


def test_a_channel_in_which_something_arrives_is_not_down(session: Session) -> None:
    waiting(session)
    channel = session.get(Channel, SLACK)
    assert channel is not None
    channel.proven_at = NOON - timedelta(minutes=1)
    session.flush()
    assert fallen(session) == []


def test_while_a_channel_is_down_a_new_alert_goes_at_once(session: Session) -> None:
    waiting(session)
    fresh = waiting(session, raised=0)
    assert fresh.id in {each.alert_id for each in fallen(session)}


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.NO_CHANNEL])
def test_what_slack_refused_or_has_no_channel_goes_at_once(session: Session, state: DeliveryState) -> None:
    waiting(session, raised=0, state=state)
    assert len(fallen(session)) == 2


def test_what_was_answered_is_not_sent_and_what_waits_is_withdrawn(session: Session) -> None:
    alert = waiting(session)
    fallen(session)
    alert.state = AlertState.ACKNOWLEDGED
    session.flush()
    found = fallen(session, now=NOON + timedelta(minutes=1))
    session.expire_all()
    assert {each.state for each in found} == {NotificationState.WITHDRAWN}


def test_of_a_restricted_case_nothing_is_said_but_that_it_is_there(session: Session) -> None:
    alert, person = waiting(session), make_person()
    session.add(person)
    session.flush()
    kept = Restriction(
        case_id=alert.case_id, reason="death", why="a colleague", set_by=person.id, set_at=NOON
    )
    session.add(kept)
    session.flush()
    for each in fallen(session):
        assert each.subject.startswith("A restricted case: GH-")
        assert "Southwark" not in each.text + each.subject


def test_a_flood_is_counted_in_one_message_after_the_first_few(session: Session) -> None:
    for number in range(ONE_BY_ONE + 20):
        waiting(session, raised=4 + number)
    found = [each for each in fallen(session) if each.channel_kind == ChannelKind.SMS]
    counting = [each for each in found if each.alert_id is None]
    assert (len(found), len(counting)) == (ONE_BY_ONE + 1, 1)
    assert counting[0].subject == "25 alerts wait for the comms desk"


def test_two_that_look_at_once_leave_one(engine: Engine) -> None:
    with Session(engine) as session:
        waiting(session)
        session.commit()
    with Session(engine) as one, Session(engine) as other:
        fall_back(one, PLACES, SETTINGS, DESK_URL, now=NOON)
        one.commit()
        assert fall_back(other, PLACES, SETTINGS, DESK_URL, now=NOON) == 0
        other.commit()
        assert len(list(one.scalars(select(Notification)))) == 2
