"""Cases like one case: asked for once its page is there, so that the page itself never waits for them."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from triage.alike import cases_like
from triage.web.claim_rows import STATES
from triage.web.permitted import note_view
from triage.web.queue import find_case
from triage.web.visit import Visiting

router = APIRouter()


@router.get("/cases/{ref}/alike")
def alike(visit: Visiting, ref: str) -> HTMLResponse:
    """A piece of the case page, or a page of its own without JavaScript."""
    found = find_case(visit.session, ref)
    note_view(visit, found.id, [])
    like = cases_like(visit.session, found, visit.room.rarity)
    if visit.in_place:
        return visit.part("alike.html", case=found, alike=like, states=STATES)
    return visit.page("alike_page.html", case=found, alike=like, states=STATES)
