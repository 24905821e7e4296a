"""What is shown when a page cannot be: plain words, a way out, and a reference that stands in our log as well."""

import secrets
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

import jinja2
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from triage.permissions import Denied
from triage.web.permitted import OutOfSight, note_denial
from triage.web.security import DATABASE_AWAY, guard, is_secure
from triage.web.sessions import Visitor
from triage.web.visit import Room, room_of

log = structlog.get_logger()

AGAIN_AFTER_S = 5
AWAY = (
    "The database does not answer, so nothing can be shown and nothing was changed. Work on paper and tell people by "
    "phone; whoever runs this service can see why with goldenhour doctor. Reload in a moment to try again."
)
BROKEN = (
    "The page could not be made. It has been logged. Try again; if it stays, give the reference below to whoever runs "
    "this service: goldenhour doctor looks into it."
)


class Words(NamedTuple):
    """How a status is put. `detail` stands when the refusal itself says nothing."""

    title: str
    detail: str


PLAIN = {
    400: Words("The request could not be read", "Go back, reload the page and try again."),
    403: Words("You cannot do that", "Your roles do not allow it. Ask a supervisor if you need it."),
    404: Words("Page not found", "Check the address, or go back to the queue."),
    405: Words("That cannot be done here", "This address takes no such request. Go back and use the page."),
    409: Words(
        "Someone was there before you", "It has changed meanwhile. Go back and see how it stands now."
    ),
    413: Words("That is too much at once", "Send less at a time."),
    422: Words("Something is missing", "Go back, check what you filled in, and try again."),
    429: Words("That was too often", "Wait a minute, then try again."),
    500: Words("Something broke on our side", BROKEN),
    503: Words("Not available just now", AWAY),
}
FOR_THE_PUBLIC = (
    "This form does not work just now. Try again later. Call 999 in an emergency, or 101 to report a crime."
)
OTHER = Words("Something went wrong", "Go back, reload the page and try again.")


def add_errors(app: FastAPI) -> None:
    """Answer refusals, requests that make no sense, an absent database and bugs with a page that says so."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Denied, _denied)
    app.add_exception_handler(jinja2.TemplateNotFound, _broken)
    app.add_exception_handler(Exception, _broken)
    for each in DATABASE_AWAY:
        app.add_exception_handler(each, away)


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error, OutOfSight):
        note_denial(request, error)
    return _page(request, error.status_code, str(error.detail), dict(error.headers or {}))


def _denied(request: Request, error: Exception) -> Response:
    if not isinstance(error, Denied):
        raise error
    note_denial(request, error)
    return _page(request, HTTPStatus.FORBIDDEN, str(error))


def _malformed(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    missing = sorted({".".join(str(part) for part in each["loc"][1:]) for each in error.errors()})
    return _page(request, 422, f"Check these and try again: {', '.join(missing)}.")


def away(request: Request, error: Exception) -> Response:
    """The database cannot be asked: whoever asks is told, a load balancer in one line."""
    headers = {"Retry-After": str(AGAIN_AFTER_S)}
    if request.url.path == "/healthz":
        return PlainTextResponse("the database does not answer", 503, headers)
    return _page(request, 503, AWAY, headers, error)


def _broken(request: Request, error: Exception) -> Response:
    """A bug: the server logs its trace, the page does not tell it. Made outside our middlewares, so it brings
    its own headers.
    """
    response = (
        away(request, error) if isinstance(error, DATABASE_AWAY) else _page(request, 500, BROKEN, error=error)
    )
    guard(response.headers, secure=is_secure(room_of(request).settings))
    return response


def _page(
    request: Request,
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    error: Exception | None = None,
) -> Response:
    reference = secrets.token_hex(4)
    route = getattr(request.scope.get("route"), "path", "")
    told = {"reference": reference, "status": int(status), "route": route, "method": request.method}
    if error is None:
        log.info("page refused", **told)
    else:
        log.error("page failed", **told, error=type(error).__name__)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": detail}, status, headers)
    words, public = PLAIN.get(status, OTHER), request.url.path.startswith("/tip")
    if detail == HTTPStatus(status).phrase:
        detail = words.detail
    room: Room = room_of(request)
    visitor: Visitor | None = request.state.visitor
    shown = room.pages.get_template("error.html").render(
        request=request,
        me=visitor.person if visitor else None,
        csrf=visitor.csrf if visitor else "",
        now=room.now(),
        title=words.title,
        detail=FOR_THE_PUBLIC if public and status >= 500 else detail,
        status=int(status),
        reference=reference,
        back=_came_from(request),
        public=public,
    )
    return HTMLResponse(shown, status, headers)


def _came_from(request: Request) -> str:
    """The page of ours that this request was made from; empty when there is none, or it is this very address."""
    came = urlsplit(request.headers.get("referer", ""))
    if (
        came.netloc != request.headers.get("host")
        or not came.path.startswith("/")
        or came.path.startswith("//")
    ):
        return ""
    return "" if came.path == request.url.path else came.path + (f"?{came.query}" if came.query else "")
