"""The pages about sources in Chromium: readable and reachable for everybody, narrow and wide, light and dark."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlmodel import Session

from config.postgres import Cluster
from tests.browser.conftest import sign_in
from tests.browser.seed import seed
from tests.browser.test_accessible import violations
from tests.served import fresh_database, serve
from tests.watching import ODD, seed_states
from triage.settings import WebSettings
from triage.web.app import desk

pytestmark = pytest.mark.browser

PAGES = (
    "/sources",
    "/sources?borough=Ealing",
    "/sources?show=blind",
    "/sources?borough=Westminster",
    "/sources/hackney-gazette",
    "/sources/barnet-bugle",
    "/sources/brent-brief",
    "/sources/youtube-words",
    f"/sources/{quote(ODD, safe='')}",
    "/sources/nobody",
    "/coverage",
)


@pytest.fixture(scope="module")
def watched(cluster: Cluster) -> Iterator[str]:
    """A desk before sources in every state, where time stands still."""
    now = datetime.now(UTC)
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            seed(session, now=now)
            seed_states(session, now=now)
        with serve(desk(engine, WebSettings(), now=lambda: now)) as address:
            yield address


@pytest.mark.parametrize(("scheme", "width"), [("light", 375), ("dark", 1440)])
def test_axe_finds_nothing_and_nothing_sticks_out(
    watched: str, opened: Callable[..., BrowserContext], scheme: str, width: int
) -> None:
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    sign_in(page, watched)
    found = {}
    for path in PAGES:
        page.goto(f"{watched}{path}")
        for each in page.locator("details").all():
            each.evaluate("each => { each.open = true }")
        found[path] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_the_map_is_walked_by_keyboard_to_a_boroughs_sources(
    watched: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    sign_in(page, watched)
    page.goto(f"{watched}/sources")
    page.get_by_role("link", name="Coverage map").click()
    page.get_by_role("link", name="The same as a table").focus()
    for name in ("Barking and Dagenham", "Barnet", "Bexley"):
        page.keyboard.press("Tab")
        expect(page.locator("svg a:focus")).to_have_accessible_name(f"{name}: {SIGHTS[name]}")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sources for Barnet 1 source")
    expect(page.get_by_role("heading", name="barnet-bugle")).to_be_visible()


SIGHTS = {
    "Barking and Dagenham": "not covered, 0 sources",
    "Barnet": "blind, 1 source, 1 blind",
    "Bexley": "not covered, 0 sources",
}


def test_blind_and_uncovered_boroughs_are_told_apart_without_colour(
    watched: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened(forced_colors="active").new_page()
    sign_in(page, watched)
    page.goto(f"{watched}/coverage")
    blind, uncovered = (
        page.locator(".gh-names .gh-sign--blind"),
        page.locator(".gh-names .gh-sign--uncovered"),
    )
    assert (blind.count(), uncovered.count()) == (5, 23)
    assert blind.first.locator("path").get_attribute("d") != uncovered.first.locator("path").get_attribute(
        "d"
    )
    fills = {each.get_attribute("fill") for each in page.locator(".gh-map__svg .gh-area").all()}
    assert fills == {f"url(#gh-map-{each})" for each in ("blind", "uncovered", "seen", "neighbour")}


def test_a_source_is_paused_from_its_page(watched: str, opened: Callable[..., BrowserContext]) -> None:
    page = opened().new_page()
    sign_in(page, watched)
    page.goto(f"{watched}/sources/camden-call")
    page.get_by_text("Pause it …").click()
    page.get_by_label("For", exact=True).select_option("4 hours")
    page.get_by_label("Why").fill("they asked us to")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").first).to_contain_text("Paused. It goes on by itself")
    expect(page.get_by_text("it is paused until").first).to_contain_text("by Amira K.: they asked us to")
    page.get_by_role("button", name="End the pause").click()
    expect(page.get_by_role("button", name="Ask it now")).to_be_visible()
