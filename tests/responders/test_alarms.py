"""Alarms and tries: every address is tried once a shift, and is told once of what the audit found."""

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlmodel import Session, select

from collector.records import Failure
from responders.alarms import last_try, leave_alarms, leave_tests
from tests.make import NOON
from triage.notification_records import ChannelKind, Notification, NotificationKind

AT = (time(7, 15), time(19, 15))
PLACES = [
    (ChannelKind.SLACK, "C0COMMS001", "desk:comms"),
    (ChannelKind.SMS, "+447700900123", "desk:comms"),
    (ChannelKind.TEAMS, "comms", "teams:comms"),
]
DESK_URL = "http://desk.example:8000"


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-07-14T06:15", "2026-07-14T06:15"),  # a quarter past seven in London
        ("2026-07-14T06:44", "2026-07-14T06:15"),
        ("2026-07-14T06:45", None),
        ("2026-01-14T07:20", "2026-01-14T07:15"),
        ("2026-10-25T19:16", "2026-10-25T19:15"),  # the day the clocks go back
        ("2026-07-14T12:00", None),
    ],
)
def test_the_channels_are_tried_at_the_times_of_london(now: str, due: str | None) -> None:
    found = last_try(AT, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (datetime.fromisoformat(due).replace(tzinfo=UTC) if due else None)


def test_without_times_nothing_is_tried() -> None:
    assert last_try((), NOON) is None


def test_every_address_is_tried_once_for_each_time(session: Session) -> None:
    assert len(leave_tests(session, PLACES, "of noon", desk_url=DESK_URL, now=NOON)) == 3
    assert leave_tests(session, PLACES, "of noon", desk_url=DESK_URL, now=NOON) == []
    assert len(leave_tests(session, PLACES, "of evening", desk_url=DESK_URL, now=NOON)) == 3
    [one, *_] = session.exec(select(Notification))
    assert (one.kind, "nothing has happened" in one.text) == (NotificationKind.TEST, True)


def test_an_alarm_goes_everywhere_but_to_telephones_and_again_when_it_comes_back(session: Session) -> None:
    failure = Failure(at=NOON, stage="alerts", subject="x", error="2 alerts wait", remedy="Look")
    session.add(failure)
    session.flush()
    made = leave_alarms(session, PLACES, [failure], desk_url=DESK_URL, now=NOON)
    assert sorted(each.channel_kind for each in made) == ["slack", "teams"]
    assert leave_alarms(session, PLACES, [failure], desk_url=DESK_URL, now=NOON) == []
    failure.at = NOON + timedelta(hours=1)
    assert len(leave_alarms(session, PLACES, [failure], desk_url=DESK_URL, now=NOON)) == 2
    assert leave_alarms(session, PLACES, [], desk_url=DESK_URL, now=NOON) == []
