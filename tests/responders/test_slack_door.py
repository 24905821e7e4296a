"""The door for Slack's signed requests, over real HTTP: what is not provably Slack's gets 401 and changes nothing."""

import http.client
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from responders.slack import Slack
from responders.slack_acts import act
from responders.slack_app import SlackApp
from responders.slack_door import ACTIONS, COMMANDS, EVENTS, router
from responders.slack_reply import Reply, Whisper
from tests.doubles.slack import TOKEN, SlackDouble, slack_double
from tests.make import make_alert, make_case, make_person
from tests.responders.sending import DESK_URL
from tests.responders.signing import SECRET, malformed, press_of, signed
from triage.records import Alert, AlertState, Desk, LogEntry, Press


class Running(NamedTuple):
    port: int
    slack: SlackDouble
    alert: Alert
    engine: Engine

    def send(
        self, body: bytes, headers: list[tuple[str, str]], path: str = ACTIONS, method: str = "POST"
    ) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in [("Content-Length", str(len(body))), *headers]:
            connection.putheader(name, value.encode("latin-1", "surrogateescape"))
        connection.endheaders(body)
        status = connection.getresponse().status
        connection.close()
        return status

    def press(self, payload: dict[str, Any], **changed: Any) -> int:
        body = b"payload=" + quote_plus(json.dumps(payload)).encode()
        return self.send(body, signed(body, **changed))

    def state(self) -> AlertState:
        with Session(self.engine) as session:
            return session.get_one(Alert, self.alert.id).state


def add_alert(engine: Engine, **given: Any) -> Alert:
    with Session(engine, expire_on_commit=False) as session:
        case = make_case(borough="Southwark", desks=["comms"])
        session.add(case)
        session.flush()
        alert = make_alert(case, **given)
        session.add(alert)
        session.commit()
        return alert


@pytest.fixture
def door(engine: Engine) -> Iterator[Running]:
    with Session(engine) as session:
        session.add(make_person(name="Sam Comms", slack_user="U0SAM"))
        session.add(make_person(name="Ola Oversight", slack_user="U0OLA", desks=["oversight"]))
        session.add(make_person(name="Vic Viewer", slack_user="U0VIC", roles=["viewer"]))
        gone = make_person(name="Gone", slack_user="U0GONE", disabled_at=datetime.now(UTC))
        session.add(gone)
        session.commit()
    alert = add_alert(engine)
    with slack_double() as (double, url):
        app = FastAPI()
        now = lambda: datetime.now(UTC)  # noqa: E731
        app.include_router(router(engine, SECRET, Slack(TOKEN, url, 5.0), SlackApp(DESK_URL), now=now))
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Running(listening.getsockname()[1], double, alert, engine)
        server.should_exit = True
        thread.join()
        listening.close()


def whispered(double: SlackDouble) -> str:
    for _wait in range(100):
        if double.whispers:
            return str(double.whispers[-1]["text"])
        time.sleep(0.02)
    raise AssertionError("nobody was told")


def test_a_signed_press_acknowledges(door: Running) -> None:
    assert door.press(press_of(door.alert)) == 200
    assert door.state() == AlertState.ACKNOWLEDGED
    with Session(door.engine) as session:
        alert = session.get_one(Alert, door.alert.id)
        assert alert.acknowledged_through == "slack"
        assert alert.revision == 2
        assert [line.what for line in session.scalars(select(LogEntry))] == ["acknowledged"]


def test_the_same_request_again_is_refused(door: Running) -> None:
    body = b"payload=" + quote_plus(json.dumps(press_of(door.alert))).encode()
    headers = signed(body)
    assert [door.send(body, headers) for _again in range(3)] == [200, 401, 401]


def test_a_second_press_is_told_who_was_first(door: Running) -> None:
    assert door.press(press_of(door.alert)) == 200
    assert door.press(press_of(door.alert), at=int(time.time()) - 30) == 200
    assert "already acknowledged by Sam Comms" in whispered(door.slack)


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("U0NOBODY", "not linked"),
        ("U0OLA", "do not work at the comms desk"),
        ("U0VIC", "Your roles do not allow"),
        ("U0GONE", "not linked"),
    ],
)
def test_who_may_not_is_told_why_and_changes_nothing(door: Running, user: str, told: str) -> None:
    assert door.press(press_of(door.alert, user)) == 200
    assert told in whispered(door.slack)
    assert door.slack.whispers[-1]["user"] == user
    assert door.state() == AlertState.OPEN


