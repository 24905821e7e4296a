"""Who wrote a post: asking for it, agreeing as the second person, seeing it for minutes; and the report of it all."""

from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlmodel import col, select

from collector.plain import clean, tidy
from collector.vault import VaultError
from triage import reveal as revealing
from triage.locked import Conflict
from triage.log import Line, note
from triage.people import name_of
from triage.permissions import Permission, may
from triage.records import Case
from triage.repeated import Locked, Warned, open_lock
from triage.reveal import RevealPolicy
from triage.reveal_records import Reveal
from triage.reveal_report import DAYS, as_csv, read_locks, read_reveals
from triage.web.case_file import CaseFile
from triage.web.queue import find_case
from triage.web.visit import Visit, Visiting

router = APIRouter()

Words = Annotated[str, Form(max_length=2_000)]
NO_POLICY = "Authors cannot be revealed here: config/policy/reveal.toml was not read."


class Waiting(NamedTuple):
    """A reveal of a case that waits for a second person, or that is granted to who looks."""

    reveal: Reveal
    who: str
    mine: bool


def read_waiting(visit: Visit, file: CaseFile) -> list[Waiting]:
    """What there is to do about the reveals of a case, for those who may reveal."""
    if not file.has(Reveal) or not may(visit.person, Permission.REVEAL):
        return []
    asked = (
        select(Reveal).where(Reveal.case_id == file.case.id).order_by(col(Reveal.asked_at).desc()).limit(20)
    )
    found = [
        Waiting(each, name_of(visit.session, each.asked_by), each.asked_by == visit.person.id)
        for each in visit.session.exec(asked)
        if each.shown_until is None or each.shown_until > visit.now
    ]
    return [each for each in found if each.mine or each.reveal.shown_until is None]


@router.get("/reveals")
def report(visit: Visiting) -> HTMLResponse:
    """The reveals of the last days, and the locks that stand."""
    return visit.page(
        "reveals.html",
        told=read_reveals(visit.session, now=visit.now),
        locks=read_locks(visit.session),
        reasons=_reasons(visit),
        days=DAYS,
    )


@router.get("/reveals.csv")
def report_csv(visit: Visiting) -> Response:
    """The same for a spreadsheet."""
    name = f"reveals-{visit.now:%Y%m%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    words = as_csv(read_reveals(visit.session, now=visit.now))
    return Response(words, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/reveals/locks/{lock}/open")
def unlock(visit: Visiting, lock: UUID, why: Words = "") -> Response:
    """Let an author's posts be opened again."""

    def change() -> None:
        open_lock(visit.session, lock, who=visit.person, why=tidy(clean(why)), now=visit.now)

    return visit.attempt(change, "/reveals") or visit.back("reveal-unlocked", "/reveals")


@router.get("/cases/{ref}/posts/{post}/reveal")
def form(visit: Visiting, ref: str, post: UUID) -> HTMLResponse:
    """Why it is needed."""
    case = find_case(visit.session, ref)
    policy = visit.room.policies.reveal
    alone = policy is not None and case.severity < policy.second_person_from
    return visit.page("reveal_ask.html", case=case, post=post, reasons=_reasons(visit), alone=alone)


@router.post("/cases/{ref}/posts/{post}/reveal")
def ask(visit: Visiting, ref: str, post: UUID, reason: Words = "", why: Words = "") -> Response:
    """Ask for it: granted at once where the policy asks for no second person."""
    case = find_case(visit.session, ref)
    made: list[Reveal] = []

    def change() -> None:
        made.append(
            revealing.ask_reveal(
                visit.session, post, case.id, _policy(visit), who=visit.person, reason=reason,
                why=tidy(clean(why)), now=visit.now,
            )
        )  # fmt: skip

    back = f"/cases/{case.number}"
    refused = visit.attempt(change, back)
    return refused or visit.back("reveal-asked", f"{back}/reveals/{made[0].id}")


@router.get("/cases/{ref}/reveals/{reveal}")
def one(visit: Visiting, ref: str, reveal: UUID) -> HTMLResponse:
    """How a reveal stands, and what there is to do: never the author."""
    return _page(visit, *_found(visit, ref, reveal))


@router.post("/cases/{ref}/reveals/{reveal}/agree")
def agree(visit: Visiting, ref: str, reveal: UUID) -> Response:
    """Agree as the second person."""
    case, found = _found(visit, ref, reveal)

    def change() -> None:
        revealing.agree_to_reveal(visit.session, found.id, _policy(visit), who=visit.person, now=visit.now)

    back = f"/cases/{case.number}/reveals/{found.id}"
    return visit.attempt(change, back) or visit.back("reveal-agreed", back)


@router.post("/cases/{ref}/reveals/{reveal}/show")
def show(visit: Visiting, ref: str, reveal: UUID, warned: Annotated[bool, Form()] = False) -> Response:
    """The author, to whoever asked: entered before it is shown, and off the screen when its time is over."""
    case, found = _found(visit, ref, reveal)
    back, keyring = f"/cases/{case.number}/reveals/{found.id}", visit.room.policies.keyring
    try:
        if keyring is None:
            raise Conflict(NO_POLICY)
        shown = revealing.show_author(
            visit.session, found.id, keyring, _policy(visit), who=visit.person, now=visit.now, warned=warned
        )
        visit.session.commit()
    except Warned as warning:
        visit.session.rollback()
        return _page(visit, *_found(visit, ref, reveal), warning=str(warning), status=409)
    except (Conflict, VaultError) as conflict:
        visit.session.rollback()
        _note_locked(visit, case, conflict)
        return visit.page("conflict.html", 409, detail=str(conflict), back=back)
    answer = _page(visit, case, found, shown=shown)
    left = max(1, int((shown.until - visit.now).total_seconds()))
    answer.headers["Refresh"] = f"{left}; url={back}"
    return answer


def _note_locked(visit: Visit, case: Case, conflict: Exception) -> None:
    """Enter that somebody asked for an author who is locked."""
    if isinstance(conflict, Locked):
        note(
            visit.session, [Line("denied", case.id, None, {"needs": "an open lock"})],
            who=visit.person.username, now=visit.now,
        )  # fmt: skip
        visit.session.commit()


def _page(
    visit: Visit,
    case: Case,
    found: Reveal,
    *,
    shown: revealing.Shown | None = None,
    warning: str = "",
    status: int = 200,
) -> HTMLResponse:
    policy = visit.room.policies.reveal
    return visit.page(
        "reveal.html",
        status,
        case=case,
        reveal=found,
        shown=shown,
        warning=warning,
        who=name_of(visit.session, found.asked_by),
        second=name_of(visit.session, found.agreed_by) if found.agreed_by else "",
        mine=found.asked_by == visit.person.id,
        reasons=_reasons(visit),
        minutes=policy.shown_minutes if policy else 0,
        locks_at=policy.repeated.locks_at if policy else 0,
    )


def _found(visit: Visit, ref: str, reveal: UUID) -> tuple[Case, Reveal]:
    case = find_case(visit.session, ref)
    found = visit.session.get(Reveal, reveal)
    if found is None or found.case_id != case.id:
        raise HTTPException(404, "There is no such reveal in this case.")
    return case, found


def _policy(visit: Visit) -> RevealPolicy:
    """Raises Conflict where none is read."""
    if visit.room.policies.reveal is None:
        raise Conflict(NO_POLICY)
    return visit.room.policies.reveal


def _reasons(visit: Visit) -> dict[str, str]:
    return dict(visit.room.policies.reveal.reasons) if visit.room.policies.reveal else {}
