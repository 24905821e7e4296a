"""Which permission each address of the desk needs. One that is not listed here is denied to everybody."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import HTTPException, Request
from sqlmodel import Session

from triage.custody import note_seen
from triage.log import Line, note
from triage.permissions import Denied, Permission, may
from triage.records import Person
from triage.web.sessions import Visitor
from triage.web.visit import Visit, room_of

P = Permission

NEEDS: dict[str, Permission] = {
    "GET /banners": P.OWN_ACCOUNT,
    "GET /live": P.OWN_ACCOUNT,
    "GET /account": P.OWN_ACCOUNT,
    "POST /account/password": P.OWN_ACCOUNT,
    "POST /account/oidc": P.OWN_ACCOUNT,
    "POST /account/oidc/disconnect": P.OWN_ACCOUNT,
    "POST /sign-out": P.OWN_ACCOUNT,
    "GET /api/v1/openapi.json": P.OWN_ACCOUNT,
    "GET /api/v1/me": P.OWN_ACCOUNT,
    "GET /api/v1/healthz": P.OWN_ACCOUNT,
    "GET /counts": P.SEE_COUNTS,
    "GET /queue": P.READ_CASES,
    "GET /queue/new": P.READ_CASES,
    "GET /queue/map": P.READ_CASES,
    "GET /cases/{ref}": P.READ_CASES,
    "GET /cases/{ref}/row": P.READ_CASES,
    "GET /cases/{ref}/alike": P.READ_CASES,
    "GET /cases/{ref}/posts/{post}/compare": P.READ_CASES,
    "GET /cases/{ref}/dismiss": P.READ_CASES,
    "GET /cases/{ref}/footage/{footage}/blurred": P.READ_CASES,
    "GET /cases/{ref}/footage/{footage}/sheet": P.READ_CASES,
    "POST /cases/{ref}/footage/{footage}/show": P.READ_CASES,
    "POST /cases/{ref}/footage": P.ADD_FOOTAGE,
    "POST /cases/{ref}/posts/{post}/copied": P.READ_CASES,
    "POST /cases/{ref}/export": P.EXPORT,
    "POST /cases/{ref}/released": P.EXPORT,
    "GET /claims": P.READ_CASES,
    "GET /claims/{ref}": P.READ_CASES,
    "GET /cases/{ref}/claims/new": P.TRIAGE,
    "POST /cases/{ref}/claims": P.TRIAGE,
    "POST /cases/{ref}/questions": P.TRIAGE,
    "POST /cases/{ref}/questions/{question}": P.TRIAGE,
    "POST /claims/{ref}/words": P.TRIAGE,
    "POST /claims/{ref}/sighting": P.TRIAGE,
    "POST /claims/{ref}/merge": P.TRIAGE,
    "POST /claims/{ref}/part": P.TRIAGE,
    "POST /claims/{ref}/withdraw": P.TRIAGE,
    "POST /claims/{ref}/restore": P.TRIAGE,
    "POST /claims/{ref}/decide": P.DECIDE_CLAIM,
    "POST /claims/{ref}/answer": P.DECIDE_CLAIM,
    "POST /claims/{ref}/respond": P.DECIDE_CLAIM,
    "POST /claims/{ref}/undo": P.DECIDE_CLAIM,
    "GET /statements": P.READ_CASES,
    "GET /statements.csv": P.READ_CASES,
    "GET /statements.json": P.READ_CASES,
    "POST /statements/library": P.WORK_COMMS,
    "GET /cases/{ref}/statements/{number}": P.READ_CASES,
    "POST /cases/{ref}/statements": P.WORK_COMMS,
    "POST /cases/{ref}/statements/{number}/check": P.READ_CASES,
    "POST /cases/{ref}/statements/{number}/write": P.WORK_COMMS,
    "POST /cases/{ref}/statements/{number}/submit": P.WORK_COMMS,
    "POST /cases/{ref}/statements/{number}/back": P.WORK_COMMS,
    "POST /cases/{ref}/statements/{number}/comment": P.NOTE_FACT,
    "POST /cases/{ref}/statements/{number}/aside": P.WORK_COMMS,
    "POST /cases/{ref}/statements/{number}/clear": P.APPROVE_LINE,
    "POST /cases/{ref}/statements/{number}/approve": P.APPROVE_LINE,
    "POST /cases/{ref}/statements/{number}/issue": P.WORK_COMMS,
    "POST /cases/{ref}/statements/{number}/follow": P.WORK_COMMS,
    "POST /cases/{ref}/facts": P.NOTE_FACT,
    "POST /cases/{ref}/facts/{fact}/verify": P.VERIFY_FACT,
    "POST /cases/{ref}/facts/{fact}/withdraw": P.NOTE_FACT,
    "GET /alerts": P.READ_CASES,
    "POST /alerts/retry": P.ACKNOWLEDGE,
    "POST /alerts/channels/off": P.SWITCH,
    "POST /alerts/channels/on": P.SWITCH,
    "GET /routings": P.READ_CASES,
    "GET /search": P.READ_CASES,
    "GET /dropped": P.CHECK_DROPPED,
    "POST /dropped/{sample}": P.CHECK_DROPPED,
    "GET /model": P.READ_MODEL,
    "POST /model/ask": P.CHANGE_MODEL,
    "POST /model/{asked}/agree": P.CHANGE_MODEL,
    "POST /model/{asked}/refuse": P.CHANGE_MODEL,
    "POST /model/off": P.SWITCH,
    "POST /model/on": P.SWITCH,
    "GET /rules": P.READ_RULES,
    "POST /rules/back": P.CHANGE_RULES,
    "POST /rules/{asked}/agree": P.CHANGE_RULES,
    "POST /rules/{asked}/refuse": P.CHANGE_RULES,
    "GET /api/v1/cases": P.READ_CASES,
    "GET /api/v1/cases/{ref}": P.READ_CASES,
    "GET /api/v1/alerts": P.READ_CASES,
    "GET /api/v1/statements": P.READ_CASES,
    "GET /sources": P.READ_SOURCES,
    "GET /sources/{name}": P.READ_SOURCES,
    "GET /coverage": P.READ_SOURCES,
    "POST /sources/{name}/ask": P.TEND_SOURCES,
    "POST /sources/{name}/pause": P.TEND_SOURCES,
    "POST /sources/{name}/go-on": P.TEND_SOURCES,
    "POST /sources/{name}/gaps/{gap}/close": P.TEND_SOURCES,
    "GET /api/v1/sources": P.READ_SOURCES,
    "GET /packs": P.READ_PACKS,
    "POST /packs": P.MAKE_PACKS,
    "POST /packs/{number}/release": P.RELEASE_PACKS,
    "POST /packs/{number}/refuse": P.RELEASE_PACKS,
    "GET /packs/{number}/{form}": P.READ_PACKS,
    "GET /cases/{ref}/sheet": P.WORK_OVERSIGHT,
    "POST /cases/{ref}/sheet": P.WORK_OVERSIGHT,
    "POST /cases/{ref}/sheet/words": P.WORK_OVERSIGHT,
    "GET /reviews": P.READ_REVIEWS,
    "POST /reviews/calendar": P.READ_REVIEWS,
    "POST /reviews/revoke": P.READ_REVIEWS,
    "GET /reviews/people": P.SEAT_PEOPLE,
    "POST /reviews/people": P.SEAT_PEOPLE,
    "POST /reviews/people/{seat}/end": P.SEAT_PEOPLE,
    "GET /reviews/requests": P.READ_REVIEWS,
    "POST /reviews/requests": P.RUN_REVIEWS,
    "POST /reviews/requests/{number}": P.RUN_REVIEWS,
    "GET /reviews/{day}": P.READ_REVIEWS,
    "GET /reviews/{day}/quorum": P.READ_REVIEWS,
    "POST /reviews/{day}/items": P.RUN_REVIEWS,
    "POST /reviews/{day}/items/{ref}/{what}": P.RUN_REVIEWS,
    "POST /reviews/{day}/attendance": P.RUN_REVIEWS,
    "POST /reviews/{day}/attendance/{row}": P.RUN_REVIEWS,
    "POST /reviews/{day}/declare": P.READ_REVIEWS,
    "POST /reviews/{day}/declarations/{declaration}/withdraw": P.RUN_REVIEWS,
    "POST /reviews/{day}/move": P.RUN_REVIEWS,
    "POST /reviews/{day}/cancel": P.RUN_REVIEWS,
    "POST /reviews/{day}/reinstate": P.RUN_REVIEWS,
    "GET /panel": P.READ_PANEL,
    "GET /reviews/{day}/cases/{ref}": P.READ_REVIEWS,
    "GET /reviews/{day}/minutes": P.READ_REVIEWS,
    "GET /reviews/{day}/minutes.txt": P.READ_REVIEWS,
    "GET /reviews/{day}/minutes.html": P.READ_REVIEWS,
    "GET /actions": P.READ_REVIEWS,
    "GET /actions/{number}": P.READ_REVIEWS,
    "GET /feedback": P.READ_REVIEWS,
    "GET /early-signals": P.READ_REVIEWS,
    "GET /figures": P.READ_REVIEWS,
    "POST /reviews/{day}/cases/{ref}/decide": P.DECIDE_FINDING,
    "POST /reviews/{day}/cases/{ref}/actions": P.DECIDE_FINDING,
    "POST /reviews/{day}/minutes/draft": P.DECIDE_FINDING,
    "POST /reviews/{day}/minutes/edit": P.DECIDE_FINDING,
    "POST /reviews/{day}/minutes/approve": P.DECIDE_FINDING,
    "POST /reviews/{day}/minutes/correct": P.DECIDE_FINDING,
    "POST /actions": P.DECIDE_FINDING,
    "POST /actions/{number}/{act}": P.DECIDE_FINDING,
    "POST /feedback/forms": P.DECIDE_FINDING,
    "POST /feedback/said": P.DECIDE_FINDING,
    "POST /feedback/said/{line}/told": P.DECIDE_FINDING,
    "POST /feedback/{feedback_id}/write": P.DECIDE_FINDING,
    "POST /feedback/{feedback_id}/sent": P.DECIDE_FINDING,
    "POST /feedback/{feedback_id}/confirmed": P.DECIDE_FINDING,
    "POST /cases/{ref}/referrals": P.WORK_CONDUCT,
    "POST /cases/{ref}/referrals/{referral}/back": P.WORK_CONDUCT,
    "GET /log": P.READ_LOG,
    "POST /queue/next": P.TRIAGE,
    "POST /queue/bulk": P.TRIAGE,
    "GET /manual": P.TRIAGE,
    "POST /manual": P.TRIAGE,
    "GET /manual/{ref}": P.TRIAGE,
    "POST /cases/{ref}/claim": P.TRIAGE,
    "POST /cases/{ref}/release": P.TRIAGE,
    "POST /cases/{ref}/dismiss": P.TRIAGE,
    "POST /cases/{ref}/watch": P.TRIAGE,
    "POST /cases/{ref}/confirm": P.TRIAGE,
    "POST /cases/{ref}/undo": P.TRIAGE,
    "POST /cases/{ref}/type": P.TRIAGE,
    "POST /cases/{ref}/reopen": P.TRIAGE,
    "POST /cases/{ref}/suggestion": P.TRIAGE,
    "POST /cases/{ref}/exemplary": P.TRIAGE,
    "POST /cases/{ref}/split": P.TRIAGE,
    "POST /cases/{ref}/join": P.TRIAGE,
    "POST /cases/{ref}/acknowledge": P.ACKNOWLEDGE,
    "POST /cases/{ref}/tracks/move": P.WORK_TRACKS,
    "POST /cases/{ref}/tracks/take": P.WORK_TRACKS,
    "POST /cases/{ref}/tracks/leave": P.WORK_TRACKS,
    "POST /cases/{ref}/clocks/{act}": P.WORK_TRACKS,
    "POST /cases/{ref}/prompts": P.WORK_CONDUCT,
    "POST /cases/{ref}/prompts/answer": P.WORK_CONDUCT,
    "GET /cases/{ref}/body-worn": P.READ_CASES,
    "POST /cases/{ref}/body-worn": P.WORK_OVERSIGHT,
    "POST /cases/{ref}/body-worn/decide": P.DECIDE_RELEASE,
    "POST /cases/{ref}/body-worn/answer": P.DECIDE_RELEASE,
    "POST /cases/{ref}/body-worn/item": P.DECIDE_RELEASE,
    "POST /cases/{ref}/body-worn/viewed": P.WORK_OVERSIGHT,
    "POST /cases/{ref}/severity": P.SET_SEVERITY,
    "POST /cases/{ref}/severity/back": P.SET_SEVERITY,
    "POST /cases/{ref}/close": P.TRIAGE,
    "POST /cases/{ref}/restrict": P.RESTRICT,
    "POST /cases/{ref}/restrict/people": P.RESTRICT,
    "POST /cases/{ref}/restrict/lift": P.RESTRICT,
    "POST /cases/{ref}/restrict/answer": P.RESTRICT,
    "POST /cases/{ref}/tie": P.READ_CASES,
    "GET /cases/{ref}/posts/{post}/reveal": P.REVEAL,
    "POST /cases/{ref}/posts/{post}/reveal": P.REVEAL,
    "GET /cases/{ref}/reveals/{reveal}": P.REVEAL,
    "POST /cases/{ref}/reveals/{reveal}/agree": P.REVEAL,
    "POST /cases/{ref}/reveals/{reveal}/show": P.REVEAL,
    "GET /on-call": P.READ_CASES,
    "POST /on-call/changes": P.TRIAGE,
    "POST /on-call/changes/{change}/{act}": P.TRIAGE,
    "POST /on-call/calendar": P.READ_CASES,
    "POST /on-call/revoke": P.READ_CASES,
    "POST /cases/{ref}/escalate": P.ACKNOWLEDGE,
    "POST /cases/{ref}/snooze": P.ACKNOWLEDGE,
    "GET /exercise": P.READ_CASES,
    "POST /exercise/begin": P.TRIAGE,
    "POST /exercise/note": P.READ_CASES,
    "GET /shift": P.READ_CASES,
    "POST /shift/note": P.TRIAGE,
    "POST /shift/note/{note}/read": P.TRIAGE,
    "GET /retention": P.READ_RETENTION,
    "GET /retention/certificates/{number}": P.READ_RETENTION,
    "GET /retention/certificates/{number}/file": P.READ_RETENTION,
    "GET /holds": P.READ_HOLDS,
    "GET /holds/{number}": P.READ_HOLDS,
    "POST /holds": P.SET_HOLD,
    "POST /holds/{number}/sign": P.SIGN_HOLD,
    "POST /holds/{number}/review": P.SET_HOLD,
    "POST /holds/{number}/release": P.SET_HOLD,
    "GET /rights": P.ANSWER_RIGHTS,
    "GET /rights/{number}": P.ANSWER_RIGHTS,
    "POST /rights": P.ANSWER_RIGHTS,
    "POST /rights/{number}/extend": P.ANSWER_RIGHTS,
    "POST /rights/{number}/decide": P.ANSWER_RIGHTS,
    "POST /rights/{number}/answered": P.ANSWER_RIGHTS,
    "POST /rights/{number}/package": P.ANSWER_RIGHTS,
    "GET /reveals": P.READ_REVEALS,
    "GET /reveals.csv": P.READ_REVEALS,
    "POST /reveals/locks/{lock}/open": P.UNLOCK_REVEALS,
    "GET /accountability": P.READ_ACCOUNTABILITY,
    "GET /accountability/{name}": P.READ_ACCOUNTABILITY,
    "POST /accountability/access": P.REVIEW_ACCESS,
    "GET /our-errors": P.READ_ERRORS,
    "POST /our-errors": P.SWITCH,
    "POST /our-errors/{number}": P.SWITCH,
    "POST /cases/{ref}/tie/{tie}/withdraw": P.SUPERVISE,
    "POST /api/v1/cases/{ref}/claim": P.TRIAGE,
    "POST /api/v1/cases/{ref}/release": P.TRIAGE,
    "POST /api/v1/cases/{ref}/dismiss": P.TRIAGE,
    "POST /api/v1/cases/{ref}/acknowledge": P.ACKNOWLEDGE,
}
# for those who have not signed in, and check for themselves
OPEN = ("/sign-in", "/sign-in/{token}", "/sign-in/oidc", "/sign-in/oidc/back")
NO_CASE = "There is no such case."
TIED = "You have said that you know somebody in this case, so it is not shown to you. A supervisor can change that."
HOMES = (("/queue", P.READ_CASES), ("/counts", P.SEE_COUNTS), ("/log", P.READ_LOG), ("/panel", P.READ_PANEL))


class OutOfSight(HTTPException):
    """A case that is hidden from the person: to them it is as if it did not exist. `needs` is what kept them out."""

    def __init__(self, case_id: UUID, *, tied: bool) -> None:
        super().__init__(403 if tied else 404, TIED if tied else NO_CASE)
        self.case_id, self.needs = case_id, "no tie to the case" if tied else "a name on its restriction"


class Unlisted(Denied):
    """An address that nobody has decided on."""

    def __init__(self) -> None:
        super().__init__(Permission.OWN_ACCOUNT)


def permitted(request: Request) -> None:
    """Raises Denied unless the person's roles carry what the address needs."""
    path = str(getattr(request.scope["route"], "path", ""))
    if path in OPEN:
        return
    visitor: Visitor | None = request.state.visitor
    needed = NEEDS.get(f"{'GET' if request.method == 'HEAD' else request.method} {path}")
    if needed is None or visitor is None:
        raise Unlisted
    if not may(visitor.person, needed):
        raise Denied(needed)


def note_denial(request: Request, denied: Denied | OutOfSight) -> None:
    """Leave a line in the log: who was denied what. The address as routed holds no text of anyone."""
    room, visitor = room_of(request), request.state.visitor
    route = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"
    needs, case_id = (
        (denied.needs, denied.case_id) if isinstance(denied, OutOfSight) else (denied.permission.value, None)
    )
    detail: dict[str, Any] = {"needs": needs, "route": route}
    with Session(room.engine) as session:
        who = visitor.person.username if visitor else "someone"
        note(session, [Line("denied", case_id, None, detail)], who=who, now=room.now())
        session.commit()


def note_view(visit: Visit, case_id: UUID, posts: Sequence[UUID]) -> None:
    """Enter that this person sees the case and these posts of it, before the page shows them."""
    with Session(visit.room.engine) as session:
        note_seen(session, case_id, posts, who=visit.person.username, now=visit.now)
        session.commit()


def home_of(person: Person) -> str:
    """The first page the person may see."""
    return next((path for path, needed in HOMES if may(person, needed)), "/account")
