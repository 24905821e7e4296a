"""Our own errors: what this service got wrong, what came of it, how it was mended, who was told."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from triage.slip_records import SlipKind
from triage.slips import own_up, settle, settled, waiting
from triage.web.visit import Numbered, Visit, Visiting

router = APIRouter()

Words = Annotated[str, Form(max_length=2_000)]
LONDON = ZoneInfo("Europe/London")
HERE = "/our-errors"
KINDS = {
    SlipKind.MISSED: "Missed: an incident was not raised",
    SlipKind.LATE: "Late: somebody was told too late",
    SlipKind.WRONG: "Wrong: it said what was not so, such as a wrong “false”",
    SlipKind.LEAKED: "Leaked: words or names went where they do not belong",
    SlipKind.OUTAGE: "Outage: it, or a part of it, stood",
}


@router.get(HERE)
def our_errors(visit: Visiting) -> HTMLResponse:
    """What waits for a word, and what was mended."""
    return visit.page(
        "our_errors.html", waiting=waiting(visit.session), settled=settled(visit.session), kinds=KINDS
    )


@router.post(HERE)
def noted(
    visit: Visiting,
    kind: Annotated[SlipKind, Form()],
    at: Annotated[datetime, Form()],
    what: Words,
    effect: Words,
) -> Response:
    """Own up to one. The time is London's."""
    moment = at if at.tzinfo else at.replace(tzinfo=LONDON)
    return _change(
        visit,
        "error-noted",
        lambda: own_up(
            visit.session,
            kind,
            what=what,
            effect=effect,
            happened_at=moment,
            who=visit.person,
            now=visit.now,
        ),
    )


@router.post(HERE + "/{number}")
def answered(
    visit: Visiting,
    number: Numbered,
    effect: Words = "",
    mended_how: Words = "",
    told: Words = "",
    none_because: Words = "",
) -> Response:
    """Say what came of it and how it was mended, or why it was none."""
    return _change(
        visit,
        "error-answered",
        lambda: settle(
            visit.session,
            number,
            effect=effect,
            mended_how=mended_how,
            told=told,
            none_because=none_because,
            who=visit.person,
            now=visit.now,
        ),
    )


def _change(visit: Visit, said: str, act: Callable[[], object]) -> Response:
    return visit.attempt(act, HERE) or visit.back(said, HERE)
