"""The oversight group's pages in a browser: a finding entered by keyboard alone, and one that misses something."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.browser.conftest import sign_in
from tests.browser.scenes import set_scene
from tests.browser.seed_decided import CODES, LONG_AGO, come
from tests.make import LIFECYCLE
from tests.served import serve
from tests.triage.review.kept import CYCLE
from triage.policies import Policies
from triage.records import Case
from triage.review.finding_records import Finding
from triage.review.meeting_records import Review, ReviewItem
from triage.settings import WebSettings
from triage.web.app import desk

pytestmark = pytest.mark.browser


@pytest.fixture
def page(engine: Engine, opened: Callable[..., BrowserContext]) -> Iterator[Page]:
    with Session(engine, expire_on_commit=False) as session:
        set_scene(session, 3, now=datetime.now(UTC))
        review = Review(meets_at=LONG_AGO, created_at=LONG_AGO)
        session.add(review)
        session.flush()
        come(session, review, None)
        case = session.exec(select(Case).where(Case.number == 1)).one()
        session.add(ReviewItem(case_id=case.id, review_id=review.id, because="force", listed_at=LONG_AGO))
        session.commit()
    policies = Policies(findings=CODES, cycle=CYCLE)
    with serve(desk(engine, WebSettings(), lifecycle=LIFECYCLE, policies=policies)) as base:
        page = sign_in(opened().new_page(), base)
        page.goto(f"{base}/reviews/{LONG_AGO:%Y-%m-%d}/cases/1")
        yield page


def tab_to(page: Page, field: str) -> None:
    """By the tab key, as who uses no mouse gets there."""
    for _ in range(80):
        if page.evaluate("document.activeElement.id") == field:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the tab key never reached {field}")


def test_a_finding_is_entered_by_keyboard_alone(page: Page, engine: Engine) -> None:
    tab_to(page, "code")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    tab_to(page, "talk")
    page.keyboard.press("Space")
    tab_to(page, "communication")
    page.keyboard.press("Space")
    tab_to(page, "legality")
    page.keyboard.press("Space")
    tab_to(page, "decision")
    page.keyboard.type("The team hears of it")
    tab_to(page, "why")
    page.keyboard.type("Nobody explained the stop")
    page.get_by_role("button", name="Enter the finding").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The finding is entered")
    with Session(engine) as session:
        made = session.exec(select(Finding)).one()
    assert (made.code, made.talk, made.communication) == ("POOR-COMMUNICATION", "yes", 1)


def test_what_is_missing_is_said_on_top_and_leads_to_its_field(page: Page) -> None:
    page.get_by_label("What was decided").fill("Two words")
    page.get_by_role("button", name="Enter the finding").click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("Choose the finding that says it best.")
    page.get_by_role("link", name="Choose the finding that says it best.").press("Enter")
    expect(page.locator("#code")).to_be_focused()
    expect(page.get_by_label("What was decided")).to_have_value("Two words")
