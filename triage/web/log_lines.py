"""The whole log, newest first, for those who audit it. Names of cases and words of posts are not in it."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlmodel import col, select

from triage.chain import head_of
from triage.records import LogEntry
from triage.web.visit import Visiting

router = APIRouter()

SHOWN = 200


@router.get("/log")
def log(visit: Visiting, before: Annotated[int | None, Query(ge=1, le=2**62)] = None) -> HTMLResponse:
    """Two hundred entries, those before the entry whose number the address gives."""
    asked = select(LogEntry).order_by(col(LogEntry.seq).desc()).limit(SHOWN)
    if before is not None:
        asked = asked.where(col(LogEntry.seq) < before)
    lines = list(visit.session.exec(asked))
    return visit.page("log.html", lines=lines, head=head_of(visit.session), shown=SHOWN)
