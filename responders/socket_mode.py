"""Socket Mode: Slack's requests over a connection that we open, for networks that nobody can reach into."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from responders.slack import Slack, SlackError, silent
from responders.slack_app import SlackApp
from responders.slack_reply import Reply, show
from triage.web.signed import first_time

log = structlog.get_logger()


class Socket:
    """One open connection, kept open by the SDK until `close`. Open it in one process only: the leader's."""

    def __init__(
        self,
        engine: Engine,
        app_token: str,
        base_url: str,
        slack: Slack | None,
        app: SlackApp,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._slack = slack
        self._now = now
        self._takes = {"interactive": app.interact, "slash_commands": app.command, "events_api": app.hear}
        web = WebClient(base_url=base_url, retry_handlers=[], logger=silent())
        if proxy_bypass(urlsplit(base_url).hostname or ""):
            web.proxy = None
        self._client = SocketModeClient(app_token=app_token, web_client=web, concurrency=2, logger=silent())
        if web.proxy is None:
            self._client.proxy = None
        self._client.socket_mode_request_listeners.append(self._hear)

    def open(self) -> None:
        """Connect. Raises SlackError when Slack refuses or is not reached; the caller tries again later."""
        try:
            self._client.connect()
        except SlackApiError as error:
            code = error.response.get("error") if isinstance(error.response.data, dict) else "no code"
            raise SlackError(
                f"Slack refuses Socket Mode: {code}; check GOLDENHOUR_SLACK__APP_TOKEN"
            ) from error
        except (OSError, HTTPException, ValueError, SlackClientError) as error:
            raise SlackError(f"Slack's socket is not reached: {type(error).__name__}") from error
        log.info("socket to Slack open")

    def is_open(self) -> bool:
        return self._client.is_connected()

    def close(self) -> None:
        self._client.close()

    def _hear(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Do what was asked, then acknowledge: what could not be written down, Slack shows as failed."""
        try:
            reply = self._take_in(request)
        except SQLAlchemyError as error:
            log.error("request from Slack not written down", error=type(error).__name__)
            return
        client.send_socket_mode_response(
            SocketModeResponse(envelope_id=request.envelope_id, payload=reply.body)
        )
        if reply.later and self._slack:
            show(self._slack, reply.later, self._now)

    def _take_in(self, request: SocketModeRequest) -> Reply:
        take = self._takes.get(request.type)
        if take is None or not isinstance(request.payload, dict):
            return Reply()
        with Session(self._engine) as session:
            for digest in _digests(request):
                if not first_time(session, digest, now=self._now()):
                    return Reply()
            reply = take(session, request.payload, now=self._now())
            session.commit()
        return reply


def _digests(request: SocketModeRequest) -> Iterator[bytes]:
    """By what the same request is known again: its envelope, and for an event its own id, too."""
    yield hashlib.sha256(b"socket:" + request.envelope_id.encode()).digest()
    event_id = request.payload.get("event_id")
    if isinstance(event_id, str):
        yield hashlib.sha256(b"event:" + event_id.encode("utf-8", "replace")).digest()
