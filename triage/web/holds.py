"""Legal holds: what stands and what exactly each holds, setting one, signing it off, reviewing and releasing it."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlmodel import col, select

from collector.plain import clean, tidy
from collector.records import SourceRow
from triage import holding
from triage.hold_records import Hold
from triage.holding import Held, Scope
from triage.locked import Conflict
from triage.pasting import posts_at
from triage.people import name_of
from triage.queue import find_case
from triage.records import Case
from triage.retention_policy import HoldRules
from triage.web.visit import Numbered, Visit, Visiting

router = APIRouter()

LONDON = ZoneInfo("Europe/London")
ENDED_SHOWN = timedelta(days=400)
NO_POLICY = "Holds cannot be set here: config/policy/retention.toml was not read."
NO_HOLD = "There is no such hold."

Words = Annotated[str, Form(max_length=2_000)]
Short = Annotated[str, Form(max_length=400)]
Ticked = Annotated[bool, Form()]


class Shown(NamedTuple):
    """A hold as a page shows it. `on` is what it is set on, in words."""

    hold: Hold
    on: str
    held: Held
    set_by: str
    signed_by: str
    ended_by: str
    case: int | None

    @property
    def waits(self) -> bool:
        """Whether a data steward is still to sign off its posts."""
        one = self.hold
        return one.content and not (one.signed_at or one.refused_at or one.ended_at)


@router.get("/holds")
def holds(visit: Visiting) -> HTMLResponse:
    """Those that stand, the soonest to be looked at first; then those that ended within a year or so."""
    standing = (
        select(Hold).where(col(Hold.ended_at).is_(None)).order_by(col(Hold.review_at), col(Hold.number))
    )
    since = visit.now - ENDED_SHOWN
    ended = select(Hold).where(col(Hold.ended_at) > since).order_by(col(Hold.ended_at).desc()).limit(100)
    policy = visit.room.policies.retention
    return visit.page(
        "holds.html",
        standing=[_shown(visit, each) for each in visit.session.exec(standing)],
        ended=[_shown(visit, each) for each in visit.session.exec(ended)],
        rules=policy.holds if policy else None,
        sources=visit.session.exec(select(SourceRow.name).order_by(SourceRow.name)).all(),
        latest=_latest(visit),
    )


@router.get("/holds/{number}")
def one(visit: Visiting, number: Numbered) -> HTMLResponse:
    """One hold: what it holds now, case by case, and what may be done."""
    found = _find(visit, number)
    policy = visit.room.policies.retention
    return visit.page(
        "hold.html",
        one=_shown(visit, found),
        rules=policy.holds if policy else None,
        latest=_latest(visit),
        mine=found.set_by == visit.person.id,
    )


@router.post("/holds")
def add(
    visit: Visiting,
    on: Short = "",
    case: Short = "",
    link: Short = "",
    source: Short = "",
    since: Short = "",
    until: Short = "",
    reason: Short = "",
    why: Words = "",
    expires: Short = "",
    content: Ticked = False,
) -> Response:
    """Set one on a case, a post by its address, or a stretch of days."""
    made: list[Hold] = []

    def change() -> None:
        scope = _scope(visit, on, case, link, source, since, until)
        made.append(
            holding.set_hold(
                visit.session, scope, _rules(visit), reason=reason, why=tidy(clean(why)), content=content,
                expires_at=_day(expires, "Enter the day it ends.", end=True), who=visit.person, now=visit.now,
            )
        )  # fmt: skip

    refused = visit.attempt(change, "/holds")
    return refused or visit.back("hold-set", f"/holds/{made[0].number}")


@router.post("/holds/{number}/sign")
def sign(visit: Visiting, number: Numbered, agreed: Ticked = False) -> Response:
    """Sign off that posts are held, or say no."""
    found = _find(visit, number)

    def change() -> None:
        holding.answer_content(visit.session, found.id, agreed=agreed, who=visit.person, now=visit.now)

    here = f"/holds/{number}"
    return visit.attempt(change, here) or visit.back("hold-signed" if agreed else "hold-refused", here)


@router.post("/holds/{number}/review")
def review(visit: Visiting, number: Numbered, why: Words = "", expires: Short = "") -> Response:
    """Say that it is still needed, and until when."""
    found = _find(visit, number)

    def change() -> None:
        ends = _day(expires, "", end=True) if expires else None
        holding.review_hold(
            visit.session, found.id, _rules(visit), why=tidy(clean(why)), expires_at=ends, who=visit.person,
            now=visit.now,
        )  # fmt: skip

    here = f"/holds/{number}"
    return visit.attempt(change, here) or visit.back("hold-reviewed", here)


@router.post("/holds/{number}/release")
def release(visit: Visiting, number: Numbered, why: Words = "") -> Response:
    """End it."""
    found = _find(visit, number)

    def change() -> None:
        holding.release_hold(visit.session, found.id, why=tidy(clean(why)), who=visit.person, now=visit.now)

    here = f"/holds/{number}"
    return visit.attempt(change, here) or visit.back("hold-released", here)


def _shown(visit: Visit, hold: Hold) -> Shown:
    session = visit.session
    case = session.get(Case, hold.case_id) if hold.case_id else None
    return Shown(
        hold,
        holding.scope_words(session, hold),
        holding.what_is_held(session, hold),
        name_of(session, hold.set_by),
        name_of(session, hold.signed_by) if hold.signed_by else "",
        name_of(session, hold.ended_by) if hold.ended_by else "",
        case.number if case else None,
    )


def _find(visit: Visit, number: int) -> Hold:
    found = visit.session.exec(select(Hold).where(Hold.number == number)).first()
    if found is None:
        raise HTTPException(404, NO_HOLD)
    return found


def _rules(visit: Visit) -> HoldRules:
    if visit.room.policies.retention is None:
        raise Conflict(NO_POLICY)
    return visit.room.policies.retention.holds


def _scope(visit: Visit, on: str, case: str, link: str, source: str, since: str, until: str) -> Scope:
    if on == "case":
        found = find_case(visit.session, case)
        if found is None:
            raise Conflict(f"There is no case {clean(case)[:40]!r}.")
        return Scope(case_id=found.id)
    if on == "post":
        posts = posts_at(visit.session, {clean(link).strip()})
        if len(posts) != 1:
            raise Conflict("No single post is known at this address. Hold its case instead.")
        return Scope(post_id=posts[0])
    return Scope(
        source=clean(source) or None,
        from_at=_day(since, "Enter the first day."),
        until_at=_day(until, "Enter the last day.", end=True),
    )


def _day(written: str, otherwise: str, *, end: bool = False) -> datetime:
    """The beginning of a day in London, or its end."""
    try:
        day = date.fromisoformat(written.strip())
    except ValueError as error:
        raise Conflict(otherwise or "Enter a day as 2026-07-14.") from error
    return datetime.combine(day + timedelta(days=int(end)), time(), LONDON)


def _latest(visit: Visit) -> date | None:
    policy = visit.room.policies.retention
    if policy is None:
        return None
    return policy.holds.longest_after(visit.now).astimezone(LONDON).date() - timedelta(days=1)
