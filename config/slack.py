"""Slack as the settings have it: the workspace, the sender, and the two ways its requests reach us."""

import os
from datetime import datetime

from fastapi import APIRouter
from sqlmodel import Session

from config.beats import here
from config.oncall import InForce
from config.service import House
from config.settings import Settings
from responders.deliver import Sender
from responders.slack import Slack
from responders.slack_app import SlackApp
from responders.slack_door import router
from responders.socket_mode import Socket
from triage.desks import DeskPost, read_desks
from triage.escalation import pass_on
from triage.records import Alert, Desk, Person


def slack_of(house: House) -> Slack | None:
    """The workspace, or None without a token: then alerts stand on the page alone."""
    return slack_in(house.settings)


def slack_in(settings: Settings) -> Slack | None:
    slack = settings.slack
    if slack.token is None:
        return None
    return Slack(slack.token.get_secret_value(), slack.base_url, slack.timeout_s)


def channels_of(house: House) -> dict[str, str]:
    """Each desk's channel, where it has one and Slack is set up."""
    if house.settings.slack.token is None:
        return {}
    return {name.value: desk.channel for name, desk in _desks(house).items() if desk.channel}


def _desks(house: House) -> dict[Desk, DeskPost]:
    return read_desks(house.settings.file("desks.toml"))


def sender_of(house: House) -> Sender:
    return Sender(
        house.engine,
        slack_of(house),
        channels_of(house),
        house.settings.slack,
        desk_url=house.settings.address,
        clock=house.clock,
        owner=f"{here()}:{os.getpid()}",
        quiet={name.value: desk.quiet for name, desk in _desks(house).items() if desk.quiet},
    )


def app_of(house: House) -> SlackApp:
    """What people in Slack can do, and who is told when they escalate."""
    oncall = InForce(house)

    def tell_next(session: Session, alert: Alert, *, who: Person, why: str, now: datetime) -> None:
        pass_on(session, alert, who=who, why=why, now=now, oncall=oncall())

    return SlackApp(house.settings.address, oncall, tell_next, house.settings.triage.lease)


def doors_of(house: House) -> list[APIRouter]:
    """The signed addresses, when there is a secret to check signatures with."""
    secret = house.settings.slack.signing_secret
    if secret is None:
        return []
    return [router(house.engine, secret.get_secret_value(), slack_of(house), app_of(house), now=house.clock)]


def socket_of(house: House) -> Socket | None:
    """The connection we open, when there is an app token."""
    token = house.settings.slack.app_token
    if token is None:
        return None
    return Socket(
        house.engine,
        token.get_secret_value(),
        house.settings.slack.base_url,
        slack_of(house),
        app_of(house),
        now=house.clock,
    )
