"""The desk: the pages two teams live in, and the JSON interface to the same acts, as one FastAPI application.

`desk(...)` puts it together from plain values. What follows a request: security.py (headers, host, origin,
session), then one function a page, which reads tables or calls one act of triage/actions.py.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from sqlalchemy import Engine, text
from sqlmodel import Session
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from classifier.rarity import Rarity
from collector.video.files import Files
from triage import actions, people
from triage.claim_types import Guide
from triage.lifecycle import Lifecycle
from triage.oidc import Provider
from triage.policies import Policies
from triage.settings import WebSettings
from triage.web import (
    account,
    accountability,
    acts,
    alerts,
    alike,
    api,
    around,
    boroughs,
    case,
    case_sheet,
    claims,
    compare,
    correcting,
    counts,
    coverage,
    dropped,
    early_signals,
    escalations,
    evidence,
    exercise,
    feedback,
    figures,
    findings,
    follow_up,
    footage,
    holds,
    line,
    live,
    log_lines,
    manual,
    meeting,
    minutes,
    model,
    on_call,
    our_errors,
    packs,
    queue,
    register,
    releases,
    retention,
    reveals,
    reviews,
    rights,
    routings,
    rules,
    search,
    shift,
    signing_in,
    source,
    sources,
    tips,
    tracks,
    who_sees,
    work_account,
)
from triage.web.calm import Watch
from triage.web.drill import Exercise
from triage.web.errors import add_errors, away
from triage.web.inbox import Inbox
from triage.web.pages import make_pages
from triage.web.permitted import home_of, permitted
from triage.web.security import (
    Gate,
    Guarded,
    is_secure,
    own_origin,
    served_hosts,
    untampered,
)
from triage.web.sessions import Visitor, find
from triage.web.visit import Room

STATIC = Path(__file__).parent / "static"
OPEN_PATHS = (
    "/sign-in",
    "/sign-in/",
    "/tip",
    "/tip/sent/",
    "/transparency",
    "/on-call/calendar/",
    "/reviews/calendar/",
    "/static/",
    "/healthz",
    "/favicon.ico",
)
LARGEST_BODY = 256 * 1024
A_YEAR = "public, max-age=31536000, immutable"

PAGES = (
    queue,
    boroughs,
    case,
    compare,
    alike,
    correcting,
    acts,
    escalations,
    evidence,
    footage,
    claims,
    line,
    register,
    releases,
    alerts,
    sources,
    source,
    coverage,
    routings,
    dropped,
    model,
    on_call,
    rules,
    reviews,
    around,
    meeting,
    packs,
    case_sheet,
    findings,
    follow_up,
    minutes,
    feedback,
    early_signals,
    figures,
    search,
    account,
    work_account,
    signing_in,
    manual,
    live,
    counts,
    log_lines,
    tracks,
    who_sees,
    reveals,
    retention,
    holds,
    rights,
    shift,
    exercise,
    accountability,
    our_errors,
)


def desk(
    engine: Engine,
    settings: WebSettings,
    *,
    channels: Sequence[str] = (),
    lease: timedelta = actions.LEASE,
    doors: Sequence[APIRouter] = (),
    inbox: Inbox | None = None,
    files: Files | None = None,
    guide: Guide | None = None,
    lifecycle: Lifecycle | None = None,
    policies: Policies | None = None,
    provider: Provider | None = None,
    rarity: Rarity | None = None,
    rules_on_disk: Callable[[], str | None] = lambda: None,
    played: Exercise | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The application. `channels` names the alert channels that are configured; empty shows a banner.
    `lease` is how long a claim holds.

    `doors` are routers that check their own callers and limit their own bodies, such as Slack's signed
    interactions: no session, no token. `inbox` is what tips and pasted links need, `files` where evidence lies,
    `guide` what to check of claims.
    `lifecycle` is how cases go on; without it they have no tracks. `policies` say who may be shown what.
    `rarity` is how rare words are; without it none counts as rare.
    `rules_on_disk` is the digest of the file of rules as it lies here, to hold against what people agreed to.
    `played` is the exercise this desk is for; then every page says so.
    """
    secure = is_secure(settings)
    app = FastAPI(
        title="Golden Hour",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
    )
    app.state.room = Room(
        engine,
        settings,
        tuple(channels),
        lease,
        make_pages(STATIC),
        live.Hub(_plain(engine)),
        files or Files(Path("var/media")),
        inbox or Inbox.alone(),
        guide or Guide(),
        lifecycle,
        policies or Policies(),
        provider,
        rarity or Rarity.learn([]),
        rules_on_disk,
        Watch(channels, rules_on_disk, timedelta(seconds=settings.banners_s)),
        played,
        now,
    )
    # Routes are tried one after the other: what services ask, which wait for seconds at most, comes before 240 pages.
    for door in doors:
        app.include_router(door, include_in_schema=False)
    app.mount("/static", _Files(directory=STATIC), name="static")
    app.router.routes.extend(_pages())
    guards = [Depends(untampered), Depends(permitted)]
    largest = app.state.room.files.most_bytes + footage.ROOM_FOR_FORM
    app.include_router(footage.uploads, dependencies=guards, include_in_schema=False, max_body_size=largest)
    app.include_router(api.router, dependencies=guards, max_body_size=LARGEST_BODY)
    app.include_router(accountability.public, include_in_schema=False, max_body_size=LARGEST_BODY)
    app.include_router(tips.router, include_in_schema=False, max_body_size=LARGEST_BODY)
    app.include_router(on_call.feeds, include_in_schema=False, max_body_size=LARGEST_BODY)
    app.include_router(reviews.feeds, include_in_schema=False, max_body_size=LARGEST_BODY)
    _add_the_rest(app)
    app.add_middleware(
        Gate,
        hosts=served_hosts(settings),
        origin=own_origin(settings),
        open_paths=OPEN_PATHS,
        door_paths=[path for door in doors for path in _paths(door)],
        find=_finder(engine, settings, now),
        cookie=signing_in.cookie_name(secure=secure),
        away=away,
    )
    app.add_middleware(Guarded, secure=secure)
    return app


