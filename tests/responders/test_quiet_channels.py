"""A desk's own channel is quiet at night of what is not grave, and of nothing else."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from tests.doubles.slack import SlackDouble, slack_double
from tests.make import NOON
from tests.responders.sending import CHANNELS, MovedClock, make_sender, raise_alerts
from triage.desks import ChannelQuiet
from triage.records import Alert, Case, Desk, Severity

HERE = "slack:" + CHANNELS[Desk.COMMS]
QUIET = ChannelQuiet(severity=Severity(4), begins=time(23), ends=time(7), wake=time(7, 30))
NIGHT = NOON + timedelta(hours=14)  # three in the morning in London
WAKE = NOON + timedelta(hours=18, minutes=30, seconds=1)


@pytest.fixture
def slack() -> Iterator[tuple[SlackDouble, str]]:
    with slack_double() as running:
        yield running


def raised(engine: Engine, severity: int, at: datetime, manner: str = "page") -> Alert:
    [alert] = raise_alerts(engine, 1, at=at, desks=[Desk.COMMS], manner=manner)
    grade(engine, alert, severity)
    return alert


def grade(engine: Engine, alert: Alert, severity: int) -> None:
    with Session(engine) as session:
        session.get_one(Case, alert.case_id).severity = severity
        session.commit()


@pytest.mark.parametrize(
    ("severity", "at", "told"),
    [(4, NIGHT, False), (5, NIGHT, False), (3, NIGHT, True), (1, NIGHT, True), (4, NOON, True)],
)
def test_only_what_is_not_grave_waits_and_only_at_night(
    engine: Engine, slack: tuple[SlackDouble, str], severity: int, at: datetime, told: bool
) -> None:
    double, url = slack
    clock = MovedClock(at)
    sender = make_sender(engine, url, clock=clock, quiet=QUIET)
    sender.deliver(raised(engine, severity, at).id)
    sender.step(HERE)
    assert len(double.messages) == told
    clock.at = WAKE
    sender.step(HERE)
    assert len(double.messages) == 1


def test_what_gets_graver_in_the_night_is_told_then(engine: Engine, slack: tuple[SlackDouble, str]) -> None:
    double, url = slack
    clock = MovedClock(NIGHT)
    sender = make_sender(engine, url, clock=clock, quiet=QUIET)
    alert = raised(engine, 4, NIGHT)
    sender.deliver(alert.id)
    assert double.messages == []
    grade(engine, alert, 2)
    clock.move(60)
    sender.deliver(alert.id)
    assert len(double.messages) == 1


def test_what_could_wait_anyway_waits_for_the_morning(engine: Engine, slack: tuple[SlackDouble, str]) -> None:
    double, url = slack
    clock = MovedClock(NIGHT)
    sender = make_sender(engine, url, clock=clock, quiet=QUIET)
    sender.deliver(raised(engine, 4, NIGHT, manner="digest").id)
    clock.move(3_600)
    sender.step(HERE)
    assert double.messages == []
    clock.at = WAKE
    sender.step(HERE)
    assert len(double.messages) == 1
