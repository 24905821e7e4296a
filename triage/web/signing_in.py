"""Signing in by a one-time link or by password, and out. The token in the cookie is new at each sign-in."""

import hmac
import secrets
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from triage import people
from triage.actions import release_all
from triage.log import Line, note
from triage.records import Person
from triage.web import sessions
from triage.web.permitted import home_of
from triage.web.security import is_secure, safe_next
from triage.web.visit import SAID, Room, Visiting, plain_page, room_of

router = APIRouter()

Text = Annotated[str, Form(max_length=1024)]


def cookie_name(*, secure: bool) -> str:
    """`__Host-` binds the cookie to this very host; browsers accept that name over https only."""
    return "__Host-goldenhour" if secure else "goldenhour"


def _door_cookie(*, secure: bool) -> str:
    return "__Host-door" if secure else "door"


@router.get("/sign-in")
def form(request: Request, next: str = "") -> Response:
    if request.state.visitor is not None:
        return RedirectResponse(safe_next(next), HTTPStatus.SEE_OTHER)
    return _form(request, asked=safe_next(next), said=SAID.get(request.query_params.get("said", ""), ""))


@router.post("/sign-in")
def by_password(
    request: Request, username: Text = "", password: Text = "", door: Text = "", next: Text = ""
) -> Response:
    """The same answer for a wrong name and a wrong password; guessing is slowed down by account and address."""
    room, asked = room_of(request), safe_next(next)
    if not _same_browser(request, room, door):
        return _form(request, asked=asked, wrong="This page was open too long. Try again", username=username)
    if room.provider is not None and room.provider.only:
        return _form(request, asked=asked, wrong="Passwords are not used here", status=422)
    with Session(room.engine) as session:
        try:
            person = people.verify(session, username, password, address=_address(request), now=room.now())
        except people.Throttled as error:
            session.commit()
            return _form(request, asked=asked, wrong=str(error), username=username, status=429)
        if person is None:
            _log(session, room, "someone", "sign-in refused")
            session.commit()
            return _form(
                request,
                asked=asked,
                wrong="The user name or password is not right",
                username=username,
                status=422,
            )
        return let_in(request, room, session, person, asked)


@router.get("/sign-in/{token}")
def link(request: Request, token: str) -> HTMLResponse:
    """Asks before it uses the link up: programs that look at links must not sign in."""
    return _form(request, asked="/queue", link=token)


@router.post("/sign-in/{token}")
def by_link(request: Request, token: str, door: Text = "") -> Response:
    room = room_of(request)
    if not _same_browser(request, room, door):
        return _form(request, asked="/queue", link=token, wrong="This page was open too long. Try again")
    with Session(room.engine) as session:
        person = people.redeem(session, token, now=room.now())
        if person is None:
            _log(session, room, "someone", "sign-in link refused")
            session.commit()
            wrong = "This link has been used or is too old. Ask for a new one, or use your password"
            return _form(request, asked="/queue", wrong=wrong, status=422)
        first = "/exercise" if room.exercise else "/queue" if person.password_hash else "/account"
        return let_in(request, room, session, person, first)


@router.post("/sign-out")
def sign_out(visit: Visiting) -> Response:
    """Ends this browser's session; with the last one of a person, the cases they hold are free for others."""
    sessions.end(visit.session, visit.visitor.digest)
    if not sessions.has_any(visit.session, visit.person):
        release_all(visit.session, who=visit.person, now=visit.now)
    _log(visit.session, visit.room, visit.person.username, "signed out")
    visit.session.commit()
    answer = RedirectResponse("/sign-in?said=signed-out", HTTPStatus.SEE_OTHER)
    secure = is_secure(visit.room.settings)
    answer.delete_cookie(cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="lax")
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def let_in(request: Request, room: Room, session: Session, person: Person, to: str) -> Response:
    if request.state.visitor is not None:
        sessions.end(session, request.state.visitor.digest)
    token = sessions.begin(session, person, room.settings, now=room.now())
    _log(session, room, person.username, "signed in")
    session.commit()
    secure = is_secure(room.settings)
    answer = RedirectResponse(home_of(person) if to == "/queue" else to, HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        cookie_name(secure=secure),
        token,
        max_age=room.settings.session_hours * 3600,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    return answer


def refused(request: Request, wrong: str) -> HTMLResponse:
    """The sign-in page with what went wrong."""
    return _form(request, asked="/queue", wrong=wrong, status=422)


def _form(request: Request, *, asked: str, status: int = 200, **shown: str) -> HTMLResponse:
    """The page with a fresh door token, in the form and in a cookie: both must come back together."""
    room = room_of(request)
    door = secrets.token_urlsafe(24)
    known = {"wrong": "", "username": "", "link": "", "said": "", **shown}
    answer = plain_page(
        room, request, "sign_in.html", status, door=door, asked=asked, provider=room.provider, **known
    )
    secure = is_secure(room.settings)
    answer.set_cookie(
        _door_cookie(secure=secure),
        door,
        max_age=3600,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return answer


def _same_browser(request: Request, room: Room, door: str) -> bool:
    kept = request.cookies.get(_door_cookie(secure=is_secure(room.settings)), "")
    return bool(kept) and hmac.compare_digest(kept.encode(), door.encode())


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _log(session: Session, room: Room, who: str, what: str) -> None:
    note(session, [Line(what)], who=who, now=room.now())
