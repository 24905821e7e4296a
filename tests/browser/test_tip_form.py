"""The tip form and the form for links in Chromium: accessible, by keyboard alone, without JavaScript, on a phone."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlmodel import Session, select

from collector.months import make_months
from collector.records import Post
from collector.settings import TipSettings
from config.postgres import Cluster
from tests.browser.conftest import sign_in
from tests.browser.seed import PASSWORD
from tests.browser.test_accessible import violations
from tests.make import make_case, make_person, make_source
from tests.served import fresh_database, serve
from triage import people
from triage.settings import WebSettings
from triage.web.app import desk
from triage.web.inbox import Inbox

pytestmark = pytest.mark.browser

STORY = "Three officers held a man on the floor by the ticket gates."
NOTE = "Two officers hold a man on the ground outside the station."


@pytest.fixture(scope="module")
def served(cluster: Cluster) -> Iterator[str]:
    """A desk for the tests of this file: each adds what it needs."""
    with fresh_database(cluster) as engine:
        with Session(engine) as session:
            make_months(session, now=datetime.now(UTC))
            session.add_all(
                [make_source("tip-form", "tip"), make_source("pasted-links", "manual"), make_case()]
            )
            session.add(make_person(username="amira", password_hash=people.digest_password(PASSWORD)))
            session.commit()
        inbox = Inbox(TipSettings(least_s=0, an_address_an_hour=999), b"t" * 32, b"a" * 32)
        with serve(desk(engine, WebSettings(), inbox=inbox)) as address:
            yield address
        with Session(engine) as session:
            told = {post.text.partition("\n")[0] for post in session.exec(select(Post))}
            assert told <= {STORY, NOTE}


def focused(page: Page) -> str:
    """What has the focus: its id, or its words."""
    found: str = page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
    return found


@pytest.mark.parametrize(("scheme", "width"), [("light", 375), ("dark", 1440)])
def test_axe_finds_nothing_on_the_forms(
    served: str, opened: Callable[..., BrowserContext], scheme: str, width: int
) -> None:
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        found[name] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name

    page.goto(f"{served}/tip")
    page.locator("summary").click()
    look("form")
    page.get_by_label("Links to public posts").fill("nonsense")
    page.locator("#website").evaluate("each => { each.value = 'spam' }")
    page.get_by_role("button", name="Send").click()
    look("form with errors")
    page.goto(f"{served}/tip")
    fill_in(page)
    page.get_by_role("button", name="Send").click()
    look("sent")
    page.goto(f"{served}/tip/sent/nothing")
    look("no tip")
    sign_in(page, served)
    page.goto(f"{served}/manual")
    page.get_by_role("button", name="Add the link").click()
    look("links with errors")
    paste(page, f"https://blog.example/{width}/{scheme}")
    look("link")
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def fill_in(page: Page) -> None:
    page.get_by_label("What happened?").fill(STORY)
    page.get_by_label("Where did it happen?").fill("Brixton station")
    page.get_by_label("London borough (optional)").select_option("Lambeth")
    page.get_by_label("When did it happen?").fill("today at about 3pm")


def paste(page: Page, link: str) -> None:
    page.get_by_label("Link", exact=True).fill(link)
    page.get_by_label("What does it show?").fill(NOTE)
    page.get_by_label("Why do we need it?").fill("The press bureau is asked about it")
    page.get_by_label("Case (optional)").fill("GH-1")
    page.get_by_role("button", name="Add the link").click()


def test_the_tip_form_works_by_keyboard_alone(served: str, opened: Callable[..., BrowserContext]) -> None:
    page = opened().new_page()
    page.goto(f"{served}/tip")
    reached = []
    while "Send" not in reached:
        page.keyboard.press("Tab")
        reached.append(focused(page))
        assert len(reached) < 20, reached
    assert reached == [
        "Skip to main content",
        "Tell us about a police encounter",
        "Independent Office for Police Conduct (IOPC)",
        "What happens with what you send",
        *("what", "place", "borough", "when", "links", "Send"),
    ]
    page.keyboard.press("Enter")
    page.wait_for_selector(".govuk-error-summary:focus")
    page.keyboard.press("Tab")
    assert focused(page) == "Enter what happened"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'what'")
    page.keyboard.type(STORY)
    for words in ("Brixton station", "Lam", "today"):
        page.keyboard.press("Tab")
        page.keyboard.type(words)
    assert page.get_by_label("London borough (optional)").input_value() == "Lambeth"
    page.keyboard.press("Enter")
    page.wait_for_url("**/tip/sent/*")
    assert page.get_by_role("heading", name="We have it").is_visible()


def test_the_forms_work_without_javascript_on_a_phone(
    served: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened(java_script_enabled=False, viewport={"width": 320, "height": 640}).new_page()
    page.goto(f"{served}/tip")
    page.get_by_role("button", name="Send").click()
    assert page.get_by_role("link", name="Enter what happened").is_visible()
    fill_in(page)
    page.get_by_role("button", name="Send").dblclick()
    page.wait_for_url("**/tip/sent/*")
    assert page.locator(".gh-reference").is_visible()
    sign_in(page, served)
    page.goto(f"{served}/manual")
    paste(page, "https://blog.example/plain")
    assert page.get_by_role("link", name="GH-1").is_visible()
