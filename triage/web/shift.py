"""The shift: what is open at a desk, the note it is handed over with, what was done, and who holds how much."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from collector.plain import clean
from triage import shifts
from triage.people import name_of
from triage.permissions import Permission, may
from triage.records import Desk
from triage.ties import all_ties
from triage.web.visit import Visit, Visiting

router = APIRouter()

HOURS = 12  # where no policy is read


@router.get("/shift")
def shift(visit: Visiting, desk: str = "") -> HTMLResponse:
    """One desk, one's own unless another is asked for; on one page that prints."""
    chosen = _desk(visit, desk)
    policy = visit.room.policies.shift
    hours = policy.hours if policy else HOURS
    session, now = visit.session, visit.now
    left = shifts.last_note(session, chosen)
    supervises = may(visit.person, Permission.SUPERVISE)
    return visit.page(
        "shift.html",
        desk=chosen,
        standing=shifts.standing(session, chosen, now=now),
        report=shifts.report(session, chosen, since=now - timedelta(hours=hours)),
        hours=hours,
        left=left,
        by=name_of(session, left.written_by) if left else "",
        reader=name_of(session, left.read_by) if left and left.read_by else "",
        loads=shifts.workload(session, now=now) if supervises else [],
        ties=all_ties(session) if supervises else [],
        longest=shifts.LONGEST,
    )


@router.post("/shift/note")
def write(
    visit: Visiting,
    desk: Annotated[Desk, Form()],
    words: Annotated[str, Form(max_length=shifts.LONGEST)] = "",
) -> Response:
    """Leave a note for whoever comes next."""

    def change() -> None:
        shifts.write_note(visit.session, desk, clean(words), who=visit.person, now=visit.now)

    return _act(visit, "handed-over", desk, change)


@router.post("/shift/note/{note}/read")
def read(visit: Visiting, note: UUID, desk: Annotated[Desk, Form()] = Desk.COMMS) -> Response:
    """Say that one has read it."""

    def change() -> None:
        shifts.read_note(visit.session, note, who=visit.person, now=visit.now)

    return _act(visit, "handover-read", desk, change)


def _desk(visit: Visit, asked: str) -> Desk:
    if asked in set(Desk):
        return Desk(asked)
    return Desk(next(iter(visit.person.desks), Desk.COMMS))


def _act(visit: Visit, said: str, desk: Desk, change: Callable[[], None]) -> Response:
    here = f"/shift?desk={Desk(desk).value}"
    return visit.attempt(change, here) or visit.back(said, here)