def test_a_press_on_a_closed_or_vanished_alert_is_answered(door: Running) -> None:
    closed = add_alert(door.engine, state=AlertState.CLOSED)
    assert door.press(press_of(closed)) == 200
    assert "is closed" in whispered(door.slack)
    door.slack.whispers.clear()
    assert door.press(press_of(make_alert(make_case()))) == 200
    assert "no longer exists" in whispered(door.slack)


def test_everything_odd_gets_401_and_changes_nothing(door: Running) -> None:
    statuses: Counter[int] = Counter()
    for path in (ACTIONS, COMMANDS, EVENTS):
        for name, body, headers in malformed(door.alert, path):
            try:
                status = door.send(body, headers, path)
            except (BrokenPipeError, ConnectionResetError):
                status = 401  # hung up on while still sending
            assert status in (400, 401), (
                f"{path}: {name}"
            )  # 400 is the server's own, for headers that are not HTTP
            statuses[status] += 1
    assert statuses[401] >= 300
    assert door.state() == AlertState.OPEN
    with Session(door.engine) as session:
        assert session.scalars(select(Press)).all() == []


def test_signed_but_strange_interactions_are_passed_over(door: Running) -> None:
    strange: list[dict[str, Any]] = [
        {},
        {"type": "view_submission"},
        {"type": "view_submission", "view": {"callback_id": ["snooze"]}},
        {"type": "view_submission", "view": {"callback_id": "snooze", "private_metadata": "{", "state": 7}},
        {
            "type": "view_submission",
            "view": {"callback_id": "snooze", "state": {"values": {"why": {"why": 1}}}},
        },
        {"type": "view_closed"},
        {"type": "shortcut"},
        press_of(door.alert, actions=[{"action_id": "menu"}]),
        press_of(door.alert, actions=[{"action_id": "menu", "selected_option": {"value": "claim"}}]),
        press_of(door.alert, actions=[{"action_id": "menu", "selected_option": {"value": "burn:x"}}]),
        press_of(
            door.alert, actions=[{"action_id": "menu", "selected_option": {"value": f"burn:{door.alert.id}"}}]
        ),
        {"type": "block_actions"},
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": [1]},
        {"type": "block_actions", "actions": {"action_id": "acknowledge"}},
        press_of(door.alert, actions=[{"action_id": "open", "value": str(door.alert.id)}]),
        press_of(door.alert, actions=[{"action_id": "acknowledge", "value": "'; DROP TABLE alerts; --"}]),
        press_of(door.alert, actions=[{"action_id": "acknowledge", "value": 7}]),
        {**press_of(door.alert), "user": "U0SAM"},
        {**press_of(door.alert), "user": {"id": "\u0000"}},
        {**press_of(door.alert), "user": {"id": ["U0SAM"]}},
    ]
    for number, payload in enumerate(strange):
        assert door.press({**payload, "number": number}) == 200, payload
    assert door.state() == AlertState.OPEN


def test_clicks_replayed_and_shuffled_change_the_state_once(door: Running) -> None:
    rng = random.Random(11)
    alerts = [add_alert(door.engine) for _each in range(40)]
    requests = []
    for alert in alerts:
        body = b"payload=" + quote_plus(json.dumps(press_of(alert))).encode()
        requests += [(body, signed(body))] * 3
    rng.shuffle(requests)
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(lambda each: door.send(*each), requests))
    assert statuses == {200: 40, 401: 80}
    with Session(door.engine) as session:
        ours = col(Alert.id).in_([alert.id for alert in alerts])
        assert {(row.state, row.revision) for row in session.scalars(select(Alert).where(ours))} == {
            (AlertState.ACKNOWLEDGED, 2)
        }
        assert len(session.scalars(select(LogEntry).where(col(LogEntry.what) == "acknowledged")).all()) == 40


