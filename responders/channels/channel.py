"""A channel: one way to reach people. A call that sends ends in one of four outcomes; nothing retries by itself.

Sent: the other side took it; some say only later whether it arrived. Refused: it will never take this. Wait: it
certainly did not take it. Unknown: it may have; look for it, where the channel allows that, before sending again.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable
from uuid import UUID

import httpx

from collector.errors import FetchError, Forbidden, Unreachable
from collector.errors import Refused as Declined
from collector.http import Answer, Http
from responders.slack import Refused, Unknown, UnreadableError, Wait

__all__ = [
    "Channel",
    "ChannelError",
    "Letter",
    "Outcome",
    "Refused",
    "Reporting",
    "Sent",
    "Unknown",
    "UnreadableError",
    "Wait",
    "asked",
    "handed_over",
    "keeps_no_list",
    "ready",
]

TAKEN = (200, 201, 202, 204)
REPEAT = "Possible repeat: "
LINK = re.compile(r"https?://\S+")


class Letter(NamedTuple):
    """What is said: a line, then text whose last line may be a link. `key` is the same in every try."""

    key: UUID
    kind: str
    subject: str
    text: str
    possible_repeat: bool = False

    @property
    def headline(self) -> str:
        return f"{REPEAT if self.possible_repeat else ''}{self.subject}"

    @property
    def link(self) -> str | None:
        """The address it leads to, if its last line is one."""
        last = self.text.rstrip().rpartition("\n")[2].strip()
        return last if LINK.fullmatch(last) else None


class Sent(NamedTuple):
    """`receipt` is the other side's own name for the message, or empty. Unless `arrived`, ask later whether it did."""

    receipt: str
    arrived: bool = True


Outcome = Sent | Refused | Wait | Unknown


class ChannelError(Exception):
    """A channel does not accept us; the text says what and what to do."""


class Channel(Protocol):
    def send(self, letter: Letter, address: str, *, now: datetime) -> Outcome: ...

    def find(self, letter: Letter, address: str, *, since: datetime, now: datetime) -> Sent | None:
        """The letter, if the other side has it. Raises UnreadableError where that cannot be known."""

    def greet(self, *, now: datetime) -> str:
        """What is there, in words, without sending anything. Raises ChannelError."""


@runtime_checkable
class Reporting(Protocol):
    """A channel that says later what became of a message it took."""

    def report(self, receipt: str, *, now: datetime) -> Sent | Refused | None:
        """None while it is on its way. Raises UnreadableError where that cannot be known."""


def keeps_no_list() -> UnreadableError:
    return UnreadableError("it keeps no list that we may read")


def asked(call: Callable[[], Answer]) -> Answer | Refused | Wait | Unknown:
    """Make a call of the guarded client: its answer, or what its failing means.

    Addresses are secrets and never part of what is told.
    """
    try:
        return call()
    except Declined as error:
        return _declined(error)
    except Forbidden:
        return Refused("its address may not be reached: not public; GOLDENHOUR_HTTP__ALLOW names exceptions")
    except Unreachable:
        return Wait("no connection")
    except FetchError as error:
        if isinstance(error.__cause__, httpx.ConnectTimeout):
            return Wait("no connection in time")
        return Unknown(type(error).__name__)


def handed_over(
    http: Http, url: str, body: bytes, *, headers: Mapping[str, str] | None = None, now: datetime
) -> Outcome:
    """Post JSON to whoever answers that it was taken, and gives it no name."""
    said = {"Content-Type": "application/json", **(headers or {})}
    answer = asked(lambda: http.post(url, body, headers=said, success=TAKEN, now=now))
    return Sent("") if isinstance(answer, Answer) else answer


def ready(kind: str, urls: Mapping[str, str], remedy: str) -> str:
    """That addresses are set, by name; to ask them would already say something. Raises ChannelError."""
    plain = [name for name, url in urls.items() if not url.startswith("https://")]
    if plain:
        raise ChannelError(f"the {kind} {plain[0]} has no https address; {remedy}")
    return f"set up: {', '.join(sorted(urls))}; `goldenhour alerts --test` proves them"


def _declined(error: Declined) -> Refused | Wait | Unknown:
    if error.status == 429:
        return Wait("asked to wait", error.retry_after)
    if error.status >= 500 or error.status == 408:
        return Unknown(f"http {error.status}")
    return Refused(f"http {error.status}")
