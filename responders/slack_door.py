"""The door for Slack's signed requests. What is not provably Slack's, fresh and seen for the first time gets 401.

Slack signs `v0:<timestamp>:<raw body>` with the signing secret (Slack, "Verifying requests from Slack", read
2026-11); the check is on the bytes as they came, before anything in them is looked at.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from responders.plain import plain
from responders.slack import Slack
from responders.slack_acts import Answer, act, first_time

log = structlog.get_logger()

PATH = "/slack/actions"
FRESH = timedelta(seconds=300)
LARGEST_BODY = 1_000_000
TIMESTAMP_DIGITS = 12


class Doubt(Exception):
    """Why a request is not taken for Slack's; for our log only."""


class Signed(NamedTuple):
    """What a request says about itself, and what came with it."""

    timestamp: list[bytes]
    signature: list[bytes]
    body: bytes


def router(
    engine: Engine, signing_secret: str, slack: Slack | None, *, now: Callable[[], datetime]
) -> APIRouter:
    """The door at `/slack/actions`. Explanations go out through `slack` after the answer."""
    door = APIRouter()

    @door.post(PATH)
    async def interact(request: Request) -> Response:
        try:
            signed = await _read(request)
            answer = await run_in_threadpool(_take_in, engine, signing_secret, signed, now())
        except Doubt as doubt:
            log.warning("request at the Slack door refused", why=str(doubt))
            return Response(status_code=401)
        except SQLAlchemyError as error:
            # nothing was written down, and Slack shows that to the person who pressed
            log.error("press from Slack not written down", error=type(error).__name__)
            return Response(status_code=503)
        later = BackgroundTask(whisper, slack, answer, now) if answer and slack else None
        return Response(status_code=200, background=later)

    return door


def check(signed: Signed, signing_secret: str, now: datetime) -> bytes:
    """The signature's digest, to know it again. Raises Doubt unless it is Slack's and fresh."""
    if len(signed.timestamp) != 1 or len(signed.signature) != 1:
        raise Doubt("headers missing or doubled")
    timestamp, signature = signed.timestamp[0], signed.signature[0]
    if not timestamp.isdigit() or len(timestamp) > TIMESTAMP_DIGITS:  # bytes: ASCII digits only
        raise Doubt("timestamp is not a number")
    if abs(int(timestamp) - now.timestamp()) > FRESH.total_seconds():
        raise Doubt("timestamp is too old or too new")
    base = b"v0:" + timestamp + b":" + signed.body
    ours = b"v0=" + hmac.new(signing_secret.encode(), base, hashlib.sha256).hexdigest().encode()
    if not hmac.compare_digest(ours, signature):
        raise Doubt("signature does not match")
    return hashlib.sha256(ours).digest()


def whisper(slack: Slack, answer: Answer, now: Callable[[], datetime]) -> None:
    """Tell the person who pressed what became of it."""
    if answer.user and answer.channel:
        outcome = slack.whisper(plain(answer.text, 1000), answer.channel, answer.user, now=now())
        log.info("explained to the person who pressed", outcome=type(outcome).__name__.lower())


def _take_in(engine: Engine, signing_secret: str, signed: Signed, now: datetime) -> Answer | None:
    digest = check(signed, signing_secret, now)
    payload = _payload(signed.body)
    with Session(engine) as session:
        if not first_time(session, digest, now=now):
            raise Doubt("seen before")
        answer = act(session, payload, now=now)
        session.commit()
    return answer


def _payload(body: bytes) -> dict[str, Any]:
    """The interaction of a form body `payload=<JSON>`."""
    try:
        [written] = parse_qs(body.decode("utf-8"), strict_parsing=True, max_num_fields=20)["payload"]
        payload = json.loads(written)
    except (ValueError, KeyError, RecursionError) as error:
        raise Doubt("signed, but not an interaction") from error
    if not isinstance(payload, dict):
        raise Doubt("signed, but not an interaction")
    return payload


async def _read(request: Request) -> Signed:
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                raise Doubt("body too large")
    except ClientDisconnect as error:
        raise Doubt("caller hung up") from error
    headers = request.headers.raw
    return Signed(
        timestamp=[value for name, value in headers if name.lower() == b"x-slack-request-timestamp"],
        signature=[value for name, value in headers if name.lower() == b"x-slack-signature"],
        body=body,
    )
