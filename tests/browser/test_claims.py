"""Claims on a real page: axe-core finds nothing, nothing sticks out, and two people decide by hand."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext
from sqlmodel import Session

from config.postgres import Cluster
from config.settings import HERE
from tests.browser.conftest import sign_in
from tests.browser.seed import seed
from tests.browser.seed_claims import seed_claims
from tests.browser.test_accessible import violations
from tests.served import fresh_database, serve
from triage.claim_types import read_guide
from triage.policies import Policies
from triage.response_policy import read_response_policy
from triage.settings import WebSettings
from triage.web.app import desk

pytestmark = pytest.mark.browser

PAGES = ("/cases/1", "/claims", "/claims?q=nothing+like+it", "/claims/1", "/claims/2", "/cases/1/claims/new")


@pytest.fixture(scope="module")
def claimed(cluster: Cluster) -> Iterator[str]:
    """A desk with claims on its gravest case."""
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            now = datetime.now(UTC)
            seeded = seed(session, now=now)
            seed_claims(session, seeded.cases[0], seeded.officer, now=now)
        given = Policies(responses=read_response_policy(HERE / "policy" / "responses.toml"))
        guide = read_guide(HERE / "claims.toml")
        with serve(desk(engine, WebSettings(), guide=guide, policies=given)) as address:
            yield address


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 375)])
def test_axe_finds_nothing_and_nothing_sticks_out(
    claimed: str, opened: Callable[..., BrowserContext], scheme: str, width: int
) -> None:
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    sign_in(page, claimed)
    for path in PAGES:
        page.goto(f"{claimed}{path}")
        page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
        assert (path, violations(page)) == (path, [])
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_an_option_is_chosen_by_hand_and_a_correction_is_closed_until_people_decided(
    claimed: str, opened: Callable[..., BrowserContext]
) -> None:
    page = sign_in(opened(java_script_enabled=False).new_page(), claimed)
    page.goto(f"{claimed}/claims/2")
    assert page.get_by_label("Local correction").is_disabled()
    page.get_by_label("Monitor only").check()
    page.locator("#answer-why").fill("It is fading by itself")
    page.get_by_role("button", name="Choose").click()
    assert page.get_by_text("Entered, with the figures as they are now").is_visible()
    assert page.get_by_text("hours before the choice").first.is_visible()


def test_two_people_decide_by_hand(claimed: str, opened: Callable[..., BrowserContext]) -> None:
    first, second = opened().new_page(), opened().new_page()
    sign_in(first, claimed)
    first.goto(f"{claimed}/claims/3")
    first.get_by_text("Decide", exact=True).first.click()
    first.get_by_label("True, on evidence").check()
    first.get_by_label("Why", exact=True).fill("The log says so")
    first.get_by_role("textbox", name="Evidence").fill("CAD 12")
    first.get_by_role("button", name="Decide", exact=True).click()
    sign_in(second, claimed, "tom")
    second.goto(f"{claimed}/claims/3")
    second.get_by_role("button", name="Agree").click()
    assert second.get_by_text("true, on evidence").first.is_visible()
