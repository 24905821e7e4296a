"""Which signals of a case's first hour foretold that it would escalate: counts with intervals, small ones withheld."""

from datetime import timedelta

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from triage.review.foretelling import FLOOR, foretold
from triage.web.visit import Visiting

router = APIRouter()

PERIODS = {"year": ("12 months", 365), "half": ("6 months", 182), "all": ("All", 36_500)}


@router.get("/early-signals")
def early_signals(visit: Visiting, period: str = "year") -> HTMLResponse:
    """Of the cases that were reviewed in a period."""
    period = period if period in PERIODS else "year"
    since = visit.now - timedelta(days=PERIODS[period][1])
    return visit.page(
        "early_signals.html",
        found=foretold(visit.session, since, visit.now),
        period=period,
        periods=[(name, title) for name, (title, _) in PERIODS.items()],
        floor=FLOOR,
    )
