"""The channels as the settings have them, the courier over them, and where desks fall back to."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from collector.http import Http
from config.beats import here
from config.oncall import oncall_in_force
from config.service import House
from config.settings import Settings
from config.slack import channels_of, slack_of
from responders.channels.channel import Channel, ChannelError
from responders.channels.notify import Notify
from responders.channels.slack import SlackWords
from responders.channels.smtp import Mail
from responders.channels.teams import Teams
from responders.channels.webhook import Place, Webhook
from responders.courier import Courier, Way
from responders.notifying import channel_of, pace_of
from triage.desks import FallBack, read_desks
from triage.notification_records import ChannelKind
from triage.oncall import reached

K = ChannelKind


class Greeting(NamedTuple):
    """What a channel said when it was asked; `wrong` says what to do instead."""

    kind: ChannelKind
    said: str
    wrong: bool


def ways_of(house: House) -> dict[ChannelKind, Way]:
    """Every channel that is set up, by its kind."""
    settings = house.settings
    gaps = {
        K.SLACK: settings.slack.gap_s,
        K.EMAIL: settings.mail.gap_s,
        K.SMS: settings.notify.gap_s,
        K.NOTIFY_EMAIL: settings.notify.gap_s,
        K.TEAMS: settings.teams.gap_s,
        K.WEBHOOK: settings.webhook.gap_s,
    }
    return {kind: Way(made, pace_of(settings.alerts, gaps[kind])) for kind, made in _channels(house)}


def courier_of(house: House) -> Courier:
    return Courier(house.engine, ways_of(house), clock=house.clock, owner=f"{here()}:{os.getpid()}")


def fall_backs_of(settings: Settings) -> dict[str, tuple[FallBack, ...]]:
    """Where each desk is told when Slack does not take its alerts."""
    desks = read_desks(settings.file("desks.toml"))
    return {name.value: desk.fall_back for name, desk in desks.items()}


def places_of(house: House) -> list[tuple[ChannelKind, str, str]]:
    """Every address that can be tried: kind, address, whose it is. Each once."""
    settings, ready = house.settings, kinds_of(house.settings)
    found = {(K.SLACK, channel): f"desk:{desk}" for desk, channel in channels_of(house).items()}
    found |= {(K.TEAMS, name): f"teams:{name}" for name in settings.teams.workflows}
    found |= {(K.WEBHOOK, name): f"webhook:{name}" for name in settings.webhook.hooks}
    for desk, places in fall_backs_of(settings).items():
        found |= {(each.kind, each.address): f"desk:{desk}" for each in places if each.kind in ready}
    return [(kind, address, whose) for (kind, address), whose in found.items()]


def places_of_posts(house: House, session: Session, *, now: datetime) -> list[tuple[ChannelKind, str, str]]:
    """Every address outside Slack at which a ladder tells a post. No duty begins there, so no handover tries it."""
    oncall, ready = oncall_in_force(house, now=now), kinds_of(house.settings) - {K.SLACK}
    parties = {party for ladder in oncall.ladders.ladder for step in ladder.step for party in step.who}
    found = {
        (kind, address): each.recipient
        for party in sorted(parties)
        if party.startswith("post:")
        for each in reached(session, oncall, party, now=now)
        for kind in sorted(oncall.ladders.ways_to(party) & ready)
        if (address := each.address(kind))
    }
    return [(kind, address, whose) for (kind, address), whose in found.items()]


def names_of(house: House) -> list[str]:
    """The channels that are set up, as the table of channels calls them."""
    slack = [channel_of(K.SLACK, each) for each in channels_of(house).values()]
    settings = house.settings
    named = [channel_of(K.TEAMS, each) for each in settings.teams.workflows]
    named += [channel_of(K.WEBHOOK, each) for each in settings.webhook.hooks]
    single = [
        channel_of(kind, None) for kind in (K.EMAIL, K.SMS, K.NOTIFY_EMAIL) if kind in kinds_of(settings)
    ]
    return sorted({*slack, *named, *single})


def kinds_of(settings: Settings) -> set[ChannelKind]:
    """The kinds of channels that are set up."""
    notify = settings.notify
    ready = {
        K.SLACK: settings.slack.token,
        K.EMAIL: settings.mail.host,
        K.SMS: notify.key and notify.sms_template,
        K.NOTIFY_EMAIL: notify.key and notify.email_template,
        K.TEAMS: settings.teams.workflows,
        K.WEBHOOK: settings.webhook.hooks,
    }
    return {kind for kind, set_up in ready.items() if set_up}


def unreached(settings: Settings) -> Iterator[str]:
    """Fall-backs of desks that lead nowhere, in words."""
    named: Mapping[ChannelKind, Sequence[str]] = {
        K.TEAMS: list(settings.teams.workflows),
        K.WEBHOOK: list(settings.webhook.hooks),
    }
    for desk, places in fall_backs_of(settings).items():
        for each in places:
            if each.kind not in kinds_of(settings):
                yield f"desks.toml: {desk} falls back to {each.kind}, which is not set up"
            elif each.kind in named and each.address not in named[each.kind]:
                yield f"desks.toml: {desk} falls back to {each.kind} {each.address!r}, and no such one is set"


def greetings(house: House, *, now: datetime) -> Iterator[Greeting]:
    """Ask every channel but Slack, which is asked apart, without sending anything."""
    for kind, channel in _channels(house):
        if kind != K.SLACK:
            try:
                yield Greeting(kind, channel.greet(now=now), wrong=False)
            except ChannelError as error:
                yield Greeting(kind, str(error), wrong=True)


def _channels(house: House) -> Iterator[tuple[ChannelKind, Channel]]:
    settings, ready = house.settings, kinds_of(house.settings)
    longest_s = settings.alerts.timeout_s
    http = Http(
        settings.http.model_copy(update={"total_s": longest_s, "read_s": longest_s, "connect_s": longest_s})
    )
    slack = slack_of(house)
    if slack is not None:
        yield K.SLACK, SlackWords(slack)
    if K.EMAIL in ready:
        yield K.EMAIL, Mail(settings.mail, longest_s)
    if K.SMS in ready:
        yield K.SMS, Notify(settings.notify, http, "sms", settings.notify.sms_template)
    if K.NOTIFY_EMAIL in ready:
        yield K.NOTIFY_EMAIL, Notify(settings.notify, http, "email", settings.notify.email_template)
    if K.TEAMS in ready:
        workflows = settings.teams.workflows.items()
        yield K.TEAMS, Teams({name: url.get_secret_value() for name, url in workflows}, http)
    if K.WEBHOOK in ready:
        hooks = settings.webhook.hooks.items()
        yield (
            K.WEBHOOK,
            Webhook({name: Place(hook.url.get_secret_value(), hook.keys) for name, hook in hooks}, http),
        )
