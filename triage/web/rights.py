"""Rights requests: entered by the addresses of posts, what we hold about them, decided, answered."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import IO, Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from collector.plain import clean, tidy
from triage import rights as requests
from triage.answering_rights import export_subject
from triage.locked import Conflict
from triage.rights_found import PARTS, Found, find_posts, read_permalinks, what_we_hold
from triage.rights_records import RightsKind, RightsOutcome, RightsRequest
from triage.web.visit import Numbered, Visit, Visiting

router = APIRouter()

LONDON = ZoneInfo("Europe/London")
PIECE = 1 << 18
KINDS = {
    RightsKind.ACCESS: "Access: what we hold",
    RightsKind.ERASURE: "Erasure",
    RightsKind.OBJECTION: "Objection",
    RightsKind.RECTIFICATION: "Rectification",
}
OUTCOMES = {
    RightsOutcome.GRANTED: "Granted",
    RightsOutcome.IN_PART: "Granted in part",
    RightsOutcome.REFUSED: "Refused",
}

Words = Annotated[str, Form(max_length=4_000)]
Links = Annotated[str, Form(max_length=100_000)]
Short = Annotated[str, Form(max_length=200)]


@router.get("/rights")
def rights(visit: Visiting) -> HTMLResponse:
    """The requests, those that wait first."""
    return visit.page(
        "rights.html", requests=requests.list_requests(visit.session), kinds=KINDS, outcomes=OUTCOMES
    )


@router.post("/rights")
def enter(
    visit: Visiting,
    kind: Short = "",
    reference: Short = "",
    links: Links = "",
    asks: Words = "",
    received: Short = "",
) -> Response:
    """Enter a request."""
    made: list[RightsRequest] = []

    def change() -> None:
        if kind not in list(RightsKind):
            raise Conflict("Choose what is asked for.")
        made.append(
            requests.enter_request(
                visit.session, RightsKind(kind), reference=clean(reference),
                permalinks=read_permalinks(clean(links), visit.room.inbox.providers), asks=tidy(clean(asks)),
                received_at=_day(received), who=visit.person, now=visit.now,
            )
        )  # fmt: skip

    return visit.attempt(change, "/rights") or visit.back("rights-entered", f"/rights/{made[0].number}")


@router.get("/rights/{number}")
def one(visit: Visiting, number: Numbered) -> HTMLResponse:
    """One request, with what we hold about its posts now."""
    found = _find(visit, number)
    held = _held(visit, found)
    return visit.page("right.html", one=found, held=held, parts=PARTS, kinds=KINDS, outcomes=OUTCOMES)


@router.post("/rights/{number}/extend")
def extend(visit: Visiting, number: Numbered, because: Words = "") -> Response:
    """Two months more."""
    found = _find(visit, number)

    def change() -> None:
        requests.extend_request(
            visit.session, found.id, because=tidy(clean(because)), who=visit.person, now=visit.now
        )

    return _done(visit, number, change, "rights-extended")


@router.post("/rights/{number}/decide")
def decide(visit: Visiting, number: Numbered, outcome: Short = "", why: Words = "") -> Response:
    """Decide it with a reason."""
    found = _find(visit, number)

    def change() -> None:
        if outcome not in list(RightsOutcome):
            raise Conflict("Choose what is decided.")
        requests.decide_request(
            visit.session, found.id, RightsOutcome(outcome), why=tidy(clean(why)), found=_held(visit, found),
            who=visit.person, now=visit.now,
        )  # fmt: skip

    return _done(visit, number, change, "rights-decided")


@router.post("/rights/{number}/answered")
def answered(visit: Visiting, number: Numbered) -> Response:
    """Enter that the answer was sent."""
    found = _find(visit, number)

    def change() -> None:
        requests.answer_request(visit.session, found.id, who=visit.person, now=visit.now)

    return _done(visit, number, change, "rights-answered")


@router.post("/rights/{number}/package")
def package(visit: Visiting, number: Numbered) -> Response:
    """The answer to an access request as an archive; entered before it is handed out."""
    found = _find(visit, number)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed once it was sent
    export_subject(visit.session, found, _posts(visit, found), file, who=visit.person, now=visit.now)
    visit.session.commit()
    file.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="R-{found.number}.zip"'}
    return StreamingResponse(_pieces(file), media_type="application/zip", headers=headers)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _find(visit: Visit, number: int) -> RightsRequest:
    found = requests.find_request(visit.session, number)
    if found is None:
        raise HTTPException(404, "There is no such request.")
    return found


def _posts(visit: Visit, found: RightsRequest) -> list[UUID]:
    room = visit.room
    return find_posts(visit.session, found.permalinks, room.inbox.providers, room.policies.permalink_key)


def _held(visit: Visit, found: RightsRequest) -> list[Found]:
    return what_we_hold(visit.session, _posts(visit, found))


def _day(written: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(written.strip()), time(), LONDON)
    except ValueError as error:
        raise Conflict("Enter the day it was received.") from error


def _done(visit: Visit, number: int, change: Callable[[], None], said: str) -> Response:
    here = f"/rights/{number}"
    return visit.attempt(change, here) or visit.back(said, here)
