"""One source: what it is, how it is doing, what it brought and what it missed; and what a person may do about it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from collector.days import days_of
from collector.events import events_on
from collector.evidence_records import WatchEvent
from collector.health import DAYS, is_blind, state_of
from collector.quotas import QUOTAS, next_day, quotas_left
from collector.records import Gap, SourceRow, Tally
from collector.rhythm import quiet_after
from collector.sources import kind_of, kinds, polled
from collector.sources.base import Kind, Needs
from triage import tending
from triage.locked import Conflict
from triage.shares import Share, cased
from triage.web.plots import panels
from triage.web.sight import group_of, heading, remedy, why
from triage.web.visit import Visiting
from triage.web.words import LONDON

router = APIRouter()

GAPS = 50
VISITS = 12
METERED = "youtube"
PAUSES = {"1": "1 hour", "4": "4 hours", "24": "1 day", "72": "3 days", "168": "7 days"}


class Allowance(NamedTuple):
    """What is left today of one bucket of an interface's allowance, and when it is full again."""

    bucket: str
    left: int
    limit: int
    anew_at: datetime


@router.get("/sources/{name}")
def source(visit: Visiting, name: str) -> HTMLResponse:
    """Everything we know of one source, from the database as it stands."""
    session, now = visit.session, visit.now
    try:
        row = tending.find_source(session, name)
    except tending.NoSuchSource as error:
        raise HTTPException(404, str(error)) from error
    days = days_of(session, [name], days=DAYS, now=now)[name]
    state = state_of(row, now)
    group = group_of(state, blind=is_blind(row, now))
    gaps = (
        select(Gap)
        .where(Gap.source == name)
        .order_by(col(Gap.closed_at).is_not(None), col(Gap.from_at).desc())
    )
    visits = select(Tally).where(Tally.source == name).order_by(col(Tally.minute).desc()).limit(VISITS)
    return visit.page(
        "source.html",
        source=row,
        here=f"/sources/{quote(name, safe='')}",
        state=state,
        group=group,
        heading=heading(state, group),
        why=why(row, state, now),
        remedy=remedy(row, state),
        kind=kind_of(row.kind) if row.kind in kinds() else None,
        asked=row.kind in polled(),
        quiet_after=quiet_after(row.rhythm_s) if row.rhythm_s else None,
        days=days,
        panels=panels(days),
        share=cased(session, since=now - timedelta(days=DAYS), source=name).get(name, Share(0, 0)),
        gaps=session.exec(gaps.limit(GAPS)).all(),
        visits=session.exec(visits).all(),
        events=_events(session, name, now),
        allowances=_allowances(session, row, now),
        agreement=_agreement(row, now),
        pauses=PAUSES,
    )


def _events(session: Session, name: str, now: datetime) -> list[WatchEvent]:
    return [each for each in events_on(session, now=now) if not each.sources or name in each.sources]


def _allowances(session: Session, row: SourceRow, now: datetime) -> list[Allowance]:
    if row.kind != METERED:
        return []
    left = quotas_left(session, now=now)
    return [Allowance(each, left[each], limit, next_day(now)) for each, limit in QUOTAS.items()]


def _agreement(row: SourceRow, now: datetime) -> str | None:
    """Where the agreement of a kind that needs one stands; None for a kind that needs none."""
    kind: Kind | None = kind_of(row.kind) if row.kind in kinds() else None
    if kind is None or kind.needs is not Needs.AGREEMENT:
        return None
    ends = row.stops_because if row.stops_because and "agreement" in row.stops_because else None
    if ends and row.stops_at is not None and row.stops_at <= now:
        return f"not in force: {ends}"
    until = row.stops_at.astimezone(LONDON) if ends and row.stops_at else None
    return (
        f"in force until its review on {until:%d %B %Y}"
        if until
        else "in force; the term ends before it does"
    )


@router.post("/sources/{name}/ask")
def ask(visit: Visiting, name: str) -> Response:
    return _act(
        visit,
        name,
        "asked-now",
        lambda: tending.ask_now(visit.session, name, who=visit.person, now=visit.now),
    )


@router.post("/sources/{name}/pause")
def pause(
    visit: Visiting, name: str, hours: Annotated[int, Form(ge=1, le=168)], why: Annotated[str, Form()] = ""
) -> Response:
    def paused() -> object:
        lasts = timedelta(hours=hours)
        return tending.pause(visit.session, name, lasts=lasts, why=why, who=visit.person, now=visit.now)

    return _act(visit, name, "paused", paused)


@router.post("/sources/{name}/go-on")
def go_on(visit: Visiting, name: str) -> Response:
    return _act(
        visit, name, "goes-on", lambda: tending.go_on(visit.session, name, who=visit.person, now=visit.now)
    )


@router.post("/sources/{name}/gaps/{gap}/close")
def close_gap(visit: Visiting, name: str, gap: UUID, why: Annotated[str, Form()] = "") -> Response:
    def closed() -> object:
        return tending.close_gap(visit.session, name, gap, why=why, who=visit.person, now=visit.now)

    return _act(visit, name, "gap-closed", closed)


def _act(visit: Visiting, name: str, said: str, act: Callable[[], object]) -> Response:
    """Do it, commit, and go back to the page with one sentence; what cannot be done now is told."""
    back = f"/sources/{quote(name, safe='')}"
    try:
        act()
        visit.session.commit()
    except tending.NoSuchSource as error:
        raise HTTPException(404, str(error)) from error
    except Conflict as conflict:
        visit.session.rollback()
        return visit.page("conflict.html", 409, detail=str(conflict), back=back)
    return visit.back(said, back)
