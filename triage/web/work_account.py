"""Signing in with the account one has at work, and connecting that account to the one here.

What must come back from the provider waits in a cookie of this browser; nothing is kept here meanwhile.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from http import HTTPStatus

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from triage.log import Line, note
from triage.oidc import Begun, Identity, OidcError, Provider, by_identity, connect, disconnect
from triage.records import Person
from triage.web.security import is_secure, safe_next
from triage.web.signing_in import let_in, refused
from triage.web.visit import Room, Visiting, room_of

router = APIRouter()

LASTS_S = 600
NONE = "No work accounts are set up here"
AWAY = "Your work account cannot be asked at the moment. Try again, or use a sign-in link"
NOT_YOU = "Your work account did not sign you in. Try again"
UNKNOWN = "This work account is not connected to anybody here. Sign in with a link, then connect it under Your account"
TAKEN = "This work account belongs to somebody else here already. Ask whoever runs the service"


def _cookie(*, secure: bool) -> str:
    return "__Host-work" if secure else "work"


@router.get("/sign-in/oidc")
def begin(request: Request, next: str = "") -> Response:
    """On to the provider, which sends the browser back to the address below."""
    room, provider = room_of(request), _provider(request)
    if provider is None:
        return refused(request, NONE)
    try:
        address, begun = provider.begin(next=safe_next(next))
    except OidcError as error:
        return _turned_away(request, room, error, AWAY)
    return _with_cookie(RedirectResponse(address, HTTPStatus.SEE_OTHER), room, begun)


@router.get("/sign-in/oidc/back")
def back(request: Request, code: str = "", state: str = "") -> Response:
    """The provider has sent the browser back: who is it? The cookie is used up, whatever the answer."""
    room, provider, begun = room_of(request), _provider(request), _begun(request)
    if provider is None or begun is None or not hmac.compare_digest(begun.state.encode(), state.encode()):
        return _cleared(refused(request, NOT_YOU), room)
    try:
        if not code:
            raise OidcError("the provider sent no code")
        identity = provider.finish(code, begun)
    except OidcError as error:
        return _cleared(_turned_away(request, room, error, NOT_YOU), room)
    return _cleared(_settled(request, room, identity, begun), room)


@router.post("/account/oidc")
def ask_to_connect(visit: Visiting) -> Response:
    """A page with the way on: a form may not lead to another site (Content-Security-Policy)."""
    provider = visit.room.provider
    if provider is None:
        return visit.page("account.html", HTTPStatus.NOT_FOUND, wrong=NONE, provider=None)
    try:
        address, begun = provider.begin(connect=True)
    except OidcError as error:
        _log(visit.session, visit.room, visit.person.username, error)
        visit.session.commit()
        return visit.page("account.html", HTTPStatus.BAD_GATEWAY, wrong=AWAY, provider=provider)
    page = visit.page("work_account.html", address=address, called=provider.name)
    return _with_cookie(page, visit.room, begun)


@router.post("/account/oidc/disconnect")
def let_go(visit: Visiting) -> Response:
    person = visit.session.get_one(Person, visit.person.id)
    disconnect(visit.session, person, by=person.username, now=visit.now)
    visit.session.commit()
    return visit.back("work-disconnected", "/account")


def _settled(request: Request, room: Room, identity: Identity, begun: Begun) -> Response:
    visitor = request.state.visitor
    with Session(room.engine) as session:
        if begun.connect:
            if visitor is None:
                return refused(request, "Your session ended meanwhile. Sign in, then connect again")
            person = session.get_one(Person, visitor.person.id)
            if not connect(session, person, identity, now=room.now()):
                return refused(request, TAKEN)
            session.commit()
            return RedirectResponse("/account?said=work-connected", HTTPStatus.SEE_OTHER)
        found = by_identity(session, identity)
        if found is None:
            _log(session, room, "someone", OidcError("nobody is connected to this account"))
            session.commit()
            return refused(request, UNKNOWN)
        return let_in(request, room, session, found, begun.next or "/queue")


def _turned_away(request: Request, room: Room, error: OidcError, said: str) -> HTMLResponse:
    with Session(room.engine) as session:
        _log(session, room, "someone", error)
        session.commit()
    return refused(request, said)


def _log(session: Session, room: Room, who: str, error: OidcError) -> None:
    detail = {"how": "work account", "why": str(error)}
    note(session, [Line("sign-in refused", detail=detail)], who=who, now=room.now())


def _provider(request: Request) -> Provider | None:
    return room_of(request).provider


def _begun(request: Request) -> Begun | None:
    kept = request.cookies.get(_cookie(secure=is_secure(room_of(request).settings)), "")
    try:
        return msgspec.json.decode(urlsafe_b64decode(kept.encode()), type=Begun)
    except (ValueError, msgspec.MsgspecError):
        return None


def _with_cookie(answer: Response, room: Room, begun: Begun) -> Response:
    secure = is_secure(room.settings)
    # Lax, not Strict: the provider's site sends the browser back here
    answer.set_cookie(
        _cookie(secure=secure),
        urlsafe_b64encode(msgspec.json.encode(begun)).decode(),
        max_age=LASTS_S,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    return answer


def _cleared(answer: Response, room: Room) -> Response:
    secure = is_secure(room.settings)
    answer.delete_cookie(_cookie(secure=secure), path="/", secure=secure, httponly=True, samesite="lax")
    return answer
