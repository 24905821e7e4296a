"""What the service says of itself: the sheets, the going through of access; and the plain page for the public."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, func, select

from collector.records import SourceRow, Tally
from collector.sources import kind_of
from triage.accountability.access import note_review
from triage.accountability.known import Known
from triage.accountability.sheet import as_markdown
from triage.accountability.sheets import SHEETS, make
from triage.accountability.yearly import numbers, years
from triage.web.visit import Room, Visiting, plain_page, room_of
from triage.web.words import NAMED, plain

router = APIRouter()
public = APIRouter()

MARKDOWN = ".md"
NO_SHEET = "There is no such sheet."
NOT_READ = "The purposes cannot be told here: config/policy/purposes.toml was not read."
AWAY = "This page cannot be shown at the moment."


@router.get("/accountability")
def sheets(visit: Visiting) -> HTMLResponse:
    """Which sheets there are."""
    listed = [(name, says) for name, (says, _make) in SHEETS.items()]
    return visit.page("accountability.html", sheets=listed, known=visit.room.policies.known)


@router.get("/accountability/{name}")
def sheet(visit: Visiting, name: str) -> Response:
    """One sheet as a page; with `.md` after its name as text."""
    wanted = name.removesuffix(MARKDOWN)
    if wanted not in SHEETS:
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_SHEET)
    made = make(wanted, visit.session, _known(visit.room), now=visit.now)
    if name.endswith(MARKDOWN):
        headers = {"Content-Disposition": f'attachment; filename="{wanted}-{visit.now:%Y%m%d}.md"'}
        return Response(as_markdown(made), media_type="text/markdown; charset=utf-8", headers=headers)
    return visit.page("sheet.html", sheet=made)


@router.post("/accountability/access")
def reviewed(visit: Visiting, said: Annotated[str, Form(max_length=2_000)] = "") -> Response:
    """Enter that somebody went through who has access."""
    return visit.attempt(
        lambda: note_review(visit.session, who=visit.person, said=said, now=visit.now),
        "/accountability/access",
    ) or visit.back("access-reviewed", "/accountability/access")


@public.get("/transparency")
def transparency(request: Request) -> HTMLResponse:
    """What is collected, from where, why, how long, how to object, and the numbers of the years. For everybody."""
    room = room_of(request)
    known = room.policies.known
    if known is None:
        return plain_page(room, request, "tip_closed.html", HTTPStatus.SERVICE_UNAVAILABLE, why=AWAY)
    with Session(room.engine) as session:
        begun = session.exec(select(func.min(Tally.minute))).one()
        told = [(year, numbers(session, year)) for year in years(begun, now=room.now())]
        read = session.exec(select(SourceRow.kind).where(SourceRow.enabled).distinct()).all()
    terms = [(NAMED.get(each, plain(each)), kind_of(each).basis) for each in sorted(read)]
    return plain_page(room, request, "transparency.html", known=known, years=told, terms=terms)


def _known(room: Room) -> Known:
    if room.policies.known is None:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, NOT_READ)
    return room.policies.known
