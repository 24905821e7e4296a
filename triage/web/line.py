"""One line: its page, where it is written and checked, and the forms that move it on."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from collector.plain import clean
from triage import approving, issuing, statements
from triage.checking_context import VARIANTS
from triage.hidden import seeing_all
from triage.locked import Conflict
from triage.records import Case
from triage.statement_records import Statement
from triage.tracks import NEXT_UPDATE
from triage.web.line_shown import chosen, read_check, read_line, writing_of
from triage.web.queue import find_case, refuse_hidden
from triage.web.visit import Visit, Visiting
from triage.web.wording import changes
from triage.web.words import LONDON
from triage.writing import FLAGS, NAMES, OWN, SHORT, wordings

router = APIRouter()

Words = Annotated[str, Form(max_length=statements.LONGEST)]
Short = Annotated[str, Form(max_length=300)]
Version = Annotated[int, Form()]
MOST_FLAGS = (*FLAGS, "apology")
APOLOGY = "It says sorry"


class Typed(NamedTuple):
    """What somebody typed: the wordings, the flags and the claims it answers."""

    texts: dict[str, str]
    flags: list[str]
    answers: list[str]
    written: bool = True  # false where the form had no field for words


async def typed_in(request: Request) -> Typed:
    form = await request.form()
    texts = {name: clean(str(form.get(name, "")))[: statements.LONGEST] for name in (*VARIANTS, "headline")}
    flags = [str(each) for each in form.getlist("flag") if each in MOST_FLAGS]
    answers = [str(UUID(str(each))) for each in form.getlist("answers") if _is_id(str(each))]
    return Typed(texts, flags, answers, "long" in form)


TypedIn = Annotated[Typed, Depends(typed_in)]


@router.get("/cases/{ref}/statements/{number}")
def line(visit: Visiting, ref: str, number: str) -> Response:
    """A line with all there is to do about it; from the case it was on before to the one that was joined with it."""
    case, found = _line(visit, ref, number)
    if find_case(visit.session, ref).id != case.id:
        return RedirectResponse(_address(case, found), 303)
    return _page(visit, case, found)


@router.post("/cases/{ref}/statements/{number}/check")
def check(visit: Visiting, ref: str, number: str, typed: TypedIn, version: Version) -> HTMLResponse:
    """What the checker makes of the words as they are typed; nothing is kept."""
    case, found = _line(visit, ref, number)
    if visit.in_place:
        checked = read_check(visit, case, found, typed.texts, typed.flags)
        return visit.part("line_check.html", check=checked, live=True, case=case, line=found, held=None)
    return _page(visit, case, found, typed=typed, version=version)


@router.post("/cases/{ref}/statements/{number}/write")
def write(
    visit: Visiting, ref: str, number: str, typed: TypedIn, version: Version,
    no_longer_stale: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Keep the words as a new wording. Whoever came second keeps what they typed, and sees what differs."""
    return _keep(visit, ref, number, typed, version, no_longer_stale, said="line-written")


