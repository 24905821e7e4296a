"""Sources: how each is doing against its own rhythm, what is missing, and which boroughs nobody watches."""

from collections import defaultdict

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlmodel import col, select

from collector.records import Gap
from triage.records import Heartbeat
from triage.web.calm import DEAD_AFTER, FORGOTTEN_AFTER, health
from triage.web.visit import Visiting

router = APIRouter()


@router.get("/sources")
def sources(visit: Visiting) -> HTMLResponse:
    """Blind ones first."""
    known = health(visit.session, now=visit.now)
    known.sort(key=lambda each: (not each.source.enabled, each.blind is None, each.source.name))
    gaps = visit.session.exec(
        select(Gap).where(col(Gap.closed_at).is_(None)).order_by(col(Gap.found_at).desc()).limit(50)
    ).all()
    parts = visit.session.exec(
        select(Heartbeat).where(Heartbeat.beat_at > visit.now - FORGOTTEN_AFTER).order_by(Heartbeat.part)
    ).all()
    boroughs: dict[str, int] = defaultdict(int)
    for each in known:
        for borough in each.source.boroughs if each.source.enabled else ():
            boroughs[borough] += 1
    return visit.page(
        "sources.html",
        sources=known,
        gaps=gaps,
        parts=parts,
        boroughs=sorted(boroughs.items()),
        dead_after=DEAD_AFTER,
    )
