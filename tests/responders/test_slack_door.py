"""The door for Slack's signed requests, over real HTTP: what is not provably Slack's gets 401 and changes nothing."""

import hashlib
import hmac
import http.client
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
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
from responders.slack_acts import Answer, act
from responders.slack_door import PATH, router
from tests.doubles.slack import TOKEN, SlackDouble, slack_double
from tests.make import make_alert, make_case, make_person
from tests.odd import TOO_FAR, odd_times
from triage.records import Alert, AlertState, Desk, LogEntry, Press

SECRET = "for-tests-only"


class Running(NamedTuple):
    port: int
    slack: SlackDouble
    alert: Alert
    engine: Engine

    def send(self, body: bytes, headers: list[tuple[str, str]], method: str = "POST") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest(method, PATH, skip_accept_encoding=True)
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


def signed(body: bytes, *, at: int | None = None, secret: str = SECRET) -> list[tuple[str, str]]:
    timestamp = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("X-Slack-Request-Timestamp", timestamp),
        ("X-Slack-Signature", f"v0={digest}"),
    ]


def press_of(alert: Alert, user: str = "U0SAM", **more: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": user},
        "channel": {"id": "C0COMMS001"},
        "actions": [{"action_id": "acknowledge", "value": str(alert.id)}],
        **more,
    }


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
        app.include_router(router(engine, SECRET, Slack(TOKEN, url, 5.0), now=now))
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


def malformed(alert: Alert) -> Iterator[tuple[str, bytes, list[tuple[str, str]]]]:
    """Well over a hundred requests that are not Slack's, each in its own way."""
    rng = random.Random(7)
    body = b"payload=" + quote_plus(json.dumps(press_of(alert))).encode()
    now = int(time.time())
    good = dict(signed(body))
    stamp, mark = "X-Slack-Request-Timestamp", "X-Slack-Signature"

    def but(name: str, value: str | None) -> list[tuple[str, str]]:
        kept = [(each, was) for each, was in good.items() if each != name]
        return kept if value is None else [*kept, (name, value)]

    yield "no headers at all", body, []
    for name in (stamp, mark):
        yield f"without {name}", body, but(name, None)
        yield f"{name} twice", body, [*good.items(), (name, good[name])]
        for value in (" ", "\x7f", "\xff\xfe", "٣", "0", "-1", "null", "{}", "a" * 8000, "1,1", "%00", "NaN"):
            yield f"{name} {value[:8]!r}", body, but(name, value.encode().decode("latin-1"))
    for value in odd_times(now):
        yield f"timestamp {value[:12]}", body, but(stamp, value.encode().decode("latin-1"))
    for late in TOO_FAR:
        yield f"{late} s away", body, signed(body, at=now + late)
    for value in (
        "v1=" + good[mark][3:],
        good[mark][3:],
        good[mark].upper(),
        good[mark] + "0",
        good[mark][:-1],
    ):
        yield f"signature {value[:6]}", body, but(mark, value)
    for secret in ("", "other", SECRET + " "):
        yield f"secret {secret!r}", body, signed(body, secret=secret)
    yield "one byte more", body + b"&", list(good.items())
    yield "one byte less", body[:-1], list(good.items())
    yield "another body", b"payload=%7B%7D", list(good.items())
    yield "no body", b"", list(good.items())
    for _each in range(50):
        at, value = rng.randrange(3, len(good[mark])), rng.choice("0123456789abcdef")
        flipped = good[mark][:at] + value + good[mark][at + 1 :]
        if flipped != good[mark]:
            yield f"digit {at} is {value}", body, but(mark, flipped)
    for odd in (b"", b"payload=", b"payload=[]", b"payload=1", b"payload=%7B", b"\xff\xfe", b"payload=null", b"x",
                b"payload=%7B%7D&payload=%7B%7D", b"{}", b"payload=" + b"%5B" * 50_000, b"a=1&" * 500):  # fmt: skip
        yield f"signed, but {odd[:16]!r}", odd, signed(odd)
    yield "two megabytes", b"x" * 2_000_000, signed(b"x" * 2_000_000)


def test_everything_odd_gets_401_and_changes_nothing(door: Running) -> None:
    statuses: Counter[int] = Counter()
    for name, body, headers in malformed(door.alert):
        try:
            status = door.send(body, headers)
        except (BrokenPipeError, ConnectionResetError):
            status = 401  # hung up on while still sending
        assert status in (400, 401), name  # 400 is the server's own, for headers that are not HTTP
        statuses[status] += 1
    assert statuses[401] >= 100
    assert door.state() == AlertState.OPEN
    with Session(door.engine) as session:
        assert session.scalars(select(Press)).all() == []


def test_signed_but_strange_interactions_are_passed_over(door: Running) -> None:
    strange: list[dict[str, Any]] = [
        {},
        {"type": "view_submission"},
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

    def click(number: int) -> Answer | None:
        with Session(engine) as session:
            told = act(session, press_of(alert, f"U0P{number}"), now=datetime.now(UTC))
            session.commit()
            return told

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(click, range(8)))
    assert sum(answer is None for answer in answers) == 1
    assert all("already acknowledged by P" in answer.text for answer in answers if answer)
    with Session(engine) as session:
        assert session.get_one(Alert, alert.id).revision == 2
