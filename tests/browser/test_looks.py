"""Every page on a busy night: nothing sticks out at any width, nothing is cut or covered, and axe finds nothing."""

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image, ImageStat
from playwright.sync_api import Browser, BrowserContext
from sqlmodel import Session

from config.postgres import Cluster
from tests.browser.conftest import sign_in
from tests.browser.photograph import MANNERS, Scene, photograph
from tests.browser.scenes import SCENES, policies, set_scene
from tests.browser.shown import EXAMPLES, addresses, pages
from tests.browser.test_accessible import NARROW, WIDE, violations
from tests.make import LIFECYCLE
from tests.served import fresh_database, serve
from triage.settings import WebSettings
from triage.web.app import desk

pytestmark = pytest.mark.browser

WIDTHS = (320, 375, 768, 1440, 2560)
# what people may set for themselves (WCAG 2.2, 1.4.12)
SPACED = """() => {
  const spaced = new CSSStyleSheet()
  spaced.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important } p { margin-bottom: 2em !important }`)
  document.adoptedStyleSheets = [spaced]
}"""
PLAIN = "document.adoptedStyleSheets = []"
# what is wider than the page, and what does not show all of its words
STICKS_OUT = """() => {
  const most = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth <= most) return []
  return [...document.querySelectorAll('body *')].filter(each => each.getBoundingClientRect().right > most + 1 &&
    !each.closest('.gh-scroll, .gh-views, .gh-nav, svg')).slice(0, 5).map(each => each.outerHTML.slice(0, 120))
}"""
CUT = """() => [...document.querySelectorAll('main *')].filter(each => {
    const style = getComputedStyle(each)
    return each.checkVisibility() && style.overflowX === 'hidden' && each.scrollWidth > each.clientWidth + 1 &&
      each.clientWidth > 2 && !each.matches('.govuk-visually-hidden, .govuk-visually-hidden *')
  }).map(each => each.outerHTML.slice(0, 120))"""
# what has the focus but lies under something that stays in place
COVERED = """() => {
  const wanted = 'a[href], button, input:not([type=hidden]), select, textarea, summary'
  const bad = []
  for (const each of document.querySelectorAll(wanted)) {
    if (!each.checkVisibility() || each.closest('dialog, .govuk-skip-link')) continue
    each.focus()
    const at = each.getClientRects()[0]  // the first line of a link that is broken over two
    if (!at?.width || !at.height) continue
    const hit = document.elementFromPoint(at.left + Math.min(at.width / 2, 20), at.top + Math.min(at.height / 2, 10))
    if (!hit || !(each.contains(hit) || hit.contains(each) || hit.closest('label')?.contains(each)))
      bad.push(each.outerHTML.slice(0, 100) + ' under ' + (hit ? hit.outerHTML.slice(0, 80) : 'nothing'))
  }
  return bad
}"""


class Night(NamedTuple):
    """A served desk on a busy night, and where to look."""

    base: str
    where: list[str]


@pytest.fixture(scope="module")
def night(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    now = datetime.now(UTC)
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            amira, _ = set_scene(session, SCENES["busy"], now=now)
            given, post, reveal = policies(session, tmp_path_factory.mktemp("vault"), amira, now=now)
        app = desk(engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE, policies=given)
        with serve(app) as base:
            yield Night(base, addresses(post, reveal))


def test_somebody_looks_at_every_page() -> None:
    assert [each for each in pages() if "{" in each and each not in EXAMPLES] == []


def test_nothing_sticks_out_and_no_words_are_cut_at_any_width(
    night: Night, opened: Callable[..., BrowserContext]
) -> None:
    """320 px is also what 400% zoom leaves of 1280 px (WCAG 2.2, 1.4.10)."""
    page = sign_in(opened().new_page(), night.base)
    wrong: dict[tuple[str, object], list[str]] = {}
    for address in night.where:
        page.goto(f"{night.base}{address}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            wrong[address, width] = page.evaluate(STICKS_OUT)
        page.set_viewport_size({"width": 375, "height": 800})
        wrong[address, "cut"] = page.evaluate(CUT)
        page.evaluate(SPACED)
        wrong[address, "spaced"] = page.evaluate(STICKS_OUT) + page.evaluate(CUT)
        page.evaluate(PLAIN)
    assert [(where, found) for where, found in wrong.items() if found] == []


def test_axe_finds_nothing_on_a_busy_night(night: Night, opened: Callable[..., BrowserContext]) -> None:
    """Every page once, by turns narrow and light or wide and dark; those used most have all four looks in
    test_accessible."""
    page = sign_in(opened(viewport=NARROW).new_page(), night.base)
    found = {}
    for number, address in enumerate(night.where):
        page.emulate_media(color_scheme="dark" if number % 2 else "light")
        page.set_viewport_size(WIDE if number % 2 else NARROW)
        page.goto(f"{night.base}{address}")
        found[address] = violations(page)
    assert {address: wrong for address, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("size", [(375, 700), (1440, 800)])
def test_what_has_the_focus_lies_under_nothing_that_stays(
    night: Night, opened: Callable[..., BrowserContext], size: tuple[int, int]
) -> None:
    page = opened(viewport={"width": size[0], "height": size[1]}).new_page()
    sign_in(page, night.base)
    for address in ("/queue", "/cases/1", "/cases/3", "/sources"):
        page.goto(f"{night.base}{address}")
        if address == "/queue":
            page.locator("#case-7 input[type=checkbox]").check()
        assert page.evaluate(COVERED) == [], address


def test_pictures_are_taken_of_every_state_asked_for(chromium: Browser, night: Night, tmp_path: Path) -> None:
    asked = argparse.Namespace(out=tmp_path, only="/queue/map", width=[375, 1440], manner=None, on=False)
    assert photograph(chromium, Scene("busy", night.base, night.where), asked) == 2 * len(MANNERS)
    light, dark = (tmp_path / "busy" / f"queue_map-1440-{scheme}.png" for scheme in ("light", "dark"))
    with Image.open(light) as day, Image.open(dark) as dusk:
        assert day.width == dusk.width == 1440
        assert ImageStat.Stat(day.convert("L")).mean > ImageStat.Stat(dusk.convert("L")).mean
    with Image.open(tmp_path / "busy" / "sheet-queue_map.png") as sheet:
        assert sheet.width > 6 * 300