@router.post("/cases/{ref}/statements/{number}/submit")
def submit(
    visit: Visiting, ref: str, number: str, typed: TypedIn, version: Version,
    no_longer_stale: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """To whoever approves, in the words as they were typed."""
    return _keep(visit, ref, number, typed, version, no_longer_stale, said="line-submitted")


@router.post("/cases/{ref}/statements/{number}/back")
def back(visit: Visiting, ref: str, number: str, version: Version, words: Words = "") -> Response:
    """Back to its author, with what is to be changed."""
    return _act(
        visit, ref, number, "line-sent-back",
        lambda n: approving.send_back(
            visit.session, n, words=clean(words), version=version, who=visit.person, now=visit.now
        ),
    )  # fmt: skip


@router.post("/cases/{ref}/statements/{number}/comment")
def comment(visit: Visiting, ref: str, number: str, words: Words = "") -> Response:
    return _act(
        visit, ref, number, "line-commented",
        lambda n: statements.comment_line(
            visit.session, n, words=clean(words), who=visit.person, now=visit.now
        ),
    )  # fmt: skip


@router.post("/cases/{ref}/statements/{number}/aside")
def aside(visit: Visiting, ref: str, number: str, why: Words = "") -> Response:
    """It is not needed."""
    return _act(
        visit, ref, number, "line-aside",
        lambda n: statements.set_aside(visit.session, n, why=clean(why), who=visit.person, now=visit.now),
    )  # fmt: skip


@router.post("/cases/{ref}/statements/{number}/clear")
def clear(
    visit: Visiting, ref: str, number: str, version: Version, rule: Short = "", post: Short = "",
    why: Words = "",
) -> Response:  # fmt: skip
    """Whoever answers for a rule has cleared what it found."""
    return _act(
        visit, ref, number, "line-cleared",
        lambda n: approving.clear_finding(
            visit.session, n, rule, post=clean(post), why=clean(why), version=version,
            who=visit.person, now=visit.now,
        ),
    )  # fmt: skip


async def accepted_in(request: Request) -> dict[str, str]:
    """Why what only warns may stand, by rule: the fields `why-<rule>`."""
    form = await request.form()
    given = {
        name.removeprefix("why-"): clean(str(said)) for name, said in form.items() if name.startswith("why-")
    }
    return {rule: why[:1000] for rule, why in given.items() if why.strip()}


@router.post("/cases/{ref}/statements/{number}/approve")
def approve(
    visit: Visiting, ref: str, number: str, version: Version,
    accepted: Annotated[dict[str, str], Depends(accepted_in)], post: Short = "",
) -> Response:  # fmt: skip
    """Sign this wording off."""
    return _act(
        visit, ref, number, "line-approved",
        lambda n: approving.approve_line(
            visit.session, n, writing_of(visit), visit.room.lifecycle, post=clean(post), accepted=accepted,
            version=version, who=visit.person, now=visit.now,
        ),
    )  # fmt: skip


@router.post("/cases/{ref}/statements/{number}/issue")
def issue(
    visit: Visiting, ref: str, number: str, place: Short = "", at: Short = "", variant: Short = "long",
    recipients: Words = "", link: Words = "", next_at: Short = "",
) -> Response:  # fmt: skip
    """It went out, elsewhere: where, when, to whom."""

    def change(n: int) -> None:
        issued = issuing.Issued(
            place=clean(place), at=_moment(at, visit.now), variant=variant, recipients=clean(recipients),
            link=link.strip(), next_at=_moment(next_at, None) if next_at.strip() else None,
        )  # fmt: skip
        issuing.record_issue(
            visit.session, n, issued, writing_of(visit), visit.room.lifecycle, who=visit.person, now=visit.now
        )

    return _act(visit, ref, number, "line-issued", change)


@router.post("/cases/{ref}/statements/{number}/follow")
def follow(
    visit: Visiting, ref: str, number: str, template: Short = OWN, correction: Annotated[bool, Form()] = False
) -> Response:
    """Begin a line that updates this one, or corrects it."""
    case, found = _line(visit, ref, number)
    kind = chosen(visit, template)
    try:
        made = statements.ask_line(
            visit.session, case.id, kind.name, kind.title,
            follows=found.id, correction=correction, who=visit.person, now=visit.now,
        )  # fmt: skip
        visit.session.commit()
    except Conflict as conflict:
        return _conflict(visit, conflict, _address(case, found))
    return visit.back("line-asked", _address(case, made))


def _page(
    visit: Visit,
    case: Case,
    found: Statement,
    *,
    typed: Typed | None = None,
    wrong: str = "",
    version: int | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The page of a line; with what somebody typed and has not kept, where they come back to it."""
    texts = typed.texts if typed else wordings(found)
    held = (
        [(NAMES[name], changes(wordings(found).get(name, ""), texts[name])) for name in texts
         if wordings(found).get(name, "").strip() != texts[name].strip()]
        if typed and wrong else None
    )  # fmt: skip
    return visit.page(
        "line.html",
        status,
        case=case,
        line=found,
        shown=read_line(visit, case, found),
        check=read_check(visit, case, found, typed.texts if typed else None, typed.flags if typed else ()),
        texts=texts,
        flags=typed.flags if typed else found.flags,
        answers=typed.answers if typed else found.answers,
        version=version if version is not None else found.version,
        wrong=wrong,
        held=held,
        typing=typed is not None,
        live=False,
        needs_next=_needs_next(visit, case),
        kinds=writing_of(visit).kinds,
        here=_address(case, found),
        names=NAMES,
        variants=VARIANTS,
        flag_names={**FLAGS, "apology": APOLOGY},
        roles=visit.room.lifecycle.roles if visit.room.lifecycle else (),
        places=issuing.PLACES,
        latest=visit.now.astimezone(LONDON).strftime("%Y-%m-%dT%H:%M"),
        short=SHORT,
        longest=statements.LONGEST,
        states=statements.STATES,
    )


def _needs_next(visit: Visit, case: Case) -> bool:
    """Whether the table wants a time for the next update at this severity."""
    clocks = visit.room.lifecycle.clock if visit.room.lifecycle else ()
    return any(each.name == NEXT_UPDATE and case.severity in each.due for each in clocks)


def _keep(
    visit: Visit, ref: str, number: str, typed: Typed, version: int, no_longer_stale: bool, *, said: str
) -> Response:
    """Keep what was typed, and hand it to review where that was asked for; both or neither."""
    case, found = _line(visit, ref, number)
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}
    try:
        if typed.written:
            version = statements.write_line(
                visit.session, found.number or 0, typed.texts, version=version, flags=typed.flags,
                answers=typed.answers, no_longer_stale=no_longer_stale, **given,
            ).version  # fmt: skip
        if said == "line-submitted":
            statements.submit_line(visit.session, found.number or 0, version=version, **given)
        visit.session.commit()
    except Conflict as conflict:
        visit.session.rollback()
        case, found = _line(visit, ref, number)
        return _page(
            visit, case, found, typed=typed if typed.written else None, wrong=str(conflict), status=409
        )
    return visit.back(said, _address(case, found))


def _act(visit: Visit, ref: str, number: str, said: str, change: Callable[[int], object]) -> Response:
    case, found = _line(visit, ref, number)
    try:
        change(found.number or 0)
        visit.session.commit()
    except Conflict as conflict:
        return _conflict(visit, conflict, _address(case, found))
    return visit.back(said, _address(case, found))


def _conflict(visit: Visit, conflict: Conflict, to: str) -> HTMLResponse:
    visit.session.rollback()
    return visit.page("conflict.html", 409, detail=str(conflict), back=to)


def _line(visit: Visit, ref: str, written: str) -> tuple[Case, Statement]:
    """A line by its number, such as 12 or S-12, with the case it is on now, whichever it was on when somebody opened
    its page. Raises 404, also for one of a case that is hidden."""
    find_case(visit.session, ref)
    bare = written.strip().upper().removeprefix("S-")
    number = int(bare) if bare.isascii() and bare.isdecimal() and len(bare) < 18 else None
    found = statements.find_line(visit.session, number) if number is not None else None
    if found is None:
        with seeing_all(visit.session):
            elsewhere = statements.find_line(visit.session, number) if number is not None else None
        refuse_hidden(visit.session, elsewhere.case_id if elsewhere else None)
        raise HTTPException(404, "There is no such line.")
    return visit.session.get_one(Case, found.case_id), found


def _address(case: Case, found: Statement) -> str:
    return f"/cases/{case.number}/statements/{found.number}"


def _moment(written: str, otherwise: datetime | None) -> datetime:
    """London time as a browser's field gives it, `2026-07-14T14:05`; `otherwise` where nothing was entered."""
    if not written.strip():
        if otherwise is None:
            raise Conflict("Enter a date and a time.")
        return otherwise
    try:
        return datetime.fromisoformat(written.strip().replace(" ", "T")).replace(tzinfo=LONDON)
    except ValueError:
        raise Conflict("Write a date and a time as 2026-07-14 14:05, London time.") from None


def _is_id(written: str) -> bool:
    try:
        UUID(written)
    except ValueError:
        return False
    return True
