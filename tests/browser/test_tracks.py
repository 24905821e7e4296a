"""The four tracks in a browser: confirmed in one click, moved in two, readable and accessible, folded or open."""

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.conftest import sign_in
from tests.browser.test_accessible import violations

pytestmark = pytest.mark.browser
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OPEN_ALL = "document.querySelectorAll('main details').forEach(each => each.open = true)"


def test_a_confirmed_case_shows_its_tracks_and_moves_in_two_clicks(
    base: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    sign_in(page, base)
    page.goto(f"{base}/cases/1")
    assert page.locator("#tracks").count() == 0
    page.get_by_role("button", name="Confirm").click()
    comms = page.locator("section[aria-labelledby=h-track-comms]")
    assert comms.get_by_text("Line to be decided").is_visible()
    comms.get_by_text("Move on").click()
    comms.get_by_role("button", name="Line being drafted").click()
    assert page.get_by_text("The track has moved on").is_visible()
    assert comms.locator(".gh-track__state").inner_text() == "Line being drafted"
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in (375, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{base}/cases/1")
            assert violations(page) == []
            page.evaluate(OPEN_ALL)
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_severity_is_set_and_taken_back(base: str, opened: Callable[..., BrowserContext]) -> None:
    page = opened().new_page()
    sign_in(page, base)
    page.goto(f"{base}/cases/1")
    page.get_by_text("Set the severity").click()
    page.get_by_label("Severity", exact=True).select_option("2")
    page.locator("#severity-why").fill("He is in hospital")
    page.get_by_role("button", name="Set", exact=True).click()
    assert page.get_by_text("Set to SEV2 from SEV1 by amira").is_visible()
    page.get_by_role("button", name="Take back").click()
    assert page.get_by_text("The computed severity counts again").is_visible()
