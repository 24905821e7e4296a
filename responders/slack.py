"""Slack, spoken to one call at a time. A call that writes ends in one of four outcomes; nothing retries by itself.

Sent: Slack gave the message's address. Refused: it will never accept this. Wait: it certainly did not take it.
Unknown: it may have; look into the channel's history before sending again.
"""

import json
import logging
import re
import ssl
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import proxy_bypass
from uuid import UUID

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from responders.blocks import Message

EVENT = "goldenhour_delivery"  # our metadata's event_type
PAGE = 200  # messages asked for at a time
MOST_PAGES = 25
CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{6,}")
USER_ID = re.compile(r"[UW][A-Z0-9]{6,20}")
CODE = re.compile(r"[a-z0-9_]{1,60}")
LONGEST_WAIT = timedelta(minutes=10)
SCOPES = frozenset({
    "channels:history", "channels:read", "chat:write", "commands", "groups:history", "groups:read", "im:history",
    "im:write", "users:read", "users:read.email",
})  # fmt: skip

# ok:false that says nothing about whether the message was taken (Slack: "some aspect may have succeeded")
DOUBTFUL = {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"}
# ok:false that will pass, and that certainly took nothing
PASSING = {"ratelimited", "rate_limited", "message_limit_exceeded", "accesslimited"}
# never reached Slack at all
UNREACHED = (ConnectionRefusedError, ssl.SSLCertVerificationError)
# what the SDK lets through when an answer is no answer, down to a charset that does not exist
BROKEN = (OSError, HTTPException, ValueError, LookupError, AttributeError, SlackClientError)


def scopes_missing(answer: SlackResponse) -> list[str]:
    """Of SCOPES, those that the app which answered was installed without; none where Slack does not say."""
    said = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), None)
    return [] if said is None else sorted(SCOPES - {each.strip() for each in str(said).split(",")})


class Sent(NamedTuple):
    channel: str
    ts: str


class Refused(NamedTuple):
    code: str


class Wait(NamedTuple):
    """`after` is what Slack asked for, None when it did not say."""

    reason: str
    after: timedelta | None = None


class Unknown(NamedTuple):
    reason: str


Outcome = Sent | Refused | Wait | Unknown


def told(outcome: object) -> str:
    """Why a call did not send, in its own code or words; nothing where it did."""
    if isinstance(outcome, Refused):
        return outcome.code
    return outcome.reason if isinstance(outcome, Wait | Unknown) else ""


class UnreadableError(Exception):
    """The channel's history cannot be read now; the text says why."""


class SlackError(Exception):
    """Slack does not accept us; the text says what and what to do."""


