"""Pasting a link: what a person saw where no interface shows us anything, with a reason; and what became of it."""

from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlmodel import select

from collector.http import Answer, witnessed
from collector.oembed import Link, NotAPost, Shown, Silent, look_up, read_link
from collector.plain import clean, tidy
from collector.records import Post, SourceRow
from collector.sources.manual import PASTED, item_of, read_pasted
from triage.locked import Conflict
from triage.pasting import case_of, known_post, paste, put_into
from triage.queue import find_case
from triage.records import Case, Routing
from triage.web.visit import Visiting

router = APIRouter()

LEAST_NOTE, LONGEST_NOTE, LONGEST_WHY, LONGEST_REF = 10, 5_000, 500, 40

Words = Annotated[str, Form()]


class Filled(NamedTuple):
    """The form as it came."""

    link: str = ""
    note: str = ""
    why: str = ""
    case: str = ""


class Read(NamedTuple):
    """The same, understood."""

    link: Link
    case: Case | None


@router.get("/manual")
def form(visit: Visiting, link: str = "", case: str = "") -> HTMLResponse:
    """The form; a page of a case gives its number along."""
    filled = Filled(clean(link)[:2_000], "", "", clean(case)[:LONGEST_REF])
    return _form(visit, filled, {})


@router.post("/manual")
def send(visit: Visiting, link: Words = "", note: Words = "", why: Words = "", case: Words = "") -> Response:
    """Keep the link with what its platform tells of it; one that we have already is shown where it is."""
    filled = Filled(*(clean(each).strip() for each in (link, note, why, case)))
    wrong: dict[str, str] = {}
    read = _read(visit, filled, wrong)
    if read is None:
        return _form(visit, filled, wrong, 422)
    known = known_post(visit.session, read.link, filled.link)
    try:
        if known is not None:
            return _already(visit, known.id, read.case, filled.why)
        return _paste(visit, read, filled)
    except Conflict as conflict:
        visit.session.rollback()
        return visit.page("conflict.html", 409, detail=str(conflict), back="/manual")


@router.get("/manual/{ref}")
def pasted(visit: Visiting, ref: str) -> HTMLResponse:
    """One pasted link: what its platform told, and what became of it."""
    post = _post(visit, ref)
    return visit.page(
        "manual_link.html",
        post=post,
        pasted=read_pasted(post.payload),
        case=case_of(visit.session, post.id),
        routing=visit.session.get(Routing, post.id),
    )


def _read(visit: Visiting, filled: Filled, wrong: dict[str, str]) -> Read | None:
    """The form understood, or what is wrong with it by field, in the order of the page."""
    link = None
    try:
        link = read_link(filled.link, visit.room.inbox.providers)
    except NotAPost as error:
        wrong["link"] = str(error)
    length = len(tidy(filled.note))
    if length < LEAST_NOTE:
        wrong["note"] = "Say in a sentence what it shows, as you saw it"
    elif length > LONGEST_NOTE:
        wrong["note"] = f"What it shows must be {LONGEST_NOTE:,} characters or fewer"
    if not tidy(filled.why):
        wrong["why"] = "Say why we need it: the review reads the reason"
    elif len(filled.why) > LONGEST_WHY:
        wrong["why"] = f"The reason must be {LONGEST_WHY} characters or fewer"
    case = find_case(visit.session, filled.case[:LONGEST_REF]) if filled.case else None
    if filled.case and case is None:
        wrong["case"] = "There is no such case"
    return Read(link, case) if link is not None and not wrong else None


def _already(visit: Visiting, post: UUID, case: Case | None, why: str) -> Response:
    """The link is here: into the case that was named when it is in none, else shown where it is."""
    home = case_of(visit.session, post)
    if case is None or (home is not None and home.id == case.id):
        return visit.back("known-link", f"/manual/{post}")
    put_into(visit.session, post, case, who=visit.person, why=why, now=visit.now)
    visit.session.commit()
    return visit.back("joined", f"/manual/{post}")


def _paste(visit: Visiting, read: Read, filled: Filled) -> Response:
    """Ask the platform, with no transaction open, then keep the link whatever it said."""
    _must_be_on(visit)
    case_id = read.case.id if read.case else None
    visit.session.rollback()
    told, answers = _ask(visit, read.link)
    post = paste(
        visit.session,
        item_of(read.link, filled.note, told),
        answers,
        case=visit.session.get(Case, case_id) if case_id else None,
        who=visit.person,
        why=tidy(filled.why),
        author_key=visit.room.inbox.author_key,
        now=visit.now,
    )
    visit.session.commit()
    return visit.back("pasted" if isinstance(told, Shown) else "pasted-silent", f"/manual/{post}")


def _ask(visit: Visiting, link: Link) -> tuple[Shown | Silent, list[Answer]]:
    with witnessed() as answers:
        told = look_up(visit.room.inbox.http, link, now=visit.now)
    return told, answers


def _must_be_on(visit: Visiting) -> None:
    row = visit.session.get(SourceRow, PASTED)
    if row is None or not row.enabled:
        raise HTTPException(503, f"Pasting links is switched off: {PASTED} in sources.toml.")


def _post(visit: Visiting, ref: str) -> Post:
    try:
        found = visit.session.exec(select(Post).where(Post.id == UUID(ref))).first()
    except ValueError:
        found = None
    if found is None:
        raise HTTPException(404, "There is no such link.")
    return found


def _form(visit: Visiting, filled: Filled, wrong: dict[str, str], status: int = 200) -> HTMLResponse:
    return visit.page("manual.html", status, filled=filled, wrong=wrong, longest=LONGEST_NOTE)