def test_two_people_at_once_have_one_winner_and_the_other_is_told(engine: Engine) -> None:
    with Session(engine) as session:
        session.add_all([make_person(name=f"P{each}", slack_user=f"U0P{each}") for each in range(8)])
        session.commit()
    alert = add_alert(engine, desk=Desk.COMMS)

    def click(number: int) -> Reply:
        with Session(engine) as session:
            told = act(session, press_of(alert, f"U0P{number}"), now=datetime.now(UTC))
            session.commit()
            return told

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(click, range(8)))
    told = [answer.later.text for answer in answers if isinstance(answer.later, Whisper)]
    assert len(told) == 7
    assert all("already acknowledged by P" in text for text in told)
    with Session(engine) as session:
        assert session.get_one(Alert, alert.id).revision == 2


def post(door: Running, path: str, body: bytes) -> tuple[int, Any]:
    """The status and the JSON of an answer, None when it is empty."""
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
    connection.request("POST", path, body, dict(signed(body)))
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    return answer.status, json.loads(said) if said else None


def test_a_command_is_answered_to_whoever_asked(door: Running) -> None:
    body = b"command=%2Fgoldenhour&text=queue&user_id=U0SAM&response_url=&trigger_id=1.2"
    status, said = post(door, COMMANDS, body)
    assert (status, said["response_type"]) == (200, "ephemeral")
    assert "Southwark" in json.dumps(said)
    assert post(door, COMMANDS, b"command=%2Fgoldenhour&text=&user_id=U0SAM")[0] == 200


def test_a_form_opens_is_filled_in_and_answered(door: Running) -> None:
    choice = {"action_id": "menu", "selected_option": {"value": f"snooze:{door.alert.id}"}}
    assert door.press(press_of(door.alert, "U0SAM", trigger_id="1.2", actions=[choice])) == 200
    until(lambda: door.slack.views)
    view = door.slack.views[0]
    filled: dict[str, Any] = {
        "type": "view_submission",
        "user": {"id": "U0SAM"},
        "view": view
        | {"state": {"values": {"how_long": {"how_long": {"selected_option": {"value": "30"}}}}}},
    }
    status, said = post(door, ACTIONS, b"payload=" + quote_plus(json.dumps(filled)).encode())
    assert (status, said["response_action"], list(said["errors"])) == (200, "errors", ["why"])
    filled["view"]["state"]["values"]["why"] = {"why": {"value": "at the briefing"}}
    assert post(door, ACTIONS, b"payload=" + quote_plus(json.dumps(filled)).encode()) == (200, None)
    with Session(door.engine) as session:
        assert session.get_one(Alert, door.alert.id).snoozed_until is not None


def test_a_form_that_does_not_open_is_explained(door: Running) -> None:
    choice = {"action_id": "menu", "selected_option": {"value": f"snooze:{door.alert.id}"}}
    assert (
        door.press(press_of(door.alert, "U0SAM", actions=[choice])) == 200
    )  # without a trigger Slack opens none
    assert "could not be opened" in whispered(door.slack)


def test_an_event_that_slack_tells_again_is_heard_once(door: Running) -> None:
    event = {"type": "app_home_opened", "user": "U0SAM", "tab": "home"}
    told = {"type": "event_callback", "event_id": "Ev1", "event": event}
    assert post(door, EVENTS, json.dumps(told).encode()) == (200, None)
    until(lambda: "U0SAM" in door.slack.homes)
    door.slack.homes.clear()
    again = json.dumps(told | {"retried": True}).encode()
    assert post(door, EVENTS, again) == (200, None)
    assert door.slack.called("views.publish") == 1


def test_slack_is_told_that_the_address_is_ours(door: Running) -> None:
    asked = json.dumps({"type": "url_verification", "challenge": "c-1"}).encode()
    assert post(door, EVENTS, asked) == (200, {"challenge": "c-1"})
    assert post(door, EVENTS, b'{"type": "url_verification", "challenge": 7}') == (200, {"challenge": ""})


def until(true: Callable[[], Any]) -> None:
    for _wait in range(250):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")
