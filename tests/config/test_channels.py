"""The channels from the settings to what arrives: tries, the fall-back, the audit's alarm, the watcher, the checkup."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from config.alert_ticks import audit_alerts, call_watcher, fall_back_from_slack, try_channels
from config.beats import beat
from config.channels import kinds_of, names_of, places_of, unreached
from config.doctor import Finding, State, checkup
from config.service import House
from config.settings import HERE, Settings
from config.trying import try_all
from responders.channels.settings import (
    AlertSettings,
    Hook,
    MailSettings,
    NotifySettings,
    TeamsSettings,
    WebhookSettings,
)
from tests.doubles.receivers import EMAIL_TEMPLATE, KEY, SMS_TEMPLATE, Receivers, receivers
from tests.doubles.slack import TOKEN, SlackDouble, slack_double
from tests.doubles.smtp import MailServer, mail_server
from tests.make import make_alert, make_case
from triage.notification_records import Notification, NotificationKind, NotificationState
from triage.records import Alert, Delivery, DeliveryState
from triage.web.calm import troubles

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
DESKS = """
[[desk]]
name = "comms"
title = "Press bureau"
channel = "C0COMMS001"
[[desk.fall_back]]
kind = "email"
address = "press-desk@force.example"
[[desk.fall_back]]
kind = "sms"
address = "+447700900123"

