"""Deciding on body-worn video in a browser: by keyboard, without scripts, and readable at both ends of the widths."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlmodel import Session

from config.postgres import Cluster
from tests.browser.conftest import sign_in
from tests.browser.seed import seed
from tests.browser.test_accessible import violations
from tests.make import LIFECYCLE
from tests.served import fresh_database, serve
from tests.triage.releasing import KINDS, NEW, POLICIES, form
from triage import actions
from triage.body_worn import Known, note_body_worn, note_viewing
from triage.policies import Policies
from triage.release import decide_release
from triage.settings import WebSettings
from triage.web.app import desk
from triage.writing import own_words

pytestmark = pytest.mark.browser
OPEN_ALL = "document.querySelectorAll('main details').forEach(each => each.open = true)"


class Filmed(NamedTuple):
    """The desk, and the numbers of its cases: nothing decided, refused, waiting for a second person."""

    base: str
    undecided: int
    refused: int
    waiting: int


@pytest.fixture(scope="module")
def filmed(cluster: Cluster) -> Iterator[Filmed]:
    """A desk with three cases whose body-worn video was viewed."""
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            now = datetime.now(UTC)
            seeded = seed(session, now=now)
            who = seeded.officer
            free = [each for each in seeded.cases if each.claimed_by is None and each.status == "detected"][
                :3
            ]
            for case in free:
                actions.confirm(session, case.id, who=who, now=now, lifecycle=LIFECYCLE)
                note_body_worn(session, case.id, Known("yes", "BWV/77", "02:01", "", 660), who=who, now=now)
                note_viewing(session, case.id, "Supervisor", LIFECYCLE, who=who, now=now)
            for case, outcome in zip(free[1:], ("do_not_release", "release"), strict=True):
                decide_release(session, case.id, POLICIES, form(NEW, outcome), KINDS, who=who, now=now)
            session.commit()
        given = Policies(release=POLICIES, writing=own_words()._replace(facts=KINDS))
        with serve(desk(engine, WebSettings(), lifecycle=LIFECYCLE, policies=given)) as address:
            yield Filmed(address, *(each.number or 0 for each in free))


def look(page: Page, address: str, width: int) -> None:
    page.goto(address)
    page.evaluate(OPEN_ALL)
    assert (address, violations(page)) == (address, [])
    assert page.evaluate("document.documentElement.scrollWidth") <= width, address


@pytest.mark.parametrize(("scheme", "width"), [("light", 375), ("dark", 1440)])
def test_the_form_and_what_was_decided_are_readable(
    filmed: Filmed, opened: Callable[..., BrowserContext], scheme: str, width: int
) -> None:
    page = sign_in(
        opened(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page(), filmed.base
    )
    for number in filmed[1:]:
        look(page, f"{filmed.base}/cases/{number}/body-worn", width)
    look(page, f"{filmed.base}/cases/{filmed.refused}", width)


def test_it_is_decided_by_keyboard_without_scripts_and_keeps_what_was_typed(
    filmed: Filmed, opened: Callable[..., BrowserContext]
) -> None:
    page = sign_in(opened(java_script_enabled=False).new_page(), filmed.base)
    page.goto(f"{filmed.base}/cases/{filmed.undecided}/body-worn")
    page.get_by_label("Do not release it").focus()
    page.keyboard.press("Space")
    page.get_by_label("Why, in short").focus()
    page.keyboard.type("Proceedings are active")
    page.get_by_role("button", name="Enter the decision").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.get_by_role("heading", name="Nothing was decided yet").is_visible()
    assert page.get_by_label("Do not release it").is_checked()
    assert page.get_by_label("Why, in short").input_value() == "Proceedings are active"
    page.get_by_role("link", name="Choose the reason it is not released.").click()
    assert page.url.endswith("#reason")
    page.get_by_label("When was release first asked for?").fill("2026-01-01T10:00")
    for name in (*(f"#a-{each.name}" for each in NEW.consideration), "#necessity", "#proportionality"):
        page.locator(name).fill("As weighed with legal services")
    page.get_by_label("The reason", exact=True).select_option("proceedings")
    page.get_by_role("button", name="Enter the decision").click()
    assert page.get_by_text("Decided. It stands on the case page").is_visible()
    assert page.get_by_text("Not released: it would prejudice proceedings").is_visible()
