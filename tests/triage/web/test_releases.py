"""The page on releasing body-worn video over real HTTP: decided by two, kept as typed when something is missing."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from config.settings import HERE
from tests.browser.seed import PASSWORD, Seeded
from tests.make import LIFECYCLE
from tests.served import Browser, serve
from tests.triage.releasing import KINDS, NEW, POLICIES
from tests.triage.web.conftest import Clockwork
from triage.policies import Policies
from triage.records import Person, Role
from triage.release_records import BwvDecision
from triage.settings import WebSettings
from triage.statement_records import CaseFact
from triage.web.app import desk
from triage.writing import own_words

WRITING = own_words()._replace(facts=KINDS)
PAGE = "/cases/1/body-worn"


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded) -> Iterator[str]:
    app = desk(
        engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE, now=clock,
        policies=Policies(release=POLICIES, writing=WRITING),
    )  # fmt: skip
    with serve(app) as address:
        yield address


@pytest.fixture
def deciders(engine: Engine, seeded: Seeded, visit: Callable[[], Browser]) -> tuple[Browser, Browser]:
    """Amira and Tom as oversight reviewers, on a confirmed case whose body-worn video was viewed."""
    with Session(engine) as session:
        for person in session.exec(select(Person).where(Person.username.in_(["amira", "tom"]))):  # type: ignore[attr-defined]
            person.roles = [Role.DUTY_OFFICER.value, Role.OVERSIGHT_REVIEWER.value]
        session.commit()
    browsers = visit(), visit()
    for browser, name in zip(browsers, ("amira", "tom"), strict=True):
        assert browser.sign_in(name, PASSWORD).status_code == 303
    amira = browsers[0]
    for act, form in (
        ("confirm", {}),
        ("body-worn", {"exists": "yes", "version": 0, "reference": "BWV/12", "encounter_minutes": "15"}),
        ("body-worn/viewed", {"role": "Supervisor"}),
    ):
        assert post(amira, act, **form).status_code == 303
    return browsers


def post(browser: Browser, act: str, **form: object) -> httpx.Response:
    return browser.post(f"/cases/1/{act}", data={"csrf": browser.token, **form})


def filled(**given: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    said: dict[str, Any] = {
        "policy": NEW.version,
        "outcome": "release",
        "asked_at": "2026-01-01T10:00",
        "about": [each.name for each in NEW.consideration],
        "words": [f"Weighed with care: {each.name}" for each in NEW.consideration],
        "necessity": "The clip leaves out how it began",
        "proportionality": "Only the street is shown",
        "redaction": ["Voices"],
        "party": [each.name for each in NEW.told],
        "told_at": ["2026-01-01T11:00" for _ in NEW.told],
        "told_why": ["" for _ in NEW.told],
        "why": "People judge a short clip",
    }
    return {**said, **given}


def test_two_people_release_it_and_the_case_says_so(
    engine: Engine, deciders: tuple[Browser, Browser]
) -> None:
    amira, tom = deciders
    asked = post(amira, "body-worn/decide", **filled())
    assert asked.headers["location"].startswith(f"{PAGE}?said=release-asked")
    waiting = amira.get(PAGE).text
    assert "It waits for a second person" in waiting
    assert ">Agree<" not in waiting
    with Session(engine) as session:
        made = str(session.exec(select(BwvDecision.id)).one())
    assert post(amira, "body-worn/answer", decision=made, agreed="true").status_code == 409
    assert post(tom, "body-worn/answer", decision=made, agreed="true").status_code == 303
    assert post(tom, "body-worn/item", decision=made, item="PUB/7").status_code == 303
    page = tom.get(PAGE).text
    assert "RELEASE/20" in page
    assert "PUB/7" in page
    assert "Weighed with care: courts" in page
    assert "told 1 January" in page or "told" in page
    case = tom.get("/cases/1").text
    assert "Body-worn video: to be released" in case
    assert "after it was asked for" in case
    with Session(engine) as session:
        facts = dict(session.exec(select(CaseFact.name, CaseFact.verified_by)).all())
    assert facts["release_ref"] == "tom"


def test_what_is_missing_is_named_and_what_was_typed_stays(
    engine: Engine, deciders: tuple[Browser, Browser]
) -> None:
    amira, _ = deciders
    words = ["Typed <b>before</b>", *("" for _ in NEW.consideration[1:])]
    answer = post(
        amira, "body-worn/decide",
        **filled(
            words=words, why="", asked_at="soon", redaction=["Voices", "Number plates"], other="A tattoo",
            told_why=["No such person"] * 6,
        ),
    )  # fmt: skip
    assert answer.status_code == 422
    page = answer.text
    assert "Nothing was decided yet" in page
    assert "Typed &lt;b&gt;before&lt;/b&gt;" in page
    for kept in ('value="A tattoo"', 'value="No such person"', "The clip leaves out how it began"):
        assert kept in page
    for ticked in ('value="Voices" checked', 'value="Number plates" checked', 'value="release"'):
        assert ticked in page
    for field in ("a-trust", "asked_at", "why"):
        assert f'href="#{field}"' in page
        assert f'id="{field}"' in page
    with Session(engine) as session:
        assert session.exec(select(BwvDecision)).all() == []


def test_a_refusal_needs_its_reason_and_shows_it_with_the_time_taken(
    deciders: tuple[Browser, Browser],
) -> None:
    amira, tom = deciders
    assert post(amira, "body-worn/decide", **filled(outcome="do_not_release")).status_code == 422
    given = filled(
        outcome="do_not_release", reason="data_protection", lawful_basis="None for the bystanders in it"
    )
    assert post(amira, "body-worn/decide", **given).status_code == 303
    case = tom.get("/cases/1").text
    assert "not released</strong> (data protection)" in case
    assert "days after it was asked for" in case
    assert "None for the bystanders in it" in tom.get(PAGE).text


def test_a_policy_that_is_not_the_days_is_refused_with_what_was_typed(
    deciders: tuple[Browser, Browser],
) -> None:
    answer = post(deciders[0], "body-worn/decide", **filled(policy="bwv-2020"))
    assert (answer.status_code, "Another policy is in force now" in answer.text) == (409, True)
    assert "The clip leaves out how it began" in answer.text


def test_a_decision_of_another_case_is_not_answered_here(
    engine: Engine, deciders: tuple[Browser, Browser]
) -> None:
    amira, tom = deciders
    post(amira, "body-worn/decide", **filled())
    with Session(engine) as session:
        made = str(session.exec(select(BwvDecision.id)).one())
    answer = tom.post(
        "/cases/2/body-worn/answer", data={"csrf": tom.token, "decision": made, "agreed": "true"}
    )
    assert (answer.status_code, "no such decision" in answer.text) == (409, True)


def test_whoever_may_not_decide_reads_and_has_no_form(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        session.exec(select(Person).where(Person.username == "amira")).one().roles = ["triage"]
        session.commit()
    page = amira.get(PAGE).text
    assert "The policy in force" in page
    assert "Enter the decision" not in page
    assert post(amira, "body-worn/decide", **filled()).status_code == 403


def test_without_a_policy_the_page_says_so(engine: Engine, seeded: Seeded) -> None:
    with serve(desk(engine, WebSettings(), lifecycle=LIFECYCLE)) as address, Browser(address) as browser:
        browser.sign_in("amira", PASSWORD)
        assert "No policy on body-worn video is in force today" in browser.get(PAGE).text
        refused = post(browser, "body-worn/decide", **filled())
        assert refused.status_code in (403, 409)


def test_our_policies_are_among_the_files_that_are_read_at_start() -> None:
    assert len(list((HERE / "policy").glob("bwv-*.toml"))) == len(POLICIES) == 2
