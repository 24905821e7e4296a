"""Routes, roles and what becomes of each pair: every cell of matrix.toml is called on a real server."""

import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from tests.browser.seed import Seeded
from tests.make import make_person
from tests.served import Browser
from tests.triage.web.conftest import Clockwork
from tests.triage.web.listed import OPEN_TO_ALL
from tests.triage.web.test_security import filled, routes
from triage.permissions import GRANTS, Permission, may
from triage.records import Desk, LogEntry, Person, Role
from triage.settings import WebSettings
from triage.web import sessions
from triage.web.app import desk
from triage.web.permitted import NEEDS

MATRIX: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("matrix.toml").read_text(encoding="utf-8")
)
NOBODYS = "no role"
EVERYBODY = [*(role.value for role in Role), NOBODYS]
DENIED = "Your roles do not allow this"


class Given(NamedTuple):
    browser: Browser
    token: str
    username: str


@pytest.fixture
def signed_in(
    engine: Engine, seeded: Seeded, visit: Callable[[], Browser], clock: Clockwork
) -> Callable[..., Given]:
    """Makes a signed-in person with these roles."""

    def sign_in(*roles: str) -> Given:
        browser = visit()
        with Session(engine, expire_on_commit=False) as session:
            person = make_person(roles=list(roles), desks=[each.value for each in Desk])
            session.add(person)
            session.flush()
            cookie = sessions.begin(session, person, WebSettings(), now=clock())
            session.commit()
        browser.cookies.set("goldenhour", cookie, domain="127.0.0.1", path="/")
        return Given(browser, browser.token, person.username)

    return sign_in


def call(given: Given, route: str) -> httpx.Response:
    """Use a route as our own pages do. What it is asked to do need not be possible."""
    method, path = filled(route)
    if path == "/live":
        with given.browser.stream(method, path) as answer:
            return answer
    return given.browser.request(method, path, headers={"X-CSRF-Token": given.token})


def denials(engine: Engine, username: str) -> list[Mapping[str, str]]:
    with Session(engine) as session:
        asked = select(LogEntry.detail).where(LogEntry.who == username, LogEntry.what == "denied")
        return list(session.exec(asked.order_by(col(LogEntry.seq))))


def test_every_route_has_its_row(engine: Engine) -> None:
    found = set(routes(desk(engine, WebSettings()).routes)) - OPEN_TO_ALL
    assert found == set(MATRIX)
    assert found - {"GET /"} == set(NEEDS)


def test_every_role_is_there_and_every_permission_is_somebodys() -> None:
    assert set(GRANTS) == set(Role)
    assert set().union(*GRANTS.values()) == set(Permission) - {Permission.OWN_ACCOUNT}
    assert {name for row in MATRIX.values() for name in row} <= {*EVERYBODY, "everybody"}


@pytest.mark.parametrize("role", EVERYBODY)
def test_every_cell_is_as_declared(engine: Engine, signed_in: Callable[..., Given], role: str) -> None:
    given = signed_in(*([] if role == NOBODYS else [role]))
    told = []
    for route, allowed in sorted(MATRIX.items(), key=lambda row: row[0] == "POST /sign-out"):
        answer = call(given, route)
        if role in allowed or allowed == ["everybody"]:
            assert answer.status_code not in (401, 403), route
            assert answer.status_code < 500, route
        else:
            assert (answer.status_code, DENIED in answer.text) == (403, True), route
            told.append(route)
    assert [each["route"] for each in denials(engine, given.username)] == told


def test_someone_disabled_is_denied_whatever_their_roles() -> None:
    person = make_person(roles=[role.value for role in Role])
    person.disabled_at = person.created_at
    assert not any(may(person, each) for each in Permission)


def test_a_role_nobody_knows_allows_nothing(signed_in: Callable[..., Given]) -> None:
    assert call(signed_in("root"), "GET /queue").status_code == 403


