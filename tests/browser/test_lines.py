"""A line in a browser: asked for, filled, checked while it is typed, approved by another, recorded as issued."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import Engine
from sqlmodel import Session, select

from responders.statements import draft
from tests.browser.conftest import sign_in
from tests.browser.seed import Seeded, password_hash
from tests.browser.test_accessible import violations
from tests.make import LIFECYCLE, make_person
from tests.responders.words import TEMPLATES
from tests.served import serve
from tests.triage.lines import WRITING
from triage.policies import Policies
from triage.records import Clock, Role
from triage.settings import WebSettings
from triage.statement_records import Statement
from triage.web.app import desk
from triage.writing import LineKind

pytestmark = pytest.mark.browser
LONDON = ZoneInfo("Europe/London")
OPEN_ALL = "document.querySelectorAll('main details').forEach(each => each.open = true)"
FACTS = (("Place", "Rye Lane, Southwark"), ("Kind of contact", "a stop and search"))


@pytest.fixture
def written_at(engine: Engine, seeded: Seeded) -> Iterator[str]:
    """A desk that knows one template, with somebody who approves."""
    with Session(engine) as session:
        session.add(make_person(username="ben", roles=[Role.APPROVER], password_hash=password_hash()))
        session.commit()
    writing = WRITING._replace(kinds=(LineKind("confirmed", "H2 Confirmed, under review", "press bureau"),))
    with serve(
        desk(engine, WebSettings(), lifecycle=LIFECYCLE, policies=Policies(writing=writing))
    ) as address:
        yield address


def fill(engine: Engine, seeded: Seeded) -> None:
    """What the worker does with the job that was left."""
    with Session(engine) as session:
        draft(session, seeded.cases[2].id, TEMPLATES, now=datetime.now(UTC))
        session.commit()


def note(page: Page, name: str, value: str) -> None:
    facts = page.locator("#facts")
    facts.get_by_text("Note a fact").click()
    named = facts.get_by_label("What", exact=True).locator("option", has_text=f"{name}:").first
    facts.get_by_label("What", exact=True).select_option(named.get_attribute("value") or "")
    facts.get_by_label("Value").fill(value)
    facts.get_by_label("Where it is known from").fill("CAD 4411 of 14 July")
    facts.get_by_role("button", name="Note it").click()
    page.locator("#facts li", has_text=value).get_by_role("button", name="Verify").click()


def test_the_whole_way_of_a_line(
    engine: Engine, seeded: Seeded, written_at: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    sign_in(page, written_at)
    page.goto(f"{written_at}/cases/3")
    page.get_by_label("Begin a line").select_option("confirmed")
    page.get_by_role("button", name="Begin", exact=True).click()
    expect(page.get_by_text("It is being filled")).to_be_visible()
    for name, value in FACTS:
        note(page, name, value)
    fill(engine, seeded)
    page.reload()
    words = page.get_by_label("Line", exact=True)
    assert "Rye Lane, Southwark" in words.input_value()
    assert "a stop and search" in words.input_value()
    assert "not known]" in words.input_value()

    words.fill("We looked into a stop and search in Rye Lane. Our officers acted correctly.")
    expect(page.locator("#check")).to_contain_text("1 stops the line")
    expect(page.locator("#marked mark")).to_contain_text("acted correctly")
    promised = f"More by {datetime.now(LONDON) + timedelta(hours=2):%H:%M}."
    words.fill(f"We are looking into a stop and search in Rye Lane. We see the concern. {promised}")
    page.get_by_label("Short, for social media").fill(f"We are looking into a stop in Rye Lane. {promised}")
    expect(page.locator("#check .gh-check__says")).not_to_contain_text("stop")
    for name in ("In the BCU’s voice", "For officers and staff", "For IAG and stakeholders", "If asked"):
        page.evaluate(OPEN_ALL)
        page.get_by_label(name, exact=True).fill("")
    page.get_by_role("button", name="Keep as version 2").click()
    expect(page.locator("#h-versions ~ details[open] ins").first).to_be_visible()
    page.get_by_role("button", name="Hand to review").click()
    expect(
        page.get_by_text("somebody else approves it").or_(page.get_by_text("waits for an approver"))
    ).to_be_visible()
    line = page.url.partition("?")[0]

    other = opened().new_page()
    sign_in(other, written_at, "ben")
    other.goto(f"{written_at}/statements?view=waiting")
    other.get_by_role("link", name="H2 Confirmed").click()
    other.get_by_role("button", name="Approve version 2").click()
    expect(other.get_by_text("Your approval is entered")).to_be_visible()

    page.goto(line)
    page.get_by_label("Where it was issued").fill("X")
    page.get_by_label("Link", exact=True).fill("https://x.example/1")
    soon = datetime.now(LONDON) + timedelta(minutes=50)
    page.get_by_label("Next update due, London time").fill(f"{soon:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Record as issued").click()
    expect(page.get_by_text("Nothing was published from here").first).to_be_visible()
    expect(page.get_by_role("heading", name="Where it went")).to_be_visible()
    with Session(engine) as session:
        kept = session.exec(select(Statement).where(Statement.author == "amira")).one()
        clock = session.exec(
            select(Clock).where(Clock.case_id == kept.case_id, Clock.name == "next_update")
        ).one()
        assert (kept.state, clock.due_at) == ("issued", kept.next_update_at)


def test_the_pages_of_lines_are_accessible_and_fit(
    engine: Engine, seeded: Seeded, written_at: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    sign_in(page, written_at)
    page.goto(f"{written_at}/cases/3")
    page.get_by_label("Begin a line").select_option("own")
    page.get_by_role("button", name="Begin", exact=True).click()
    page.get_by_label("Line", exact=True).fill("They acted correctly, said an IC3 male.")
    page.get_by_role("button", name="Keep as version 2").click()
    line = page.url.partition("?")[0].removeprefix(written_at)
    note(page, *FACTS[0])
    schemes: tuple[str, ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for width in (375, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            for path in (line, "/statements", "/cases/3"):
                page.goto(f"{written_at}{path}")
                page.evaluate(OPEN_ALL)
                assert violations(page) == [], (path, scheme, width)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_a_line_is_written_and_checked_without_scripts(
    written_at: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened(java_script_enabled=False).new_page()
    sign_in(page, written_at)
    page.goto(f"{written_at}/cases/3")
    page.get_by_label("Begin a line").select_option("own")
    page.get_by_role("button", name="Begin", exact=True).click()
    page.get_by_label("Line", exact=True).fill("They acted correctly.")
    page.get_by_role("button", name="Check", exact=True).click()
    assert "1 stops the line" in page.locator("#check").inner_text()
    assert page.get_by_label("Line", exact=True).input_value() == "They acted correctly."
    page.get_by_role("button", name="Keep as version 2").click()
    assert page.get_by_text("Kept as a new version").is_visible()
