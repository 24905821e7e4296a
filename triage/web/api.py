"""The JSON interface: the desk's own reads and acts, for scripts and other systems of the force.

Same sign-in as the pages: the session cookie, and for changes its token in the header `X-CSRF-Token`
(`GET /api/v1/me` tells it). Described at /api/v1/openapi.json.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from sqlmodel import Session, col, select

from collector.days import seen_since
from triage import actions
from triage.records import AlertState, Desk, Status
from triage.statement_records import Statement, StatementState
from triage.web.alerts import read_alerts
from triage.web.api_shapes import (
    AcknowledgeIn,
    AlertOut,
    CaseOut,
    CasesOut,
    ClaimOut,
    DismissIn,
    GrowthOut,
    HealthOut,
    MeOut,
    PostOut,
    Refusal,
    SourceOut,
    StatementOut,
    TrackOut,
    WholeCaseOut,
    fields,
)
from triage.web.calm import troubles, watched
from triage.web.case import ids_of, read_voices
from triage.web.case_file import read_file
from triage.web.claim_rows import read_panel
from triage.web.filters import PER_PAGE, Filters
from triage.web.growth import read_growth
from triage.web.permitted import note_view
from triage.web.queue import find_case
from triage.web.rows import find_rows, rows_of
from triage.web.tracks import read_tracks
from triage.web.visit import Visiting

router = APIRouter(prefix="/api/v1")


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Refusal, "description": "Not signed in"},
    403: {
        "model": Refusal,
        "description": "Your roles do not allow it, the token is missing, or another site asked",
    },
    404: {"model": Refusal, "description": "No such case"},
    409: {"model": Refusal, "description": "Someone else was first, or it cannot be done in this state"},
    422: {"model": Refusal, "description": "The request does not fit its description"},
}

PageNumber = Annotated[int, Query(ge=1, le=100_000)]


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get("/me", responses=REFUSALS)
def me(visit: Visiting) -> MeOut:
    person = visit.person
    return MeOut(
        username=person.username, name=person.name, desks=person.desks, csrf_token=visit.visitor.csrf
    )


@router.get("/healthz", responses=REFUSALS)
def healthz(visit: Visiting) -> HealthOut:
    calm = troubles(visit.session, channels=visit.room.channels, now=visit.now)
    return HealthOut(
        well=not calm.troubles,
        troubles=[each.what for each in calm.troubles],
        live_sources=calm.live_sources,
        all_sources=calm.all_sources,
    )


@router.get("/cases", responses=REFUSALS)
def cases(
    visit: Visiting,
    desk: Annotated[str, Query(description="comms or oversight")] = "",  # noqa: ARG001 (read by Filters)
    view: Annotated[str, Query(description="open unclaimed mine waiting watch closed")] = "open",  # noqa: ARG001
    severity: Annotated[list[int] | None, Query()] = None,  # noqa: ARG001
    bcu: Annotated[list[str] | None, Query()] = None,  # noqa: ARG001
    borough: Annotated[list[str] | None, Query()] = None,  # noqa: ARG001
    type: Annotated[list[str] | None, Query()] = None,  # noqa: ARG001
    sort: Annotated[str, Query(description="clock severity newest posts pace")] = "clock",  # noqa: ARG001
    page: PageNumber = 1,
) -> CasesOut:
    """The queue, 25 a page, under the same filters as its address."""
    filters = Filters.read(visit.request.query_params)
    found = find_rows(visit.session, filters, visit.person, now=visit.now)
    return CasesOut(
        total=found.total,
        page=min(page, found.pages),
        pages=found.pages,
        cases=[CaseOut.of(each) for each in found.rows],
    )


@router.get("/cases/{ref}", responses=REFUSALS)
def case(visit: Visiting, ref: str) -> WholeCaseOut:
    """A case by number or id, with its first fifty posts, its growth, its tracks and its claims."""
    found = find_case(visit.session, ref)
    voices = read_voices(visit.session, found.id, sure=True, page=1)
    note_view(visit, found.id, ids_of(voices))
    posts = [PostOut.of(each) for each in voices]
    shown = CaseOut.of(rows_of(visit.session, [found], visit.person, now=visit.now)[0])
    file = read_file(visit.session, found)
    tracks = read_tracks(visit, file)
    return WholeCaseOut(
        **shown.model_dump(),
        growth=GrowthOut.of(read_growth(visit.session, file, now=visit.now)),
        posts=posts,
        tracks=[TrackOut.of(each) for each in tracks.shown] if tracks else [],
        claims=[
            ClaimOut.of(each)
            for each in read_panel(visit.session, file, visit.room.guide, now=visit.now).rows
        ],
    )


@router.post("/cases/{ref}/claim", responses=REFUSALS)
def claim(visit: Visiting, ref: str) -> CaseOut:
    return _act(
        visit,
        ref,
        lambda found: actions.claim(
            visit.session, found, who=visit.person, now=visit.now, lease=visit.room.lease
        ),
    )


@router.post("/cases/{ref}/release", responses=REFUSALS)
def release(visit: Visiting, ref: str) -> CaseOut:
    return _act(
        visit, ref, lambda found: actions.release(visit.session, found, who=visit.person, now=visit.now)
    )


@router.post("/cases/{ref}/acknowledge", responses=REFUSALS)
def acknowledge(visit: Visiting, ref: str, body: AcknowledgeIn) -> CaseOut:
    def change(found: UUID) -> object:
        return actions.acknowledge(
            visit.session, found, who=visit.person, desk=body.desk, through="desk", now=visit.now
        )

    return _act(visit, ref, change)


@router.post("/cases/{ref}/dismiss", responses=REFUSALS)
def dismiss(visit: Visiting, ref: str, body: DismissIn) -> CaseOut:
    def change(found: UUID) -> object:
        return actions.dismiss(
            visit.session, found, who=visit.person, status=Status(body.status), why=body.why, now=visit.now
        )

    return _act(visit, ref, change)


@router.get("/alerts", responses=REFUSALS)
def alerts(visit: Visiting, state: AlertState = AlertState.OPEN, desk: Desk | None = None) -> list[AlertOut]:
    """At most 200 of one state."""
    return [AlertOut.of(each) for each in read_alerts(visit.session, state=state, desk=desk or "")]


@router.get("/sources", responses=REFUSALS)
def sources(visit: Visiting) -> list[SourceOut]:
    """All sources; `seen_a_day` are the items of the last 24 hours, ours or not."""
    seen = seen_since(visit.session, visit.now - timedelta(days=1))
    return [
        SourceOut.model_validate(
            {
                **fields(each.source, set(SourceOut.model_fields) - {"seen_a_day", "blind"}),
                "seen_a_day": seen.get(each.source.name, 0),
                "blind": each.blind,
            }
        )
        for each in watched(visit.session, now=visit.now)
    ]


@router.get("/statements", responses=REFUSALS)
def statements(visit: Visiting, page: PageNumber = 1) -> list[StatementOut]:
    """Lines that stand, from drafts to those issued, newest first, 25 a page."""
    return [StatementOut.model_validate(each) for each in _standing(visit.session, page)]


def _standing(session: Session, page: int) -> Sequence[Statement]:
    over = (StatementState.SUPERSEDED, StatementState.CORRECTED, StatementState.EXPIRED)
    ordered = select(Statement).where(col(Statement.state).not_in(over))
    ordered = ordered.order_by(col(Statement.drafted_at).desc(), col(Statement.id))
    return session.exec(ordered.limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()


def _act(visit: Visiting, ref: str, change: Callable[[UUID], object]) -> CaseOut:
    found = find_case(visit.session, ref)
    try:
        change(found.id)
        visit.session.commit()
    except actions.Conflict as conflict:
        visit.session.rollback()
        raise HTTPException(409, str(conflict)) from conflict
    visit.session.refresh(found)
    return CaseOut.of(rows_of(visit.session, [found], visit.person, now=visit.now)[0])