class Slack:
    """A workspace, as one app with one token sees it."""

    def __init__(self, token: str, base_url: str, timeout_s: float) -> None:
        # one for all calls: to make one takes longer than all else before a message is on its way
        tls = ssl.create_default_context() if base_url.startswith("https:") else None
        self._web = WebClient(token=token, base_url=base_url, retry_handlers=[], logger=silent(), ssl=tls)
        # the SDK's annotation wants whole seconds, the socket takes any
        self._web.timeout = timeout_s  # type: ignore[assignment]
        if proxy_bypass(urlsplit(base_url).hostname or ""):
            self._web.proxy = None

    def post(self, message: Message, channel: str, *, now: datetime) -> Outcome:
        return _outcome(
            lambda: self._web.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=message.blocks,
                metadata={"event_type": EVENT, "event_payload": {"key": str(message.key)}},
                unfurl_links=False,
                unfurl_media=False,
                link_names=False,
                mrkdwn=False,
                parse="none",
                thread_ts=message.thread_ts,
                reply_broadcast=message.for_all if message.thread_ts else None,
            ),
            now,
        )

    def edit(self, message: Message, channel_id: str, ts: str, *, now: datetime) -> Outcome:
        return _outcome(
            lambda: self._web.chat_update(
                channel=channel_id,
                ts=ts,
                text=message.text,
                blocks=message.blocks,
                metadata={"event_type": EVENT, "event_payload": {"key": str(message.key)}},
                link_names=False,
                parse="none",
            ),
            now,
        )

    def whisper(self, text: str, channel: str, user: str, *, now: datetime) -> Outcome:
        """Tell one person something only they see, in the channel they pressed a button in."""
        blocks = [{"type": "section", "text": {"type": "plain_text", "emoji": False, "text": text}}]
        return _outcome(
            lambda: self._web.chat_postEphemeral(
                channel=channel, user=user, text=text, blocks=blocks, link_names=False, parse="none"
            ),
            now,
        )

    def open_view(self, trigger_id: str, view: dict[str, Any]) -> str:
        """Open a form for whoever pressed; why it did not open, or nothing."""
        return _refused(lambda: self._web.views_open(trigger_id=trigger_id, view=view))

    def publish_home(self, user: str, view: dict[str, Any]) -> str:
        """Show somebody their home tab; why not, or nothing."""
        return _refused(lambda: self._web.views_publish(user_id=user, view=view))

    def find_user(self, email: str) -> str | None:
        """The id of who has this e-mail address in the workspace, None where nobody has. Raises SlackError."""
        try:
            found = _read(lambda: self._web.users_lookupByEmail(email=email)).get("user") or {}
        except UnreadableError as error:
            if "users_not_found" in str(error):
                return None
            raise SlackError(
                f"Slack did not look the address up: {error}; scope users:read.email?"
            ) from error
        usable = not found.get("deleted") and not found.get("is_bot")
        return str(found["id"]) if usable and found.get("id") else None

    def find(
        self, keys: Collection[UUID], channel_id: str, since: datetime, *, thread_ts: str | None = None
    ) -> dict[UUID, Sent]:
        """Those of our messages that the channel, or one thread in it, holds since a moment, by key.

        Raises UnreadableError unless the whole stretch was read or all keys were found.
        """
        wanted = {str(key): key for key in keys}
        found: dict[UUID, Sent] = {}
        cursor: str | None = None
        for _page in range(MOST_PAGES):
            answer = self._history(channel_id, since, cursor, thread_ts)
            for seen in answer.get("messages") or []:
                key = wanted.get(_key_of(seen))
                if key is not None:
                    found[key] = Sent(channel_id, str(seen["ts"]))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor or len(found) == len(wanted):
                return found
        raise UnreadableError(f"more than {PAGE * MOST_PAGES} messages since the try")

    def channel_id(self, name: str) -> str:
        """The id of a channel given by id or as `#name`, or of the direct messages with a user. Raises UnreadableError
        when Slack does not tell."""
        if CHANNEL_ID.fullmatch(name):
            return name
        if USER_ID.fullmatch(name):
            opened = _read(lambda: self._web.conversations_open(users=name)).get("channel")
            if isinstance(opened, dict) and opened.get("id"):
                return str(opened["id"])
            raise UnreadableError(f"no direct messages with {name}")
        cursor: str | None = None
        for _page in range(MOST_PAGES):
            answer = _read(
                lambda at=cursor: self._web.conversations_list(  # type: ignore[misc]
                    cursor=at, limit=PAGE, exclude_archived=True, types="public_channel,private_channel"
                )
            )
            for each in answer.get("channels") or []:
                if each.get("name") == name.lstrip("#"):
                    return str(each["id"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        raise UnreadableError(f"no channel named {name} that this app can see")

    def greet(self) -> str:
        """The name of the workspace. Raises SlackError when the token does not work or Slack is not reached."""
        try:
            answer = self._web.auth_test()
        except SlackApiError as error:
            raise SlackError(
                f"Slack refuses the token: {_code(error)}; set GOLDENHOUR_SLACK__TOKEN anew"
            ) from error
        except BROKEN as error:
            raise SlackError(
                f"Slack is not reached: {_why(error)}; check GOLDENHOUR_SLACK__BASE_URL"
            ) from error
        return str(answer.get("team") or "unnamed")

    def _history(
        self, channel_id: str, since: datetime, cursor: str | None, thread_ts: str | None
    ) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "channel": channel_id,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": True,
            "limit": PAGE,
            "cursor": cursor,
        }
        if thread_ts is None:
            return _read(lambda: self._web.conversations_history(**asked))
        return _read(lambda: self._web.conversations_replies(ts=thread_ts, **asked))


def silent() -> logging.Logger:
    """A logger for the SDK that drops everything: it would log what it sends."""
    logger = logging.Logger("slack_sdk")
    logger.disabled = True
    return logger


def read_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """How long a Retry-After asks to wait: whole or decimal seconds, or a date. None for junk or nothing."""
    if value is None:
        return None
    told = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", told, re.ASCII):
        return min(timedelta(seconds=float(told)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), LONGEST_WAIT)


def _outcome(call: Callable[[], SlackResponse], now: datetime) -> Outcome:
    try:
        answer = call()
        if isinstance(answer.get("ts"), str):
            return Sent(str(answer.get("channel") or ""), answer["ts"])
        return Sent("", "") if answer.get("message_ts") else Unknown("an answer without ts")
    except SlackApiError as error:
        return _refusal(error, now)
    except URLError as error:
        if isinstance(error.reason, UNREACHED) or _is_unresolved(error.reason):
            return Wait(_why(error))
        return Unknown(_why(error))
    except BROKEN as error:
        return Unknown(_why(error))


def _refusal(error: SlackApiError, now: datetime) -> Outcome:
    status, code = error.response.status_code, _code(error)
    if status == 429 or code in PASSING:
        headers = {str(name).lower(): value for name, value in (error.response.headers or {}).items()}
        return Wait("rate limited", read_retry_after(_first(headers.get("retry-after")), now))
    if status >= 500 or code in DOUBTFUL or (status < 300 and not CODE.fullmatch(code)):
        return Unknown(f"http {status} {code}"[:200])
    return Refused(code if CODE.fullmatch(code) else f"http {status}")


def _refused(call: Callable[[], SlackResponse]) -> str:
    try:
        call()
    except SlackApiError as error:
        return _code(error)
    except BROKEN as error:
        return _why(error)
    return ""


def _read(call: Callable[[], SlackResponse]) -> dict[str, Any]:
    try:
        answer = call().data
    except SlackApiError as error:
        raise UnreadableError(f"http {error.response.status_code} {_code(error)}"[:200]) from error
    except BROKEN as error:
        raise UnreadableError(_why(error)) from error
    if not isinstance(answer, dict):
        raise UnreadableError("not a JSON object")
    return answer


def _code(error: SlackApiError) -> str:
    answer = error.response.data
    code = answer.get("error") if isinstance(answer, dict) else None
    return code if isinstance(code, str) and CODE.fullmatch(code) else "no code"


def _key_of(message: Any) -> str:
    try:
        metadata = message["metadata"]
        return str(metadata["event_payload"]["key"]) if metadata["event_type"] == EVENT else ""
    except (KeyError, TypeError):
        return ""


def _first(value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, str) else None


def _is_unresolved(reason: object) -> bool:
    return type(reason).__name__ == "gaierror"


def _why(error: Exception) -> str:
    """The kind of failure only: an error's own text can hold what was sent."""
    inner = error.reason if isinstance(error, URLError) else error
    return (
        type(inner).__name__ if not isinstance(error, json.JSONDecodeError) else "an answer that is not JSON"
    )
