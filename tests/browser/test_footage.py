"""A case with footage in Chromium: nothing plays by itself, nothing is shown unasked, and everybody can use it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.evidence_records import CustodyEntry
from collector.video.files import Files
from tests.browser.conftest import sign_in
from tests.browser.seed import seed_people, seed_watch
from tests.browser.seed_footage import Filmed, seed_footage
from tests.browser.test_accessible import violations
from tests.make import make_case
from tests.served import serve
from triage.settings import WebSettings
from triage.web.app import desk

pytestmark = pytest.mark.browser


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "media")


@pytest.fixture
def filmed(engine: Engine, files: Files) -> Filmed:
    now = datetime.now(UTC)
    with Session(engine, expire_on_commit=False) as session:
        seed_people(session, now=now)
        seed_watch(session, now=now)
        case = make_case(opened_at=now, first_published_at=now, last_post_at=now)
        session.add(case)
        session.flush()
        return seed_footage(session, files, case, now=now)


@pytest.fixture
def base(engine: Engine, files: Files, filmed: Filmed) -> Iterator[str]:
    with serve(desk(engine, WebSettings(), files=files)) as address:
        yield address


def test_footage_is_seen_by_whoever_asks_and_usable_by_all(
    base: str, engine: Engine, filmed: Filmed, opened: Callable[..., BrowserContext]
) -> None:
    found: dict[str, list[str]] = {}
    for scheme, width in (("light", 1440), ("dark", 375)):
        page = opened(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
        sign_in(page, base, "tom")
        page.goto(f"{base}/cases/1")
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        assert page.locator("video, audio").count() == 0
        assert page.locator("ins").first.inner_text() == "pointed a taser at"
        found[f"{scheme} {width}"] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page = opened(permissions=["clipboard-read", "clipboard-write"]).new_page()
    sign_in(page, base)
    page.goto(f"{base}/cases/1")
    assert page.locator(".gh-clip__sheet").count() == 0
    page.get_by_role("button", name="Show stills").first.click()
    page.wait_for_url("**said=footage-shown**")
    loaded = "image => image.complete && image.naturalWidth > 0"
    page.wait_for_function(f"() => [...document.querySelectorAll('.gh-clip__sheet')].every({loaded})")
    found["shown"] = violations(page)
    page.locator(f"#post-{filmed.edited.id}").get_by_role("button", name="Copy words").click()
    page.wait_for_function("() => document.querySelector('#aloud').textContent === 'Copied'")
    assert "a man outside the station" in page.evaluate("navigator.clipboard.readText()")
    assert {each: wrong for each, wrong in found.items() if wrong} == {}
    with Session(engine) as session:
        acts = session.exec(select(CustodyEntry.act, CustodyEntry.who).where(CustodyEntry.act != "collected"))
        assert {("viewed", "tom"), ("viewed", "amira"), ("copied", "amira")} == set(acts)
