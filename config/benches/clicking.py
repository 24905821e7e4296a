"""Clicks in Slack, signed as Slack signs them: each sent three times in any order, to the desk's own address."""

import hashlib
import hmac
import http.client
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple
from urllib.parse import quote_plus
from uuid import UUID

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from classifier.records import IncidentType
from responders.slack_door import ACTIONS
from triage.records import Alert, Case, Delivery, DeliveryState, Desk, LogEntry, Person, Role

TIMES, AT_ONCE = 3, 8
CLICKER = "clicker"
USER = "U0CLICKER"
CHANNEL = "slack:#away"


class Clicks(NamedTuple):
    """How long each answer took, how many requests were refused as seen before, how many alerts were acknowledged, each
    once."""

    took_ms: list[float]
    refused: int
    done_once: int


def prepare(engine: Engine, count: int) -> list[UUID]:
    """Alerts to acknowledge, told already, and somebody who may."""
    now = datetime.now(UTC)
    person = Person(
        username=CLICKER,
        name="Clicker",
        desks=[Desk.COMMS.value],
        roles=[Role.DUTY_OFFICER.value],
        slack_user=USER,
        created_at=now,
    )
    with Session(engine, expire_on_commit=False) as session:
        cases = [
            Case(
                title="A case to click on",
                severity=4,
                type=IncidentType.OTHER_ENCOUNTER,
                opened_at=now,
                first_published_at=now,
                last_post_at=now,
            )
            for _each in range(count)
        ]
        session.add_all([person, *cases])
        session.flush()
        alerts = [
            Alert(case_id=case.id, desk=Desk.COMMS, priority="note", rule="click", raised_at=now)
            for case in cases
        ]
        session.add_all(alerts)
        session.flush()
        told = [
            Delivery(
                alert_id=alert.id, channel=CHANNEL, state=DeliveryState.DELIVERED, due_at=now, revision=1
            )
            for alert in alerts
        ]
        session.add_all(told)
        session.commit()
        return [alert.id for alert in alerts]


def click(engine: Engine, port: int, secret: str, alerts: list[UUID], dice: Random) -> Clicks:
    """Press Acknowledge on each, three times over, shuffled."""
    requests = [request for alert in alerts for request in [_signed(alert, secret)] * TIMES]
    dice.shuffle(requests)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda each: _send(port, *each), requests))
    statuses = Counter(status for status, _took_ms in answers)
    return Clicks([took_ms for _status, took_ms in answers], statuses[401], _done_once(engine))


def _done_once(engine: Engine) -> int:
    once = (
        select(LogEntry.case_id)
        .where(LogEntry.who == CLICKER, LogEntry.what == "acknowledged")
        .group_by(col(LogEntry.case_id))
        .having(func.count() == 1)
    )
    with Session(engine) as session:
        return len(session.exec(once).all())


def _signed(alert: UUID, secret: str) -> tuple[bytes, dict[str, str]]:
    press = {"action_id": "acknowledge", "value": str(alert)}
    payload = {
        "type": "block_actions",
        "user": {"id": USER},
        "channel": {"id": "C0AWAY0001"},
        "actions": [press],
    }
    body = b"payload=" + quote_plus(json.dumps(payload)).encode()
    now = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{now}:".encode() + body, hashlib.sha256).hexdigest()
    return body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": f"v0={digest}",
    }


def _send(port: int, body: bytes, headers: dict[str, str]) -> tuple[int, float]:
    began_s = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", ACTIONS, body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, 1000 * (time.perf_counter() - began_s)
