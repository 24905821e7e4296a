"""Alerts to send, and a sender in a process of its own that tests can kill."""

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlmodel import Session, create_engine

from responders.deliver import Sender
from responders.settings import SlackSettings
from responders.slack import Slack
from tests.doubles.slack import TOKEN
from tests.make import make_alert, make_case
from triage.desks import ChannelQuiet
from triage.records import Alert, Desk

CHANNELS = {"comms": "C0COMMS001", "oversight": "C0OVERS001"}
DESK_URL = "http://desk.example:8000"
QUICK = SlackSettings(
    timeout_s=0.6,
    page_deadline_s=3.0,
    settle_s=1.0,
    gap_s=0.01,
    digest_wait_s=0.0,
    digest_every_s=0.0,
    bundle_above=100_000,
)


def wall_clock() -> datetime:
    return datetime.now(UTC)


class MovedClock:
    """A clock that tests set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def make_sender(
    engine: Engine,
    base_url: str,
    settings: SlackSettings = QUICK,
    *,
    clock: object = wall_clock,
    owner: str = "test",
    token: str = TOKEN,
    quiet: ChannelQuiet | None = None,
) -> Sender:
    return Sender(
        engine,
        Slack(token, base_url, settings.timeout_s),
        CHANNELS,
        settings,
        desk_url=DESK_URL,
        clock=clock,  # type: ignore[arg-type]
        owner=owner,
        quiet=dict.fromkeys(CHANNELS, quiet) if quiet else None,
    )


def raise_alerts(
    engine: Engine, count: int, *, at: datetime, desks: Sequence[Desk] = tuple(Desk), manner: str = "page"
) -> list[Alert]:
    """Alerts as triage leaves them: rows, and nothing sent."""
    with Session(engine, expire_on_commit=False) as session:
        cases = [make_case(borough="Southwark", bcu="AS", severity=2) for _each in range(count)]
        session.add_all(cases)
        session.flush()
        alerts = [
            make_alert(case, desk=desks[number % len(desks)], raised_at=at, manner=manner)
            for number, case in enumerate(cases)
        ]
        session.add_all(alerts)
        session.commit()
        return alerts


def raise_growth(engine: Engine, alerts: Sequence[Alert], *, at: datetime, number: int = 1) -> list[Alert]:
    """Growth updates of the cases of these alerts, as triage leaves them."""
    with Session(engine, expire_on_commit=False) as session:
        made = [
            Alert(
                case_id=each.case_id,
                desk=each.desk,
                growth=number,
                says="90 posts in ten minutes",
                priority="high",
                rule="growth",
                raised_at=at,
            )
            for each in alerts
        ]
        session.add_all(made)
        session.commit()
        return made


def send_until_killed(database_url: str, base_url: str) -> None:
    """What a sender process does all its life."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    engine = create_engine(database_url, execution_options={"log_key": b"only for tests"})
    sender = make_sender(engine, base_url, owner=f"pid {os.getpid()}")
    while True:
        sender.sweep(for_s=0.5)
