"""A reply: what Slack is told at once, in the answer to its request, and what is shown to the person right after."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from responders.plain import plain
from responders.slack import Sent, Slack

log = structlog.get_logger()

NO_FORM = "The form could not be opened; nothing was changed. Choose it again, or do it on the case page."


class Whisper(NamedTuple):
    """Something only the person who pressed should read, in the channel they pressed in."""

    text: str
    channel: str
    user: str


class Form(NamedTuple):
    """A modal to open for whoever pressed; `else_told` is for when it does not open."""

    trigger_id: str
    view: dict[str, Any]
    else_told: Whisper


class Home(NamedTuple):
    """Somebody's own home tab."""

    user: str
    view: dict[str, Any]


class Reply(NamedTuple):
    """`body` is the JSON of the answer, empty when None."""

    body: dict[str, Any] | None = None
    later: Whisper | Form | Home | None = None


def show(slack: Slack, later: Whisper | Form | Home, now: Callable[[], datetime]) -> None:
    """Show the person what is to be shown after the answer."""
    if isinstance(later, Form):
        refused = slack.open_view(later.trigger_id, later.view)
        if refused:
            log.warning("form not opened", why=refused)
            whisper(slack, later.else_told, now)
    elif isinstance(later, Home):
        refused = slack.publish_home(later.user, later.view)
        if refused:
            log.warning("home not shown", why=refused)
    else:
        whisper(slack, later, now)


def whisper(slack: Slack, told: Whisper, now: Callable[[], datetime]) -> None:
    """Tell the person who pressed what became of it."""
    if told.user and told.channel:
        outcome = slack.whisper(plain(told.text, 1000), told.channel, told.user, now=now())
        if not isinstance(outcome, Sent):
            log.warning("not explained to the person who pressed", outcome=type(outcome).__name__.lower())
