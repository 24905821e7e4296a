"""Signing in with an account at work: only on the provider's word for this very attempt, and for the right person."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from tests.browser.seed import PASSWORD, Seeded
from tests.doubles.interface import Said
from tests.doubles.provider import Provider as Lying
from tests.doubles.provider import provider as running_provider
from tests.make import LIFECYCLE
from tests.served import Browser, field, serve
from tests.triage.web.conftest import Clockwork
from triage import people
from triage.oidc import Identity, Provider, connect
from triage.records import LogEntry, Person
from triage.settings import OidcSettings, WebSettings
from triage.web.app import desk

BACK = "https://desk.example/sign-in/oidc/back"


@pytest.fixture
def theirs() -> Iterator[Lying]:
    with running_provider() as made:
        yield made


@pytest.fixture
def only() -> bool:
    return False


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded, theirs: Lying, only: bool) -> Iterator[str]:
    settings = OidcSettings(
        issuer=theirs.issuer, client_id="desk", client_secret=SecretStr("hush"), name="Met account", only=only
    )
    theirs.now = clock
    ours = Provider(settings, back=BACK, now=clock)
    with serve(desk(engine, WebSettings(), lifecycle=LIFECYCLE, provider=ours, now=clock)) as address:
        yield address


@pytest.fixture
def connected(engine: Engine, theirs: Lying, base: str) -> Person:
    """Amira, whose account at work is `s-1`."""
    return person_of(engine, "amira", Identity(theirs.issuer, "s-1"))


def person_of(engine: Engine, name: str, identity: Identity) -> Person:
    with Session(engine, expire_on_commit=False) as session:
        person = people.find_person(session, name)
        assert person is not None
        assert connect(session, person, identity, now=person.created_at)
        session.commit()
        return person


def come_back(browser: Browser, theirs: Lying, *, next: str = "", **changed: str) -> Any:
    """Start, agree at the provider, and come back, with something changed on the way."""
    away = browser.get("/sign-in/oidc", params={"next": next})
    assert away.status_code == 303, away.text
    return browser.get("/sign-in/oidc/back", params=theirs.consent(away.headers["location"]) | changed)


def signed_in(browser: Browser) -> bool:
    return browser.get("/account").status_code == 200


def reasons(engine: Engine) -> list[str]:
    with Session(engine) as session:
        found = select(LogEntry).where(LogEntry.what == "sign-in refused").order_by(col(LogEntry.seq))
        return [str(entry.detail.get("why", "")) for entry in session.exec(found)]


def test_the_account_at_work_signs_its_person_in_and_leads_on_to_where_they_were_going(
    stranger: Browser, theirs: Lying, connected: Person
) -> None:
    answer = come_back(stranger, theirs, next="/alerts")
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")
    assert stranger.get("/api/v1/me").json()["username"] == "amira"


def test_the_session_is_new_at_sign_in_and_its_cookie_for_the_way_is_gone(
    stranger: Browser, theirs: Lying, connected: Person
) -> None:
    stranger.get("/sign-in/oidc")
    assert "work" in stranger.cookies
    come_back(stranger, theirs)
    assert "work" not in stranger.cookies
    assert "goldenhour" in stranger.cookies


def test_the_provider_is_asked_with_a_proof_key_and_our_secret_goes_to_it_alone(
    stranger: Browser, theirs: Lying, connected: Person
) -> None:
    away = stranger.get("/sign-in/oidc").headers["location"]
    assert "code_challenge_method=S256" in away
    assert "hush" not in away
    stranger.get("/sign-in/oidc/back", params=theirs.consent(away))
    token = next(asked for asked in theirs.interface.log if asked.path == "/token")
    assert b"client_secret=hush" in token.body


def test_the_same_address_with_another_subject_is_another_person(
    stranger: Browser, theirs: Lying, connected: Person, engine: Engine
) -> None:
    theirs.subject = "s-2"
    theirs.claims = {"email": "amira@force.example", "preferred_username": "amira"}
    answer = come_back(stranger, theirs)
    assert answer.status_code == 422
    assert "not connected to anybody" in answer.text
    assert not signed_in(stranger)
    assert "s-2" not in str(reasons(engine))


@pytest.mark.parametrize("changed", [{"state": "guessed"}, {"state": ""}, {"code": ""}, {"code": "guessed"}])
def test_an_answer_that_this_browser_did_not_ask_for_lets_nobody_in(
    stranger: Browser, theirs: Lying, connected: Person, changed: dict[str, str]
) -> None:
    assert come_back(stranger, theirs, **changed).status_code == 422
    assert not signed_in(stranger)


def test_an_answer_counts_once_and_only_in_the_browser_that_began(
    visit: Callable[[], Browser], theirs: Lying, connected: Person
) -> None:
    first, second = visit(), visit()
    brought = theirs.consent(first.get("/sign-in/oidc").headers["location"])
    assert second.get("/sign-in/oidc/back", params=brought).status_code == 422
    second.get("/sign-in/oidc")
    assert second.get("/sign-in/oidc/back", params=brought).status_code == 422
    assert first.get("/sign-in/oidc/back", params=brought).status_code == 303
    assert first.get("/sign-in/oidc/back", params=brought).status_code == 422


@pytest.mark.parametrize("path", ["/token", "/.well-known/openid-configuration"])
def test_a_provider_that_is_ill_is_a_page_that_says_so_never_an_error(
    stranger: Browser, theirs: Lying, connected: Person, engine: Engine, path: str
) -> None:
    theirs.interface.answers[path] = lambda _asked: Said({"error": "ill"}, 500)
    answer = stranger.get("/sign-in/oidc")
    if answer.status_code == 303:
        answer = stranger.get("/sign-in/oidc/back", params=theirs.consent(answer.headers["location"]))
    assert answer.status_code == 422
    assert "Try again" in answer.text
    assert reasons(engine)[-1] == "the provider answered 500"


def test_a_closed_account_is_closed_for_its_account_at_work_too(
    stranger: Browser, theirs: Lying, connected: Person, engine: Engine
) -> None:
    with Session(engine) as session:
        person = session.get_one(Person, connected.id)
        people.disable(session, person, by="admin", now=person.created_at)
        session.commit()
    assert come_back(stranger, theirs).status_code == 422


def test_a_person_connects_their_account_once_and_is_signed_in_by_it_from_then_on(
    amira: Browser, visit: Callable[[], Browser], theirs: Lying
) -> None:
    page = amira.fill_in("/account/oidc")
    away = page.text.split('role="button" href="')[1].split('"')[0].replace("&amp;", "&")
    answer = amira.get("/sign-in/oidc/back", params=theirs.consent(away))
    assert answer.headers["location"] == "/account?said=work-connected"
    other = visit()
    assert come_back(other, theirs).status_code == 303
    assert amira.fill_in("/account/oidc/disconnect").status_code == 303
    assert come_back(visit(), theirs).status_code == 422


def test_an_account_that_is_somebody_elses_cannot_be_connected(
    tom: Browser, theirs: Lying, connected: Person
) -> None:
    page = tom.fill_in("/account/oidc")
    away = page.text.split('role="button" href="')[1].split('"')[0].replace("&amp;", "&")
    answer = tom.get("/sign-in/oidc/back", params=theirs.consent(away))
    assert "belongs to somebody else" in answer.text


def test_a_link_sent_by_a_stranger_connects_nothing_to_a_signed_in_account(
    amira: Browser, theirs: Lying, engine: Engine
) -> None:
    """Starting to sign in is not asking to connect: that needs our own form."""
    theirs.subject = "attacker"
    come_back(amira, theirs)
    with Session(engine) as session:
        found = people.find_person(session, "amira")
        assert found is not None
        assert found.oidc_subject is None


@pytest.mark.parametrize("only", [True])
def test_where_only_work_accounts_count_passwords_do_not_but_links_do(
    stranger: Browser, theirs: Lying, connected: Person, engine: Engine
) -> None:
    page = stranger.get("/sign-in").text
    assert 'name="password"' not in page
    assert "Sign in with your Met account" in page
    door = field_or_link(stranger, engine)
    assert (
        stranger.post("/sign-in", data={"username": "amira", "password": PASSWORD, "door": door}).status_code
        == 422
    )
    assert not signed_in(stranger)
    with Session(engine) as session:
        token = people.make_link(session, session.get_one(Person, connected.id), now=connected.created_at)
        session.commit()
    assert token


def field_or_link(browser: Browser, engine: Engine) -> str:
    """The door token of the page for links, which is there when no password is asked for."""
    return field(browser.get("/sign-in/some-link").text, "door")
