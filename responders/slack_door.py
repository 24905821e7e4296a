"""The door for Slack's signed requests. What is not provably Slack's, fresh and seen for the first time gets 401."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from responders.plain import plain
from responders.slack import Slack
from responders.slack_acts import Answer, act
from triage.web.signed import Doubt, Signed, check, first_time, read_signed

log = structlog.get_logger()

PATH = "/slack/actions"
LARGEST_BODY = 1_000_000
VERSION = b"v0"


def router(
    engine: Engine, signing_secret: str, slack: Slack | None, *, now: Callable[[], datetime]
) -> APIRouter:
    """The door at `/slack/actions`. Explanations go out through `slack` after the answer."""
    door = APIRouter()

    @door.post(PATH)
    async def interact(request: Request) -> Response:
        try:
            signed = await read_signed(
                request,
                timestamp="X-Slack-Request-Timestamp",
                signature="X-Slack-Signature",
                largest=LARGEST_BODY,
            )
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


def whisper(slack: Slack, answer: Answer, now: Callable[[], datetime]) -> None:
    """Tell the person who pressed what became of it."""
    if answer.user and answer.channel:
        outcome = slack.whisper(plain(answer.text, 1000), answer.channel, answer.user, now=now())
        log.info("explained to the person who pressed", outcome=type(outcome).__name__.lower())


def _take_in(engine: Engine, signing_secret: str, signed: Signed, now: datetime) -> Answer | None:
    digest = check(signed, signing_secret, version=VERSION, now=now)
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
