"""Real headless Chromium before a served desk. Without Chromium these tests are skipped; in CI they fail."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import Engine
from sqlmodel import Session

from config.postgres import Cluster
from tests.browser.seed import PASSWORD, Seeded, seed
from tests.make import LIFECYCLE
from tests.served import fresh_database, serve
from triage.settings import WebSettings
from triage.web.app import desk

ARGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    if found is None:
        reason = "Chromium is not installed: on Debian, apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def seeded(engine: Engine) -> Seeded:
    with Session(engine, expire_on_commit=False) as session:
        return seed(session, now=datetime.now(UTC))


@pytest.fixture
def base(engine: Engine, seeded: Seeded) -> Iterator[str]:
    """A desk of this test's own."""
    with serve(desk(engine, WebSettings(), lifecycle=LIFECYCLE)) as address:
        yield address


@pytest.fixture(scope="package")
def looked_at(cluster: Cluster) -> Iterator[str]:
    """A desk that the tests which only look share."""
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            seed(session, now=datetime.now(UTC))
        with serve(desk(engine, WebSettings(), lifecycle=LIFECYCLE)) as address:
            yield address


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser windows; whatever a page reports as an error fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def make(**given: Any) -> BrowserContext:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **given})
        context.set_default_timeout(20_000)
        context.on("weberror", lambda error: wrong.append(f"script: {error.error}"))
        context.on(
            "console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None
        )
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def sign_in(page: Page, base: str, username: str = "amira") -> Page:
    """Sign in as people do and stand before the queue."""
    page.goto(f"{base}/sign-in")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/queue")
    return page
