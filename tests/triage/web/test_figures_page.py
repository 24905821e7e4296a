"""The page of the figures: n of N, definition, period, rows with links, changes; nobody learns of a hidden case."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from config.settings import HERE
from tests.browser.seed import PASSWORD, Seeded
from tests.make import LIFECYCLE
from tests.served import Browser, serve
from tests.triage.web.conftest import Clockwork
from triage.policies import Policies
from triage.records import Case, Person, Status
from triage.restriction_records import Restriction, Tie
from triage.review.definitions import read_definitions
from triage.review.figures import Period
from triage.review.figuring import figures_as_of
from triage.review.journal import count
from triage.review.printing import note_printed
from triage.settings import WebSettings
from triage.web.app import desk

DEFINED = read_definitions(HERE / "review" / "figures.toml")


@pytest.fixture
def reviewer(engine: Engine, clock: Clockwork, seeded: Seeded) -> Iterator[Browser]:
    """Tom, who keeps the reviews; three cases were dismissed, and all was counted."""
    with Session(engine) as session:
        for case in session.exec(select(Case).order_by(col(Case.number)).limit(3)):
            case.status, case.touched_at = Status.NOISE, clock()
        session.flush()
        count(session, now=clock())
        session.commit()
    app = desk(engine, WebSettings(), lifecycle=LIFECYCLE, policies=Policies(figures=DEFINED), now=clock)
    with serve(app) as address, Browser(address) as browser:
        assert browser.sign_in("tom", PASSWORD).status_code == 303
        yield browser


def test_a_number_has_its_denominator_its_definition_and_its_rows(reviewer: Browser) -> None:
    page = reviewer.get("/figures").text
    assert "False alarms" in page
    assert "a biased sample" in page
    assert "goldenhour review figures --since" in page
    opened = reviewer.get("/figures?show=false_alarms").text
    assert "95% interval" in opened
    assert "<svg" in opened
    assert "The same as a table" in opened
    assert 'href="/cases/1">GH-1' in opened
    assert "Beware" in opened or "Means" in opened
    table = reviewer.get("/figures?show=theme_type").text
    assert 'scope="col">Of<' in table


def test_a_case_that_is_hidden_is_counted_and_not_named(
    reviewer: Browser, engine: Engine, clock: Clockwork
) -> None:
    with Session(engine) as session:
        tom = session.exec(select(Person).where(Person.username == "tom")).one()
        case = session.exec(select(Case).where(Case.number == 1)).one()
        session.add(Tie(case_id=case.id, person_id=tom.id, declared_at=clock()))
        session.commit()
    opened = reviewer.get("/figures?show=false_alarms").text
    assert "GH-1<" not in opened
    assert "1 row of cases that are not shown to you" in opened


def test_a_restricted_case_is_in_no_number(reviewer: Browser, engine: Engine, clock: Clockwork) -> None:
    with Session(engine) as session:
        case = session.exec(select(Case).where(Case.number == 1)).one()
        person = session.exec(select(Person)).first()
        assert person is not None
        session.add(
            Restriction(case_id=case.id, reason="death", why="made up", set_by=person.id, set_at=clock())
        )
        session.flush()
        count(session, now=clock())
        session.commit()
    opened = reviewer.get("/figures?show=false_alarms").text
    assert "GH-1<" not in opened
    assert "not shown to you" not in opened


def test_what_changed_behind_a_printed_pack_is_listed(
    reviewer: Browser, engine: Engine, clock: Clockwork
) -> None:
    now = clock()
    with Session(engine) as session:
        period = Period(now - timedelta(days=20), now + timedelta(seconds=1))
        note_printed(
            session, figures_as_of(session, period, DEFINED, at=clock()), into="pack", who="tom", now=clock()
        )
        session.commit()
        case = session.exec(select(Case).where(Case.number == 2)).one()
        case.status = Status.CONFIRMED
        session.flush()
        count(session, now=clock())
        session.commit()
    day = (clock() + timedelta(days=2)).date()
    page = reviewer.get(f"/figures?since={day}&until={day}").text
    assert "counted, in the numerator → counted" in page


@pytest.mark.parametrize("days", ["since=x&until=y", "since=2026-07-02&until=2026-07-01", "since=2026-07-01"])
def test_days_that_make_no_sense_are_said_to_be_none(reviewer: Browser, days: str) -> None:
    answer = reviewer.get(f"/figures?{days}")
    assert answer.status_code == 200
    assert "These are the last fortnight" in answer.text


def test_what_there_is_not_is_said(reviewer: Browser) -> None:
    assert "There is no figure called “&lt;b&gt;”" in reviewer.get("/figures?show=<b>").text
