"""The sample of what was dropped: one post at a time, two answers, and the miss rate they add up to."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from classifier.records import IncidentType
from triage import sampling
from triage.locked import Conflict
from triage.web.visit import Visiting
from triage.web.words import TYPE

router = APIRouter()

DAYS = 90
KINDS = {name: said for name, said in TYPE.items() if name != IncidentType.NONE}


@router.get("/dropped")
def dropped(visit: Visiting) -> HTMLResponse:
    """The next post nobody has looked at, and the figures so far."""
    left = sampling.waiting(visit.session)
    return visit.page(
        "dropped.html",
        shown=left[0] if left else None,
        left=len(left),
        rates=sampling.rates(visit.session, days=DAYS, now=visit.now),
        days=DAYS,
        kinds=KINDS,
    )


@router.post("/dropped/{sample}")
def answer(visit: Visiting, sample: UUID, said: Annotated[str, Form(max_length=40)]) -> Response:
    """`said` is `rightly`, or the kind of encounter that should have been raised."""
    kind = IncidentType(said) if said in KINDS else None
    if kind is None and said != "rightly":
        return visit.page("conflict.html", 422, detail="Choose one of the answers.", back="/dropped")
    try:
        sampling.answer(
            visit.session, sample, missed=kind is not None, kind=kind, who=visit.person, now=visit.now
        )
        visit.session.commit()
    except Conflict as conflict:
        visit.session.rollback()
        return visit.page("conflict.html", 409, detail=str(conflict), back="/dropped")
    return visit.back("missed" if kind else "rightly-dropped", "/dropped")