def test_roles_add_up(signed_in: Callable[..., Given]) -> None:
    given = signed_in("auditor", "viewer")
    answers = {path: call(given, f"GET {path}").status_code for path in ("/log", "/counts", "/queue")}
    assert answers == {"/log": 200, "/counts": 200, "/queue": 403}


@pytest.mark.parametrize(
    ("role", "home"),
    [("triage", "/queue"), ("viewer", "/counts"), ("auditor", "/log"), ("panel_viewer", "/panel")],
)
def test_everybody_starts_on_a_page_they_may_see(
    signed_in: Callable[..., Given], role: str, home: str
) -> None:
    given = signed_in(role)
    assert given.browser.get("/").headers["location"] == home
    page = given.browser.get(home)
    assert page.status_code == 200
    assert ('href="/queue"' in page.text) is (role == "triage")


def test_pages_without_content_name_no_case(signed_in: Callable[..., Given], seeded: Seeded) -> None:
    for role, path in (("viewer", "/counts"), ("auditor", "/log"), ("admin", "/sources")):
        page = signed_in(role).browser.get(path).text
        assert not any(case.title in page for case in seeded.cases), path


def test_the_log_says_which_case_by_number_and_by_title_to_who_may_read_it(
    signed_in: Callable[..., Given], seeded: Seeded
) -> None:
    case = seeded.cases[0]
    reader = signed_in("auditor", "triage").browser
    reader.get(f"/cases/{case.number}")
    page = reader.get("/log").text
    assert f'<a class="govuk-link" href="/cases/{case.number}">GH-{case.number}</a>' in page
    assert case.title in page
    numbers = signed_in("auditor").browser.get("/log").text
    assert f"GH-{case.number}</td>" in numbers
    assert str(case.id) not in page + numbers


def test_acknowledging_many_needs_more_than_triage(engine: Engine, signed_in: Callable[..., Given]) -> None:
    given = signed_in("triage")
    form = {"csrf": given.token, "act": "acknowledge", "case": "1"}
    answer = given.browser.post("/queue/bulk", data=form)
    assert (answer.status_code, DENIED in answer.text) == (403, True)
    assert denials(engine, given.username)[-1]["needs"] == "acknowledge"


def test_a_change_of_roles_counts_at_once(engine: Engine, signed_in: Callable[..., Given]) -> None:
    given = signed_in("triage")
    assert call(given, "GET /queue").status_code == 200
    with Session(engine) as session:
        session.exec(select(Person).where(Person.username == given.username)).one().roles = ["viewer"]
        session.commit()
    assert call(given, "GET /queue").status_code == 403


def test_seeing_a_case_is_noted_once_in_ten_minutes(
    engine: Engine, signed_in: Callable[..., Given], clock: Clockwork
) -> None:
    given, other = signed_in("triage"), signed_in("approver")
    for path in ("/cases/1", "/cases/1", "/api/v1/cases/1", "/cases/2"):
        given.browser.get(path)
    other.browser.get("/cases/1")
    clock.ahead = timedelta(minutes=11)
    given.browser.get("/cases/1")
    with Session(engine) as session:
        seen = session.exec(select(LogEntry.who).where(LogEntry.what == "viewed")).all()
    assert sorted(seen) == sorted([given.username] * 3 + [other.username])


def test_having_looked_does_not_stand_between_a_person_and_undoing(signed_in: Callable[..., Given]) -> None:
    given = signed_in("triage")
    call(given, "POST /cases/7/watch")
    given.browser.get("/cases/7")
    assert "undone" in call(given, "POST /cases/7/undo").headers["location"]


def test_who_may_only_read_is_offered_nothing_to_press(signed_in: Callable[..., Given]) -> None:
    for role, offered in (("approver", False), ("triage", True)):
        page = signed_in(role).browser.get("/cases/7").text
        assert ("/cases/7/claim" in page, "/cases/7/join" in page) == (offered, offered), role
    assert "/acknowledge" not in signed_in("triage").browser.get("/alerts").text
    assert "/acknowledge" in signed_in("duty_officer").browser.get("/alerts").text
