"""One's own account: who one is here, and a password to come back with."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from triage import people
from triage.log import Line, note
from triage.records import Person
from triage.web import sessions
from triage.web.visit import Visiting

router = APIRouter()

Secret = Annotated[str, Form(max_length=1024)]


@router.get("/account")
def account(visit: Visiting) -> HTMLResponse:
    return visit.page("account.html", wrong="", provider=visit.room.provider)


@router.post("/account/password")
def set_password(visit: Visiting, new: Secret = "", again: Secret = "", current: Secret = "") -> Response:
    """A new password; the current one is asked for when there is one. Other browsers are signed out."""
    person = visit.session.get_one(Person, visit.person.id)
    wrong = _wrong(person, new, again, current)
    if wrong:
        return visit.page(
            "account.html", HTTPStatus.UNPROCESSABLE_ENTITY, wrong=wrong, provider=visit.room.provider
        )
    person.password_hash = people.digest_password(new)
    sessions.end_all(visit.session, person, but=visit.visitor.digest)
    note(visit.session, [Line("password set")], who=person.username, now=visit.now)
    visit.session.commit()
    return visit.back("password", "/account")


def _wrong(person: Person, new: str, again: str, current: str) -> str:
    if person.password_hash and not people.fits(person, current):
        return "The current password is not right"
    if new != again:
        return "The two new passwords are not the same"
    return people.too_weak(new, person.username)
