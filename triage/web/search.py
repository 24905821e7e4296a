"""Search: a case by its number, its title or place, or what its posts say; a post by its exact address, a tip by its
reference. Never a person.
"""

from typing import NamedTuple
from urllib.parse import quote, urlsplit

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, col, or_, select

from collector.tips import is_kept
from triage.pasting import case_of, posts_at
from triage.records import Case, Membership
from triage.searching import heard
from triage.web.filters import Filters
from triage.web.rows import rows_of
from triage.web.tips_form import post_of
from triage.web.visit import Visiting

router = APIRouter()

SHOWN = 50
NOT_PEOPLE = "Golden Hour looks for incidents, not people: it cannot search for an account or a person."


class Asked(NamedTuple):
    """What was looked for, cleaned."""

    words: str

    @property
    def number(self) -> int | None:
        bare = self.words.upper().removeprefix("GH-").removeprefix("#")
        return int(bare) if bare.isascii() and bare.isdecimal() and len(bare) < 18 else None

    @property
    def is_address(self) -> bool:
        return urlsplit(self.words).scheme in ("http", "https")

    @property
    def names_someone(self) -> bool:
        return any(each.startswith("@") for each in self.words.split())


@router.get("/search")
def search(visit: Visiting, q: str = "") -> Response:
    asked = Asked(" ".join(q.split())[:300])
    tip = post_of(asked.words.upper())
    if tip is not None and is_kept(visit.session, tip):
        home = case_of(visit.session, tip)
        return RedirectResponse(f"/cases/{home.number}" if home else f"/manual/{tip}", 303)
    if asked.number is not None:
        exact = visit.session.exec(select(Case.number).where(Case.number == asked.number)).first()
        if exact is not None:
            return RedirectResponse(f"/cases/{exact}", 303)
    return _results(visit, asked)


def _results(visit: Visiting, asked: Asked) -> HTMLResponse:
    nothing = asked.names_someone or not asked.words
    cases = [] if nothing else find_cases(visit.session, asked)
    said = [] if nothing or asked.is_address else heard(visit.session, asked.words, most=SHOWN)
    found = {each.id for each in cases}
    further = [each for each in said if each.case.id not in found][: SHOWN - len(cases)]
    rows = rows_of(visit.session, [*cases, *(each.case for each in further)], visit.person, now=visit.now)
    return visit.page(
        "search.html",
        q=asked.words,
        rows=rows[: len(cases)],
        further=list(zip(rows[len(cases) :], [each.quote for each in further], strict=True)),
        refused=NOT_PEOPLE if asked.names_someone else "",
        is_address=asked.is_address,
        shown=SHOWN,
        filters=Filters(),
        here=f"/search?q={quote(asked.words)}",
    )


def find_cases(session: Session, asked: Asked) -> list[Case]:
    """Cases whose title, place, borough or BCU holds every word; or the cases of the post at this address."""
    wanted = select(Case)
    if asked.is_address:
        held = select(Membership.case_id).where(col(Membership.post_id).in_(posts_at(session, [asked.words])))
        wanted = wanted.where(col(Case.id).in_(held))
    for word in [] if asked.is_address else asked.words.split()[:8]:
        like = f"%{literally(word)}%"
        wanted = wanted.where(
            or_(
                col(Case.title).ilike(like, escape="\\"),
                col(Case.place).ilike(like, escape="\\"),
                col(Case.borough).ilike(like, escape="\\"),
                col(Case.bcu).ilike(like, escape="\\"),
            )
        )
    return list(session.exec(wanted.order_by(col(Case.opened_at).desc()).limit(SHOWN)))


def literally(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
