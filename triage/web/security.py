"""What stands between the network and a page: the hosts we answer to, headers, the session, and forgery.

Denied by default: a path that is not named open needs a signed-in person, whether or not it exists.
The order for each request: headers on whatever comes back, then host, then origin, then session.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from anyio import to_thread
from fastapi import HTTPException, Request
from sqlalchemy import exc
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triage.settings import WebSettings
from triage.web.sessions import Visitor

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not "no-referrer": browsers would then send `Origin: null` with our own forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
A_YEAR_S = 31_536_000
DATABASE_AWAY = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
SAFE = ("GET", "HEAD", "OPTIONS")
KEPT_TO_US = ("csrf", "password", "current", "new", "again")  # fields that no page shows again
WORDS = re.compile(r"\s|^https?://")
ANYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 (listening addresses that name no host)


class Guarded:
    """ASGI: puts the security headers on every answer, errors and files included."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self.secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                guard(MutableHeaders(scope=message), secure=self.secure)
            await send(message)

        await self.app(scope, receive, send_guarded if scope["type"] == "http" else send)


def guard(headers: MutableHeaders, *, secure: bool) -> None:
    """Add the security headers; what is not said to be cacheable is not to be stored."""
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
    if secure:
        headers["Strict-Transport-Security"] = f"max-age={A_YEAR_S}; includeSubDomains"


class Gate:
    """ASGI: turns away foreign hosts, foreign origins and whoever has not signed in. `away` answers while the
    database cannot say who asks."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str] | None,
        origin: str | None,
        open_paths: Sequence[str],
        door_paths: Sequence[str],
        find: Callable[[str, bool], Visitor | None],
        cookie: str,
        away: Callable[[Request, Exception], Response],
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.origin = origin
        self.open_paths = tuple(open_paths)
        self.door_paths = frozenset(door_paths)
        self.find = find
        self.cookie = cookie
        self.away = away

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        scope.setdefault("state", {}).update(visitor=None, typed=[])
        try:
            refused = self._foreign(request) or await self._unknown(request)
        except DATABASE_AWAY as error:
            refused = self.away(request, error)
        await (refused or self.app)(scope, receive, send)

    def _foreign(self, request: Request) -> Response | None:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if self.hosts is not None and host not in self.hosts:
            return PlainTextResponse("This host name is not served here.", HTTPStatus.MISDIRECTED_REQUEST)
        if request.method in SAFE or request.url.path in self.door_paths:
            return None
        own = self.origin or f"{request.url.scheme}://{request.headers.get('host', '')}"
        if not same_origin(request.headers, own):
            return PlainTextResponse("This request came from another site.", HTTPStatus.FORBIDDEN)
        return None

    async def _unknown(self, request: Request) -> Response | None:
        token = request.cookies.get(self.cookie, "")
        asked_by_person = "x-quiet" not in request.headers and request.url.path != "/live"
        visitor = await to_thread.run_sync(self.find, token, asked_by_person) if token else None
        request.state.visitor = visitor
        if visitor is not None or self._is_open(request.url.path):
            return None
        return _ask_to_sign_in(request)

    def _is_open(self, path: str) -> bool:
        if path in self.door_paths:
            return True
        return any(path == each or (each.endswith("/") and path.startswith(each)) for each in self.open_paths)


def _ask_to_sign_in(request: Request) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": "Sign in first."}, HTTPStatus.UNAUTHORIZED)
    if request.method not in SAFE or request.headers.get("hx-request"):
        where = {"HX-Redirect": "/sign-in"}
        return PlainTextResponse("Your session has ended. Sign in again.", HTTPStatus.UNAUTHORIZED, where)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(asked, safe='')}", HTTPStatus.SEE_OTHER)


def same_origin(headers: Headers, own: str) -> bool:
    """Whether a request that changes something comes from our own pages, as browsers tell.

    Programs send none of the three headers; they still need the token, which no other site can read.
    """
    origin = headers.get("origin")
    if origin is not None:
        return origin == own
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    referer = headers.get("referer")
    return referer is None or referer.startswith(f"{own}/")


def served_hosts(settings: WebSettings) -> frozenset[str] | None:
    """The host names we answer to; None when listening everywhere without a `base_url` that says which."""
    if settings.base_url:
        return frozenset({urlsplit(settings.base_url).hostname or "", "127.0.0.1", "localhost"})
    if settings.host in ANYWHERE:
        return None
    return frozenset({settings.host, "127.0.0.1", "localhost", "::1"})


def own_origin(settings: WebSettings) -> str | None:
    """Scheme, host and port people's browsers see, when `base_url` tells."""
    if not settings.base_url:
        return None
    parts = urlsplit(settings.base_url)
    return f"{parts.scheme}://{parts.netloc}"


def is_secure(settings: WebSettings) -> bool:
    return settings.secure_cookies or settings.base_url.startswith("https://")


async def untampered(request: Request) -> None:
    """Refuse a change without the session's own token, in the header or the form field `csrf`."""
    visitor: Visitor | None = request.state.visitor
    if request.method in SAFE or visitor is None:
        return
    given: Any = request.headers.get("x-csrf-token")
    if given is None and "form" in request.headers.get("content-type", ""):
        form = await request.form()
        given = form.get("csrf")
        request.state.typed = _written(form.multi_items())
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), visitor.csrf.encode()):
        raise HTTPException(
            HTTPStatus.FORBIDDEN, "This form is out of date. Go back, reload the page, try again."
        )


def _written(fields: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """The fields of a form in which somebody wrote words or a link, so that a refusal can give them back."""
    return [
        (name.replace("_", " ").replace("-", " "), said)
        for name, said in fields
        if isinstance(said, str) and name not in KEPT_TO_US and WORDS.search(said.strip())
    ]


def safe_next(asked: str) -> str:
    """Where to go after signing in: an address of ours, never another site's."""
    hidden = any(
        each <= " " or each == "\\" for each in asked
    )  # browsers drop or turn these: `/\t/evil.example`
    if hidden or not asked.startswith("/") or asked.startswith("//"):
        return "/queue"
    return asked