@cache
def _pages() -> list[BaseRoute]:
    """The routes of all pages. They know of no application, and to analyse them takes long: once is enough."""
    made = APIRouter()
    for module in PAGES:
        made.include_router(
            module.router,
            dependencies=[Depends(untampered), Depends(permitted)],
            include_in_schema=False,
            max_body_size=LARGEST_BODY,
        )
    return made.routes


def _paths(door: APIRouter) -> list[str]:
    return [str(getattr(route, "path", "")) for route in door.routes]


def _plain(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _finder(
    engine: Engine, settings: WebSettings, now: Callable[[], datetime]
) -> Callable[[str, bool], Visitor | None]:
    def find_visitor(token: str, touch: bool) -> Visitor | None:
        with Session(engine) as session:
            return find(session, token, settings, touch=touch, now=now())

    return find_visitor


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    hub: live.Hub = app.state.room.hub
    hub.open(asyncio.get_running_loop())
    people.nobodys()
    yield
    hub.close()


class _Files(StaticFiles):
    """Static files; an address that carries the content's version may be kept for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = A_YEAR if versioned else "no-cache"
        return response


def _add_the_rest(app: FastAPI) -> None:
    app.add_api_route("/", _home, include_in_schema=False)
    app.add_api_route("/favicon.ico", _icon, include_in_schema=False)
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    add_errors(app)


def _home(request: Request) -> RedirectResponse:
    visitor: Visitor = request.state.visitor
    return RedirectResponse(home_of(visitor.person), HTTPStatus.SEE_OTHER)


def _icon() -> RedirectResponse:
    return RedirectResponse("/static/mark.svg", HTTPStatus.SEE_OTHER)


def _healthz(request: Request) -> PlainTextResponse:
    """For a load balancer: 200 when the database answers."""
    room: Room = request.app.state.room
    with room.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return PlainTextResponse("ok")
