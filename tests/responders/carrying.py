"""Notifications to carry, channels that lead to doubles, and a courier in a process of its own that tests can kill."""

import base64
import logging
import os
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session, create_engine

from collector.http import Http
from collector.settings import HttpSettings
from responders.channels.notify import Notify
from responders.channels.settings import AlertSettings, Hook, MailSettings, NotifySettings
from responders.channels.smtp import Mail
from responders.channels.teams import Teams
from responders.channels.webhook import Place, Webhook
from responders.courier import Courier, Way
from responders.notifying import pace_of
from tests.doubles.receivers import EMAIL_TEMPLATE, KEY, SMS_TEMPLATE
from tests.make import NOON
from tests.responders.sending import wall_clock
from triage.notification_records import ChannelKind, Notification, NotificationKind

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()
QUICK = AlertSettings(timeout_s=0.6, settle_s=0.5, deadline_s=2.0)
ADDRESSES = {
    ChannelKind.EMAIL: "press-desk@force.example",
    ChannelKind.SMS: "+447700900123",
    ChannelKind.NOTIFY_EMAIL: "press-desk@force.example",
    ChannelKind.TEAMS: "comms",
    ChannelKind.WEBHOOK: "cad",
}
TEXT = "SEV2 high, Southwark\nAcknowledge by 14:00 BST\nhttp://desk.example:8000/cases/7"


def make_notification(through: ChannelKind = ChannelKind.EMAIL, **given: Any) -> Notification:
    given = {
        "kind": NotificationKind.PAGE,
        "recipient": "desk:comms",
        "address": ADDRESSES.get(through),
        "subject": "GH-7 waits for the press bureau",
        "text": TEXT,
        "created_at": NOON,
        "due_at": NOON,
        **given,
    }
    made = Notification(channel_kind=through, key="", **given)
    made.key = given.get("key") or str(made.id)
    return made


def make_mail(port: int, *, tls: ssl.SSLContext | None = None, timeout_s: float = 0.6, **given: Any) -> Mail:
    given = {"host": "127.0.0.1", "security": "none", "sender": "golden-hour@force.example", **given}
    return Mail(MailSettings(port=port, **given), timeout_s, tls=tls)


def make_http(port: int, timeout_s: float = 0.6) -> Http:
    allow = (f"127.0.0.1:{port}",)
    return Http(HttpSettings(allow=allow, total_s=timeout_s, read_s=timeout_s, connect_s=timeout_s))


def make_notify(port: int, way: str = "sms", **given: Any) -> Notify:
    settings = NotifySettings(key=SecretStr(given.pop("key", KEY)), base_url=f"http://127.0.0.1:{port}")
    template = given.pop("template", SMS_TEMPLATE if way == "sms" else EMAIL_TEMPLATE)
    return Notify(settings, make_http(port), way, template)


def make_webhook(port: int, *, old: bool = False) -> Webhook:
    hook = Hook(
        url=SecretStr(f"http://127.0.0.1:{port}/hooks/cad"),
        secret=SecretStr(SECRET),
        old_secret=SecretStr(OLD_SECRET) if old else None,
    )
    return Webhook({"cad": Place(hook.url.get_secret_value(), hook.keys)}, make_http(port))


def make_ways(smtp_port: int, http_port: int, settings: AlertSettings = QUICK) -> dict[ChannelKind, Way]:
    pace = pace_of(settings, 0.01)
    return {
        ChannelKind.EMAIL: Way(make_mail(smtp_port), pace),
        ChannelKind.SMS: Way(make_notify(http_port), pace),
        ChannelKind.NOTIFY_EMAIL: Way(make_notify(http_port, "email"), pace),
        ChannelKind.TEAMS: Way(
            Teams(
                {"comms": f"http://127.0.0.1:{http_port}/teams/comms"},
                make_http(http_port, settings.timeout_s),
            ),
            pace,
        ),
        ChannelKind.WEBHOOK: Way(make_webhook(http_port), pace),
    }


def make_courier(
    engine: Engine,
    ways: dict[ChannelKind, Way],
    *,
    clock: Callable[[], datetime] = wall_clock,
    owner: str = "test",
) -> Courier:
    return Courier(engine, ways, clock=clock, owner=owner)


def leave(engine: Engine, *notifications: Notification) -> None:
    with Session(engine) as session:
        session.add_all(notifications)
        session.commit()


def carry_until_killed(database_url: str, smtp_port: int, http_port: int) -> None:
    """What a courier process does all its life."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    engine = create_engine(database_url, execution_options={"log_key": b"only for tests"})
    courier = make_courier(engine, make_ways(smtp_port, http_port), owner=f"pid {os.getpid()}")
    while True:
        courier.sweep(for_s=0.5)
