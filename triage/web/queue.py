"""The queue: what is worst, what runs out next, who has it."""

from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import AwareDatetime
from sqlmodel import Session, col, func, select
from starlette.datastructures import QueryParams

from triage import queue as cases
from triage.hidden import hidden_cases, is_tied, seeing_all
from triage.records import OPEN, Case, Person
from triage.web.filters import SORTS, VIEWS, Filters, fits
from triage.web.permitted import NO_CASE, OutOfSight
from triage.web.rows import find_rows, rows_of
from triage.web.visit import Visiting
from triage.web.words import BCU, DESK, REASONS

router = APIRouter()

MOST_COUNTED = 1000  # beside a view; the headline counts them all


@router.get("/queue")
def queue(visit: Visiting) -> HTMLResponse:
    """Both desks' cases under the filters in the address."""
    filters = Filters.read(visit.request.query_params)
    found = find_rows(visit.session, filters, visit.person, now=visit.now)
    return visit.page(
        "queue.html",
        filters=filters,
        found=found,
        page=min(filters.page, found.pages),
        counts=_counts(visit.session, filters, visit.person, now=visit.now),
        counted=_counted,
        boroughs=_boroughs(visit.session),
        views=VIEWS,
        sorts=SORTS,
        desks=DESK,
        bcus=BCU,
        reasons=REASONS,
        here=filters.address(page=filters.page),
    )


@router.get("/queue/new")
def new(visit: Visiting, since: Annotated[AwareDatetime, Query()]) -> JSONResponse:
    """How many cases have come under these filters since the page was made, and what stands beside each view now."""
    filters = Filters.read(visit.request.query_params)
    condition = fits(filters, visit.person, now=visit.now)
    came = select(func.count()).select_from(Case).where(condition, Case.opened_at > since)
    counts = _counts(visit.session, filters, visit.person, now=visit.now)
    views = {name: _counted(count) for name, count in counts.items()}
    return JSONResponse({"count": visit.session.exec(came).one(), "views": views})


@router.get("/banners")
def banners(visit: Visiting) -> HTMLResponse:
    """What is wrong right now, for the top of an open page."""
    return visit.page("banners.html")


@router.get("/cases/{ref}/row")
def row(visit: Visiting, ref: str) -> HTMLResponse:
    """One case as the queue shows it."""
    return case_row(visit, find_case(visit.session, ref))


def case_row(
    visit: Visiting, case: Case, *, told: str = "", wrong: bool = False, undone_by: str = ""
) -> HTMLResponse:
    """The row of a case, with one sentence about what was just done to it and the act that takes it back."""
    [shown] = rows_of(visit.session, [case], visit.person, now=visit.now)
    filters = Filters.read(QueryParams(_shown_query(visit)))
    return visit.part(
        "row.html",
        row=shown,
        filters=filters,
        told=told,
        wrong=wrong,
        undone_by=undone_by,
        here=filters.address(),
    )


def find_case(session: Session, reference: str) -> Case:
    """A case by its number (`12`, `GH-12`) or id. Raises 404, also for one that is hidden from who asks."""
    found = cases.find_case(session, reference)
    if found is None:
        with seeing_all(session):
            hidden = cases.find_case(session, reference)
        refuse_hidden(session, hidden.id if hidden else None)
        raise HTTPException(404, NO_CASE)
    return found


def refuse_hidden(session: Session, case_id: UUID | None) -> None:
    """Raises OutOfSight when there is such a case and it is hidden from whom the session looks as."""
    if case_id in hidden_cases(session):
        raise OutOfSight(case_id, tied=is_tied(session, case_id))


def _shown_query(visit: Visiting) -> dict[str, str]:
    """The filters of the page a piece is put into, as htmx tells its address."""
    address = visit.request.headers.get("hx-current-url", "")
    query = address.partition("?")[2].partition("#")[0]
    return {name: values[-1] for name, values in parse_qs(query).items()}


def _counts(session: Session, filters: Filters, me: Person, *, now: datetime) -> dict[str, int]:
    """How many cases each view holds under the other filters, up to MOST_COUNTED, in one query."""
    counted = []
    for name in (each for each in VIEWS if each != "closed"):
        held = select(Case.id).where(fits(filters._replace(view=name), me, now=now)).limit(MOST_COUNTED)
        counted.append(select(func.count()).select_from(held.subquery()).scalar_subquery().label(name))
    return dict(session.execute(select(*counted)).mappings().one())


def _counted(count: int) -> str:
    """What stands beside a view."""
    return f"{count:,}" if count < MOST_COUNTED else "999+"


def _boroughs(session: Session) -> list[str]:
    """Boroughs that open cases are in."""
    named = select(Case.borough).where(col(Case.status).in_(OPEN), col(Case.borough).is_not(None)).distinct()
    return sorted(each for each in session.exec(named) if each)
