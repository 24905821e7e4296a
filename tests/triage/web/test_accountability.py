"""The pages of accountability: every sheet, as page and as text; access gone through; and what the public reads."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from config.knowing import known_of
from config.settings import Settings
from tests.browser.seed import PASSWORD, password_hash
from tests.make import make_person
from tests.served import Browser, serve
from tests.triage.web.conftest import Clockwork
from triage.accountability.sheets import SHEETS
from triage.policies import Policies
from triage.records import LogEntry
from triage.settings import WebSettings
from triage.web.app import desk


@pytest.fixture
def told(engine: Engine, clock: Clockwork) -> Iterator[str]:
    with serve(
        desk(engine, WebSettings(), policies=Policies(known=known_of(Settings())), now=clock)
    ) as address:
        yield address


@pytest.fixture
def steward(engine: Engine, told: str) -> Iterator[Browser]:
    with Session(engine) as session:
        session.add(make_person(username="tess", roles=["data_steward"], password_hash=password_hash()))
        session.commit()
    with Browser(told) as browser:
        browser.sign_in("tess", PASSWORD)
        yield browser


@pytest.mark.parametrize("name", SHEETS)
def test_each_sheet_is_a_page_and_a_text(steward: Browser, name: str) -> None:
    page, text = steward.get(f"/accountability/{name}"), steward.get(f"/accountability/{name}.md")
    assert (page.status_code, text.status_code) == (200, 200)
    assert f'href="/accountability/{name}.md"' in page.text
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert f'filename="{name}-' in text.headers["content-disposition"]
    assert text.text.startswith("# ")


def test_a_sheet_there_is_none_of_is_not_found(steward: Browser) -> None:
    assert steward.get("/accountability/people").status_code == 404
    assert f'href="/accountability/{next(iter(SHEETS))}"' in steward.get("/accountability").text


def test_a_steward_enters_that_access_was_gone_through(engine: Engine, steward: Browser) -> None:
    assert steward.fill_in("/accountability/access", said=" ").status_code == 409
    answer = steward.fill_in("/accountability/access", said="closed two accounts")
    assert answer.headers["location"] == "/accountability/access?said=access-reviewed"
    assert "by tess" in steward.get("/accountability/access").text
    with Session(engine) as session:
        assert (
            session.exec(select(LogEntry.why).where(LogEntry.what == "access reviewed")).one()
            == "closed two accounts"
        )


def test_everybody_reads_how_public_posts_are_used_without_signing_in(told: str) -> None:
    page = httpx.get(f"{told}/transparency")
    assert page.status_code == 200
    for said in (
        "It looks for incidents, never for people",
        "How to ask, or object",
        "UK GDPR Art 6(1)(e)",
        "cases opened",
    ):
        assert said.lower() in page.text.lower()
    assert "set-cookie" not in page.headers


def test_without_purposes_the_public_page_says_so_and_sheets_are_away(
    engine: Engine, clock: Clockwork
) -> None:
    with serve(desk(engine, WebSettings(), now=clock)) as bare:
        answer = httpx.get(f"{bare}/transparency")
    assert (answer.status_code, "cannot be shown" in answer.text) == (503, True)


def test_the_model_is_switched_off_and_on_from_its_page(engine: Engine, steward: Browser) -> None:
    assert steward.fill_in("/model/off", why=" ").status_code == 409
    assert (
        steward.fill_in("/model/off", why="it raises weather").headers["location"] == "/model?said=model-off"
    )
    page = steward.get("/model").text
    assert "words alone" in page
    assert "The model is switched off by tess" in page
    assert steward.fill_in("/model/on", why="mended").headers["location"] == "/model?said=model-on"
    assert "Switch it off" in steward.get("/model").text


def test_a_channel_is_switched_off_and_on_where_its_state_stands(engine: Engine, clock: Clockwork) -> None:
    with Session(engine) as session:
        session.add(make_person(username="dan", roles=["duty_officer"], password_hash=password_hash()))
        session.commit()
    app = desk(engine, WebSettings(), channels=["email"], now=clock)
    with serve(app) as base, Browser(base) as dan:
        dan.sign_in("dan", PASSWORD)
        assert dan.fill_in("/alerts/channels/off", channel="pigeon", why="gone").status_code == 409
        answer = dan.fill_in("/alerts/channels/off", channel="email", why="it leaked")
        assert answer.headers["location"] == "/alerts?said=channel-off#channels"
        page = dan.get("/alerts").text
        assert "Switched off" in page
        assert "The channel email is switched off by dan" in page
        assert 'action="/alerts/channels/on"' in page
        dan.fill_in("/alerts/channels/on", channel="email", why="mended")
        assert "Switched off" not in dan.get("/alerts").text
