"""The tip form: a public page, without an account, to tell us of a police encounter. Works without JavaScript."""

import secrets
from datetime import timedelta
from http import HTTPStatus
from typing import NamedTuple

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from collector.batch import Item
from collector.boroughs import BOROUGHS, NEIGHBOUR
from collector.collect import id_of
from collector.knocks import caller_of, knock
from collector.plain import clean
from collector.sources.tip import FORM
from collector.tips import LONGEST, is_kept, is_open, note_flood, take_in
from triage.web.security import is_secure
from triage.web.tips_form import Filled, age_of, filled_of, item, make_pass, post_of, wrong_with
from triage.web.visit import Room, plain_page, room_of
from triage.web.words import spell

log = structlog.get_logger()
router = APIRouter()

HOUR = timedelta(hours=1)
MOST_FIELDS = 20
STALE = "This page was open for too long, or your browser keeps no cookies. Check what you wrote and send it again"
FAST = "That was very quick. Check what you wrote and send it again"
NOT_KEPT = "Something went wrong on our side and it was not kept. Nothing you wrote is lost: send it again in a minute"


class Refused(Exception):
    """A tip that is not taken now. The text is for the person, who keeps what they wrote."""

    def __init__(self, said: str, status: HTTPStatus) -> None:
        super().__init__(said)
        self.status = status


class Sent(NamedTuple):
    """A form as it came, with the pass and the cookie it came with, and the address it came from."""

    filled: Filled
    given: str
    cookie: str
    address: str


@router.get("/tip")
def form(request: Request) -> HTMLResponse:
    room = room_of(request)
    with Session(room.engine) as session:
        opened = room.inbox.tips.open and is_open(session, FORM)
    return _form(request, Filled()) if opened else _closed(request)


@router.post("/tip")
async def send(request: Request) -> Response:
    """Keep the tip, then show its reference. Whatever is refused comes back with all that was written."""
    room, written = room_of(request), await request.form(max_files=0, max_fields=MOST_FIELDS)
    sent = Sent(
        filled_of(written),
        clean(str(written.get("pass", ""))),
        request.cookies.get(_cookie_name(room), ""),
        request.client.host if request.client else "",
    )
    return await run_in_threadpool(_answer, request, room, sent)


@router.get("/tip/sent/{reference}")
def sent(request: Request, reference: str) -> HTMLResponse:
    """The page that gives the reference, of a tip that we have."""
    room = room_of(request)
    with Session(room.engine) as session:
        post = post_of(reference)
        if post is None or not is_kept(session, post):
            return plain_page(
                room, request, "tip_closed.html", 404, why="There is no tip with this reference."
            )
    return plain_page(room, request, "tip_sent.html", reference=reference)


def _answer(request: Request, room: Room, sent: Sent) -> Response:
    wrong = wrong_with(sent.filled)
    if wrong:
        return _form(request, sent.filled, wrong, given=sent.given, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        found = _keep(room, sent)
    except Refused as refused:
        return _form(request, sent.filled, {"": str(refused)}, given=sent.given, status=refused.status)
    except SQLAlchemyError as error:
        log.error("a tip was not written down", error=type(error).__name__)
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return _form(request, sent.filled, {"": NOT_KEPT}, given=sent.given, status=status)
    if found is None:
        return _closed(request)
    return RedirectResponse(f"/tip/sent/{found.external_id}", HTTPStatus.SEE_OTHER)


def _keep(room: Room, sent: Sent) -> Item | None:
    """Take the tip in; None while the form is closed. Raises Refused."""
    tips, key, now = room.inbox.tips, room.inbox.tips_key, room.now()
    found = item(sent.filled, sent.given, key, now)
    with Session(room.engine) as session:
        if not (tips.open and is_open(session, FORM)):
            return None
        age = age_of(sent.given, sent.cookie, key, now)
        if age is None or age > timedelta(hours=tips.longest_h):
            raise Refused(STALE, HTTPStatus.UNPROCESSABLE_ENTITY)
        if age < timedelta(seconds=tips.least_s):
            raise Refused(FAST, HTTPStatus.UNPROCESSABLE_ENTITY)
        if is_kept(session, id_of(found)):
            return found
        _let_in(session, room, sent.address)
        take_in(session, FORM, [found], now=now)
        session.commit()
    log.info("a tip was taken in")
    return found


def _let_in(session: Session, room: Room, address: str) -> None:
    """Count this try. Raises Refused when there were too many from one address, or from all."""
    tips, key, now = room.inbox.tips, room.inbox.tips_key, room.now()
    caller = caller_of(address)
    limits = ((caller, tips.an_address_an_hour), ("", tips.all_an_hour))
    for who, most in limits:
        wait = knock(session, FORM, who, most=most, within=HOUR, key=key, now=now)
        if wait is not None:
            if not who:
                note_flood(session, most, now=now)
                log.warning("tips are turned away", most_an_hour=most)
            session.commit()
            raise Refused(_too_many(wait), HTTPStatus.TOO_MANY_REQUESTS)
    session.commit()


def _too_many(wait: timedelta) -> str:
    return f"We cannot take more tips just now. Keep this page open and send it again in {spell(wait)}"


def _form(
    request: Request,
    filled: Filled,
    wrong: dict[str, str] | None = None,
    *,
    given: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The page with what was written. A good pass is given back, so that sending again is the same tip."""
    room = room_of(request)
    inbox, secure, now = room.inbox, is_secure(room.settings), room.now()
    cookie = request.cookies.get(_cookie_name(room), "") or secrets.token_urlsafe(24)
    age = age_of(given, cookie, inbox.tips_key, now)
    if age is None or age > timedelta(hours=inbox.tips.longest_h):
        given = make_pass(cookie, inbox.tips_key, now)
    shown = {"filled": filled, "wrong": wrong or {}, "pass": given, "boroughs": [*BOROUGHS, NEIGHBOUR]}
    answer = plain_page(room, request, "tip.html", status, longest=LONGEST, **shown)
    answer.set_cookie(_cookie_name(room), cookie, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


def _closed(request: Request) -> HTMLResponse:
    why = "This form is closed at the moment."
    return plain_page(room_of(request), request, "tip_closed.html", HTTPStatus.SERVICE_UNAVAILABLE, why=why)


def _cookie_name(room: Room) -> str:
    """`__Host-` binds the cookie to this very host; browsers accept that name over https only."""
    return "__Host-tip" if is_secure(room.settings) else "tip"
