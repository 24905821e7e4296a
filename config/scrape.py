"""A scrape: Prometheus asking for the metrics of this web process. Loopback callers, or whoever has the token."""

import hmac
import time
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.metrics import Rows
from triage.settings import WebSettings

PATH = "/metrics"
STEPS_S = (0.05, 0.3, 1.0, 5.0)
NOWHERE = "none"  # what no route answered: made-up addresses must not become series
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Scrape:
    """The metrics of one web process: figures from the rows, and how long its own answers took."""

    def __init__(self, engine: Engine, settings: WebSettings, *, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.registry = CollectorRegistry()
        self.took = Histogram(
            "goldenhour_request_seconds",
            "Until an answer of this web process began, by route and class of status.",
            ("route", "status"),
            buckets=STEPS_S,
            registry=self.registry,
        )
        self.registry.register(Rows(engine, clock))

    @property
    def door(self) -> APIRouter:
        """The address that is scraped. It checks its callers itself."""
        router = APIRouter()
        router.add_api_route(PATH, self._answer)
        return router

    def _answer(self, request: Request) -> Response:
        if not may_scrape(request, self.settings):
            asks = {"WWW-Authenticate": "Bearer"}
            return PlainTextResponse("Not for you.", HTTPStatus.UNAUTHORIZED, asks)
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


class Timed:
    """ASGI: times each answer until it begins. What streams on, such as live news, is not slow."""

    def __init__(self, app: ASGIApp, scrape: Scrape) -> None:
        self.app, self.scrape = app, scrape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began_s = time.monotonic()

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", NOWHERE)
                status = f"{message['status'] // 100}xx"
                self.scrape.took.labels(route, status).observe(time.monotonic() - began_s)
            await send(message)

        await self.app(scope, receive, send_timed if scope["type"] == "http" else send)


def may_scrape(request: Request, settings: WebSettings) -> bool:
    """With a token set, whoever has it. Without, callers on this machine, and none where a proxy stands before us:
    then everybody seems to be here."""
    if settings.metrics_token is not None:
        return _has(request, settings.metrics_token.get_secret_value())
    proxied = any(name in request.headers for name in FORWARDED)
    public = urlsplit(settings.base_url).hostname if settings.base_url else None
    return not proxied and (public is None or is_here(public)) and _from_here(request)


def is_here(host: str) -> bool:
    """Whether a host name or address means this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _from_here(request: Request) -> bool:
    return request.client is not None and is_here(request.client.host)


def _has(request: Request, token: str) -> bool:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
