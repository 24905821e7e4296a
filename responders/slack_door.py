"""The door for Slack's signed requests. What is not provably Slack's, fresh and seen for the first time gets 401."""

import hashlib
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
from starlette.responses import JSONResponse, Response

from responders.slack import Slack
from responders.slack_app import SlackApp
from responders.slack_reply import Reply, show
from triage.web.signed import Doubt, Signed, check, first_time, read_signed

log = structlog.get_logger()

ACTIONS, COMMANDS, EVENTS = "/slack/actions", "/slack/commands", "/slack/events"
LARGEST_BODY = 1_000_000
VERSION = b"v0"
LONGEST_CHALLENGE = 500

Payload = dict[str, Any]
Take = Callable[[Session, Payload, datetime], Reply]


def router(
    engine: Engine,
    signing_secret: str,
    slack: Slack | None,
    app: SlackApp,
    *,
    now: Callable[[], datetime],
) -> APIRouter:
    """The addresses for interactions, commands and events. What is shown to people goes out through `slack` after the
    answer."""
    door = APIRouter()

    def add(path: str, read: Callable[[bytes], Payload], take: Take) -> None:
        async def answer(request: Request) -> Response:
            try:
                signed = await read_signed(
                    request,
                    timestamp="X-Slack-Request-Timestamp",
                    signature="X-Slack-Signature",
                    largest=LARGEST_BODY,
                )
                reply = await run_in_threadpool(_take_in, engine, signing_secret, signed, read, take, now())
            except Doubt as doubt:
                log.warning("request at the Slack door refused", path=path, why=str(doubt))
                return Response(status_code=401)
            except SQLAlchemyError as error:
                # nothing was written down, and Slack shows that to the person who pressed
                log.error("request from Slack not written down", path=path, error=type(error).__name__)
                return Response(status_code=503)
            later = BackgroundTask(show, slack, reply.later, now) if reply.later and slack else None
            if reply.body is None:
                return Response(status_code=200, background=later)
            return JSONResponse(reply.body, background=later)

        door.add_api_route(path, answer, methods=["POST"])

    add(ACTIONS, _interaction, lambda session, payload, at: app.interact(session, payload, now=at))
    add(COMMANDS, _command, lambda session, payload, at: app.command(session, payload, now=at))
    add(EVENTS, _event, lambda session, payload, at: _hear(app, session, payload, at))
    return door


def _take_in(
    engine: Engine,
    signing_secret: str,
    signed: Signed,
    read: Callable[[bytes], Payload],
    take: Take,
    now: datetime,
) -> Reply:
    digest = check(signed, signing_secret, version=VERSION, now=now)
    payload = read(signed.body)
    with Session(engine) as session:
        if not first_time(session, digest, now=now):
            raise Doubt("seen before")
        reply = take(session, payload, now)
        session.commit()
    return reply


def _hear(app: SlackApp, session: Session, payload: Payload, now: datetime) -> Reply:
    """Slack asks once whether the address is ours, and tells an event again when an answer was lost."""
    if payload.get("type") == "url_verification":
        challenge = payload.get("challenge")
        known = isinstance(challenge, str) and challenge.isascii() and len(challenge) <= LONGEST_CHALLENGE
        return Reply({"challenge": challenge if known else ""})
    event_id = payload.get("event_id")
    if isinstance(event_id, str):
        told = hashlib.sha256(b"event:" + event_id.encode("utf-8", "replace")).digest()
        if not first_time(session, told, now=now):
            return Reply()
    return app.hear(session, payload, now=now)


def _interaction(body: bytes) -> Payload:
    """The interaction of a form body `payload=<JSON>`."""
    return _json(_field(_form(body), "payload"))


def _command(body: bytes) -> Payload:
    form = _form(body)
    _field(form, "command")
    return {name: values[0] for name, values in form.items() if len(values) == 1}


def _event(body: bytes) -> Payload:
    try:
        return _json(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Doubt("signed, but no event") from error


def _form(body: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(body.decode("utf-8"), strict_parsing=True, keep_blank_values=True, max_num_fields=30)
    except ValueError as error:
        raise Doubt("signed, but no form") from error


def _field(form: dict[str, list[str]], name: str) -> str:
    values = form.get(name, [])
    if len(values) != 1:
        raise Doubt(f"signed, but not one {name}")
    return values[0]


def _json(written: str) -> Payload:
    try:
        payload = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise Doubt("signed, but not JSON") from error
    if not isinstance(payload, dict):
        raise Doubt("signed, but not an object")
    return payload
