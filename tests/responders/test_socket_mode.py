"""Socket Mode against a WebSocket of our own: a press is written down once, then Slack is told so."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from responders.slack import Slack, SlackError
from responders.slack_app import SlackApp
from responders.socket_mode import Socket
from tests.doubles.slack import APP_TOKEN, TOKEN, slack_double
from tests.make import make_alert, make_case, make_person
from tests.responders.sending import DESK_URL
from triage.records import Alert, AlertState


def until(true: Callable[[], Any]) -> None:
    for _wait in range(500):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def clock() -> datetime:
    return datetime.now(UTC)


def test_a_press_over_the_socket_acknowledges_once(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        case = make_case(borough="Southwark")
        session.add_all([case, make_person(slack_user="U0SAM")])
        session.flush()
        alert = make_alert(case)
        session.add(alert)
        session.commit()
    payload = {
        "type": "block_actions",
        "user": {"id": "U0SAM"},
        "channel": {"id": "C0COMMS001"},
        "actions": [{"action_id": "acknowledge", "value": str(alert.id)}],
    }
    with slack_double() as (double, url):
        opened = Socket(engine, APP_TOKEN, url, Slack(TOKEN, url, 5.0), SlackApp(DESK_URL), now=clock)
        opened.open()
        for envelope in ("e-1", "e-1", "e-2"):
            double.press(payload, envelope)
        until(lambda: len(double.answers) == 3)
        until(lambda: double.whispers)
        assert opened.is_open()
        opened.close()
        assert sorted(each["envelope_id"] for each in double.answers) == ["e-1", "e-1", "e-2"]
        assert ["already acknowledged" in each["text"] for each in double.whispers] == [True]
    with Session(engine) as session:
        row = session.get_one(Alert, alert.id)
        assert (row.state, row.revision) == (AlertState.ACKNOWLEDGED, 2)


def test_a_wrong_app_token_is_said(engine: Engine) -> None:
    with slack_double() as (_double, url):
        refused = Socket(engine, "xapp-wrong", url, None, SlackApp(DESK_URL), now=clock)
        with pytest.raises(SlackError, match="invalid_auth"):
            refused.open()
        refused.close()


def test_commands_forms_and_events_come_over_the_socket_as_over_the_door(engine: Engine) -> None:
    with Session(engine) as session:
        session.add_all([make_case(borough="Southwark"), make_person(slack_user="U0SAM")])
        session.commit()
    event = {"type": "app_home_opened", "user": "U0SAM", "tab": "home"}
    told = {"type": "event_callback", "event_id": "Ev1", "event": event}
    view = {"type": "modal", "callback_id": "escalate", "state": {"values": {}}}
    with slack_double() as (double, url):
        opened = Socket(engine, APP_TOKEN, url, Slack(TOKEN, url, 5.0), SlackApp(DESK_URL), now=clock)
        opened.open()
        double.press({"command": "/goldenhour", "text": "queue", "user_id": "U0SAM"}, "e-1", "slash_commands")
        double.press(told, "e-2", "events_api")
        double.press(told, "e-3", "events_api")
        double.press({"type": "view_submission", "user": {"id": "U0SAM"}, "view": view}, "e-4")
        double.press({}, "e-5", "something new")
        until(lambda: len(double.answers) == 5)
        until(lambda: double.homes)
        opened.close()
        said: dict[str, Any] = {each["envelope_id"]: each.get("payload") for each in double.answers}
    assert said["e-1"]["response_type"] == "ephemeral"
    assert "Southwark" in str(said["e-1"])
    assert said["e-4"]["response_action"] == "errors"
    assert not said["e-2"]
    assert double.called("views.publish") == 1