[[desk]]
name = "oversight"
title = "Oversight"
[[desk.fall_back]]
kind = "teams"
address = "nobody"
"""


class World:
    """A house with every channel set up, leading to doubles."""

    def __init__(self, house: House, them: Receivers, mail: MailServer, slack: SlackDouble) -> None:
        self.house, self.them, self.mail, self.slack = house, them, mail, slack

    def notifications(self) -> list[Notification]:
        with Session(self.house.engine) as session:
            return list(session.scalars(select(Notification).order_by(col(Notification.channel_kind))))


@pytest.fixture
def world(settings: Settings, engine: Engine, tmp_path: Path) -> Iterator[World]:
    (tmp_path / "desks.toml").write_text(DESKS, encoding="utf-8")
    with receivers() as them, mail_server() as mail, slack_double() as (slack, address):
        hook = Hook(url=SecretStr(f"{them.url}/hooks/cad"), secret=SecretStr(SECRET))
        notify = {"sms_template": SMS_TEMPLATE, "email_template": EMAIL_TEMPLATE, "base_url": them.url}
        changed = {
            "config": tmp_path,
            "http": settings.http.model_copy(update={"allow": (them.authority,)}),
            "slack": settings.slack.model_validate({"token": TOKEN, "base_url": address}),
            "mail": MailSettings(
                host="127.0.0.1", port=mail.port, security="none", sender="gh@force.example"
            ),
            "notify": NotifySettings(key=SecretStr(KEY), **notify),
            "teams": TeamsSettings(workflows={"comms": SecretStr(f"{them.url}/teams/comms")}),
            "webhook": WebhookSettings(hooks={"cad": hook}),
            "alerts": AlertSettings(timeout_s=2, settle_s=0, deadline_s=0),
        }
        house = House(settings.model_copy(update=changed), engine, lambda: datetime.now(UTC))
        yield World(house, them, mail, slack)


def test_a_test_reaches_every_address_and_says_so(world: World) -> None:
    found = try_all(world.house, who="terminal", for_s=20)
    lost = [each.address for each in found if each.state != NotificationState.DELIVERED]
    assert (lost, len(found), len(places_of(world.house))) == (["nobody"], 6, 6)
    assert len(world.mail.mails) == len(world.them.by("webhook")) == 1
    assert [each.channel for each in world.slack.messages] == ["C0COMMS001"]
    assert [each.to for each in world.them.by("teams")] == ["comms"]
    assert {each.to for each in world.them.by("notify")} == {"+447700900123"}


def test_names_kinds_and_what_leads_nowhere(world: World) -> None:
    assert names_of(world.house) == [
        "email",
        "notify_email",
        "slack:C0COMMS001",
        "sms",
        "teams:comms",
        "webhook:cad",
    ]
    assert len(kinds_of(world.house.settings)) == 6
    assert list(unreached(world.house.settings)) == [
        "desks.toml: oversight falls back to teams 'nobody', and no such one is set"
    ]


def test_nothing_is_set_up_unless_somebody_sets_it_up(settings: Settings, engine: Engine) -> None:
    house = House(settings, engine, lambda: datetime.now(UTC))
    assert (names_of(house), places_of(house), kinds_of(settings)) == ([], [], set())
    assert try_all(house, who="terminal", for_s=1) == []


def stuck(engine: Engine, *, minutes: float = 10) -> None:
    now = datetime.now(UTC)
    with Session(engine) as session:
        case = make_case(severity=1)
        session.add(case)
        session.flush()
        alert = make_alert(case, raised_at=now - timedelta(minutes=minutes))
        session.add(alert)
        session.flush()
        failed = DeliveryState.FAILED
        session.add(Delivery(alert_id=alert.id, channel="slack:C0COMMS001", state=failed, due_at=now))
        session.commit()


def test_the_tick_lets_grave_alerts_fall_back(world: World) -> None:
    stuck(world.house.engine)
    fall_back_from_slack(world.house, datetime.now(UTC))
    assert [each.channel_kind for each in world.notifications()] == ["email", "sms"]
    assert {each.kind for each in world.notifications()} == {NotificationKind.FALL_BACK}


def test_the_tick_tries_each_channel_once_a_shift(world: World) -> None:
    london_morning = datetime(2026, 7, 14, 6, 20, tzinfo=UTC)
    try_channels(world.house, london_morning)
    try_channels(world.house, london_morning + timedelta(minutes=1))
    assert len(world.notifications()) == 6
    try_channels(world.house, london_morning + timedelta(hours=6))
    assert len(world.notifications()) == 6


def test_the_posts_that_ladders_tell_last_are_tried_on_mondays(world: World, tmp_path: Path) -> None:
    rota = (HERE / "rota.toml").read_text(encoding="utf-8")
    gold = 'name = "dmc-gold"'
    (tmp_path / "rota.toml").write_text(
        rota.replace(gold, f'{gold}\nsms = "+447700900999"'), encoding="utf-8"
    )
    monday = datetime(2026, 7, 13, 6, 20, tzinfo=UTC)
    for now in (monday, monday + timedelta(hours=12), monday + timedelta(days=1)):
        try_channels(world.house, now)
    tried = [each.recipient for each in world.notifications() if each.address == "+447700900999"]
    assert tried == ["post:dmc-gold"]


def test_the_audit_raises_an_alarm_that_every_page_shows_and_the_watcher_hears_of(world: World) -> None:
    now = datetime.now(UTC)
    for part in ("web", "schedule", "work-1"):
        beat(world.house.engine, part, now=now)
    watched = watching(world, now)
    assert watched == 1
    stuck(world.house.engine)
    audit_alerts(world.house, now)
    assert world.notifications() == []  # it may pass within the minute
    for _again in range(2):
        audit_alerts(world.house, now + timedelta(minutes=1))
    told = [each.channel_kind for each in world.notifications()]
    assert told == ["email", "slack", "teams", "teams", "webhook"]
    assert {each.kind for each in world.notifications()} == {NotificationKind.OUTAGE}
    with Session(world.house.engine) as session:
        said = [each.what for each in troubles(session, channels=["x"], now=now).troubles]
    assert any(re.match(r"Alerts need a look: 1 open alert has no next step due", each) for each in said)
    assert not any("could not be worked through (alerts)" in each for each in said)
    assert watching(world, now) == 1
    with Session(world.house.engine) as session:
        session.scalars(select(Alert)).one().state = "closed"  # type: ignore[assignment]
        session.commit()
    audit_alerts(world.house, now)
    assert watching(world, now) == 2


def watching(world: World, now: datetime) -> int:
    """Let the watcher be called, if it is, and say how often it was."""
    address = SecretStr(f"{world.them.url}/ping/secret-place")
    alerts = world.house.settings.alerts.model_copy(update={"watcher": address})
    call_watcher(
        world.house._replace(settings=world.house.settings.model_copy(update={"alerts": alerts})), now
    )
    return world.them.pings


def test_the_watcher_is_not_called_when_a_part_is_dead_or_nothing_runs(world: World) -> None:
    now = datetime.now(UTC)
    assert watching(world, now) == 0
    beat(world.house.engine, "web", now=now - timedelta(minutes=2))
    assert watching(world, now) == 0
    beat(world.house.engine, "web", now=now)
    assert watching(world, now) == 1


def found_by(house: House) -> dict[str, Finding]:
    return {each.name: each for each in checkup(house.settings, house.engine, now=datetime.now(UTC))}


def test_the_checkup_asks_each_channel_without_sending_anything(world: World) -> None:
    found = found_by(world.house)
    for kind in ("email", "sms", "notify_email"):
        assert found[f"channel {kind}"].state == State.WELL, found[f"channel {kind}"]
    # the doubles speak plain HTTP, and addresses that post must not
    assert found["channel teams"].state == found["channel webhook"].state == State.ILL
    assert "nobody" in found["fall-back"].seen
    assert found["watcher"].state == State.WARN
    assert (world.them.taken, world.mail.mails, world.slack.messages) == ([], [], [])


def test_the_checkup_tells_no_secret(world: World) -> None:
    with world.them.lock:
        world.mail.hangs = True
    settings = world.house.settings
    wrong = NotifySettings(
        key=SecretStr("x-" + KEY[-73:-1] + "1"), sms_template=SMS_TEMPLATE, base_url=world.them.url
    )
    house = world.house._replace(settings=settings.model_copy(update={"notify": wrong}))
    said = " ".join(f"{each.seen} {each.remedy}" for each in found_by(house).values())
    assert "Notify refuses the key" in said
    assert "is not reached" in said
    for secret in (KEY[-36:], SECRET, "/hooks/cad", "/teams/comms"):
        assert secret not in said
