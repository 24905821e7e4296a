"""The page of our own errors: noted, answered, refused where something is missing; words of people are never markup."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.browser.seed import PASSWORD, password_hash
from tests.make import make_person
from tests.served import Browser, serve
from tests.triage.web.conftest import Clockwork
from triage.settings import WebSettings
from triage.slip_records import Slip, SlipKind
from triage.web.app import desk

WHAT = "GH-7 was told two hours late <b>"


@pytest.fixture
def officer(engine: Engine, clock: Clockwork) -> Iterator[Browser]:
    with Session(engine) as session:
        session.add(make_person(username="ann", roles=["duty_officer"], password_hash=password_hash()))
        session.add(
            Slip(kind=SlipKind.OUTAGE, happened_at=clock(), what="Slack was silent", suggested_by="failure 1")
        )
        session.commit()
    with serve(desk(engine, WebSettings(), now=clock)) as address, Browser(address) as browser:
        browser.sign_in("ann", PASSWORD)
        yield browser


def test_an_error_is_noted_answered_and_shown(officer: Browser, engine: Engine) -> None:
    at = "2026-07-14T09:30"
    answer = officer.fill_in("/our-errors", kind="late", at=at, what=WHAT, effect="Nobody rang the family")
    assert answer.headers["location"] == "/our-errors?said=error-noted"
    page = officer.get("/our-errors").text
    assert "GH-7 was told two hours late &lt;b&gt;" in page
    assert "nobody has said yet that it was one" in page
    with Session(engine) as session:
        slip = session.exec(select(Slip).where(Slip.what == WHAT)).one()
        number, happened = slip.number, slip.happened_at
    assert happened == datetime(2026, 7, 14, 8, 30, tzinfo=UTC), "a time typed in July is London's"
    assert (
        officer.fill_in(f"/our-errors/{number}", mended_how="A second ladder", told="The borough").status_code
        == 303
    )
    assert "A second ladder" in officer.get("/our-errors").text


def test_what_is_missing_is_said_and_nothing_is_kept(officer: Browser, engine: Engine) -> None:
    refused = officer.fill_in("/our-errors", kind="late", at="2026-07-14T09:00", what="x", effect=" ")
    assert refused.status_code == 409
    assert "what came of it" in refused.text
    assert officer.fill_in("/our-errors/999", effect="x").status_code == 409
    assert officer.fill_in("/our-errors", kind="nonsense", at="x", what="x", effect="x").status_code == 422
    with Session(engine) as session:
        assert len(session.exec(select(Slip)).all()) == 1
