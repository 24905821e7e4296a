"""axe-core where people look most, in every look; test_looks.py has all other pages."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, ViewportSize
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.browser.conftest import sign_in
from triage.records import Person

pytestmark = pytest.mark.browser

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
# what colours and sizes decide: all that a dark page can have wrong when the light one is right
BY_LOOK = RULES | {"runOnly": ["color-contrast", "link-in-text-block", "target-size"]}
NARROW: ViewportSize = {"width": 375, "height": 900}
WIDE: ViewportSize = {"width": 1440, "height": 900}
# what is right would take longer to bring over than to find
LOOK = """async rules => (await axe.run(rules)).violations.flatMap(
  each => each.nodes.map(node => `${each.id}: ${node.html.slice(0, 160)}`))"""


def violations(page: Page, rules: dict[str, list[str]] = RULES) -> list[str]:
    if page.evaluate("!window.axe"):
        page.evaluate(Axe().axe_script)
    found: list[str] = page.evaluate(LOOK, rules)
    return found


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["375", "1440"])
def test_axe_finds_nothing_on_the_most_used_pages(
    looked_at: str, opened: Callable[..., BrowserContext], size: ViewportSize
) -> None:
    page = opened(viewport=size).new_page()
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        page.emulate_media(color_scheme="light")
        found[name] = violations(page)
        page.emulate_media(color_scheme="dark")
        found[f"{name}, dark"] = violations(page, BY_LOOK)

    page.goto(f"{looked_at}/sign-in")
    look("/sign-in")
    sign_in(page, looked_at)
    for path in ("/cases/1", "/alerts", "/queue"):
        page.goto(f"{looked_at}{path}")
        look(path)
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    look("keys")
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_log(
    engine: Engine, base: str, opened: Callable[..., BrowserContext], scheme: str
) -> None:
    with Session(engine) as session:
        officer = session.exec(select(Person).where(Person.username == "amira")).one()
        officer.roles = [*officer.roles, "data_steward", "auditor"]
        session.add(officer)
        session.commit()
    page = opened(color_scheme=scheme).new_page()
    sign_in(page, base)
    page.goto(f"{base}/log")
    assert violations(page) == []


def test_high_contrast_and_forced_colours_keep_the_words(
    looked_at: str, opened: Callable[..., BrowserContext]
) -> None:
    for given in ({"contrast": "more"}, {"contrast": "more", "color_scheme": "dark"}):
        page = opened(**given).new_page()
        sign_in(page, looked_at)
        assert violations(page) == []
    page = opened(forced_colors="active").new_page()
    sign_in(page, looked_at)
    row = page.locator("#case-1")
    assert row.get_by_text("SEV1").is_visible()
    assert row.get_by_text("critical").is_visible()


def test_text_is_never_small(looked_at: str, opened: Callable[..., BrowserContext]) -> None:
    page = opened().new_page()
    sign_in(page, looked_at)
    for path in ("/queue", "/cases/1", "/sources"):
        page.goto(f"{looked_at}{path}")
        smallest = page.evaluate(
            """() => Math.min(...[...document.querySelectorAll('main *')]
                 .filter(each => each.checkVisibility() && [...each.childNodes].some(
                   node => node.nodeType === 3 && node.textContent.trim()))
                 .map(each => parseFloat(getComputedStyle(each).fontSize)))"""
        )
        assert smallest >= 14, path
