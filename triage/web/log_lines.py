"""The whole log, newest first, for those who audit it: the numbers of cases, never words of posts.

Who may read cases sees a case's title beside its number.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from triage.chain import head_of
from triage.records import Case, LogEntry
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
    return visit.page(
        "log.html", lines=lines, cases=_cases(visit.session, lines), head=head_of(visit.session), shown=SHOWN
    )


def _cases(session: Session, lines: Sequence[LogEntry]) -> dict[UUID, tuple[int | None, str]]:
    """Number and title of the cases that these lines are about, of those that are still kept."""
    about = {line.case_id for line in lines}
    found = session.execute(select(Case.id, Case.number, Case.title).where(col(Case.id).in_(about)))
    return {case: (number, title) for case, number, title in found}
