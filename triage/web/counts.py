"""Counts only: how many cases are open, how grave and where. For those who read no case."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, func, select

from triage.records import OPEN, Case
from triage.web.visit import Visiting

router = APIRouter()


@router.get("/counts")
def counts(visit: Visiting) -> HTMLResponse:
    """Open cases by severity and by borough."""
    return visit.page(
        "counts.html",
        severities=_by(visit.session, Case.severity),
        boroughs=[(name or "Not known", count) for name, count in _by(visit.session, Case.borough)],
    )


def _by(session: Session, column: Any) -> list[tuple[Any, int]]:
    grouped = select(column, func.count()).where(col(Case.status).in_(OPEN))
    return [(value, count) for value, count in session.execute(grouped.group_by(column).order_by(column))]
