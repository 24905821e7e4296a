"""A shift at the desk: by keyboard alone, without a script, and with two people at once."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Page, TimeoutError, expect
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.browser.conftest import sign_in
from tests.browser.seed import PASSWORD, Seeded
from tests.make import make_case
from tests.served import serve
from triage import actions
from triage.notice import tell_desk
from triage.records import Case, Person
from triage.settings import WebSettings
from triage.web.app import desk

pytestmark = pytest.mark.browser


def of(engine: Engine, number: int) -> Case:
    with Session(engine) as session:
        return session.exec(select(Case).where(Case.number == number)).one()


def focused(page: Page) -> str:
    """The number of the case whose row has the focus."""
    told: str = page.evaluate("document.activeElement.closest('.gh-row')?.dataset.number || ''")
    return told


def stays_on(page: Page, number: int) -> None:
    """Wait until the row of the case has the focus: it comes back a moment after its words."""
    page.wait_for_function(f"document.activeElement.closest('.gh-row')?.dataset.number === '{number}'")


def press_together(page: Page, first: str, second: str, address: str) -> None:
    """Two keys that count only within a second and a half of each other, which a busy machine may miss."""
    for _ in range(5):
        page.keyboard.press(first)
        page.keyboard.press(second)
        with suppress(TimeoutError):
            page.wait_for_url(address, timeout=4_000)
            return
    raise AssertionError(f"{first} {second} never led to {address}")


def go_to(page: Page, number: int) -> None:
    passed = []
    for _ in range(30):
        passed.append(focused(page))
        if passed[-1] == str(number):
            return
        page.keyboard.press("j")
    raise AssertionError(f"GH-{number} was never reached, only {passed}")


def tab_to(page: Page, words: str) -> None:
    """Press Tab until the control with these words has the focus."""
    here = "(document.activeElement.innerText || '').trim().split('\\n')[0]"
    for _ in range(150):
        page.keyboard.press("Tab")
        if str(page.evaluate(here)).startswith(words):
            return
    raise AssertionError(f"{words} was never reached")


def test_a_whole_shift_by_keyboard_alone(
    engine: Engine, base: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    page.goto(f"{base}/sign-in")
    for _ in range(20):
        if page.evaluate("document.activeElement.id") == "username":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("amira")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue")
    expect(page.locator("#stale")).to_be_hidden()

    page.keyboard.press("j")
    first = focused(page)
    page.keyboard.press("j")
    second = focused(page)
    assert first != second
    page.keyboard.press("k")
    assert focused(page) == first

    go_to(page, 7)
    page.keyboard.press("c")
    row = page.locator("#case-7")
    expect(row).to_contain_text("You have claimed this case.")
    expect(row).to_contain_text("Yours")
    stays_on(page, 7)
    page.keyboard.press("a")
    expect(row).to_contain_text("Acknowledged.")
    stays_on(page, 7)
    page.keyboard.press("w")
    expect(row).to_contain_text("On the watch list.")
    stays_on(page, 7)
    page.keyboard.press("u")
    expect(row).to_contain_text("Taken back.")
    stays_on(page, 7)

    page.keyboard.press("n")
    expect(page.locator("#sheet[open] button").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(row).to_contain_text("Closed without action.")
    stays_on(page, 7)
    assert of(engine, 7).status == "noise"
    assert of(engine, 7).dismissed_because == "Fiction, game, film or history"
    page.keyboard.press("u")
    expect(row).to_contain_text("Taken back.")
    assert of(engine, 7).status == "triaged"

    stays_on(page, 7)
    page.keyboard.press("x")
    expect(page.locator("#bulk")).to_be_visible()
    page.keyboard.press("x")
    expect(page.locator("#bulk")).to_be_hidden()
    page.keyboard.press("o")
    page.wait_for_url("**/cases/7")
    page.keyboard.press("c")
    page.wait_for_url("**/cases/7?said=claimed*")
    tab_to(page, "Confirm")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/7?said=confirmed*")
    assert of(engine, 7).status == "confirmed"
    tab_to(page, "Note a claim")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/7/claims/new**")
    tab_to(page, "GH-7")
    page.keyboard.press("Tab")
    page.keyboard.type("Somebody was hurt on the stairs of the station")
    tab_to(page, "Note the claim")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Noted. Posts are being compared with it.")
    page.goto(f"{base}/cases/7")
    tab_to(page, "Release")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/7?said=released*")
    assert of(engine, 7).claimed_by is None
    press_together(page, "g", "q", "**/queue")
    page.keyboard.press("/")
    page.keyboard.type("rye lane")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search*")
    expect(page.locator("main")).to_contain_text("Taser used in a flat above shops")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    press_together(page, "g", "q", "**/queue")
    page.keyboard.press("X")
    expect(page.locator("#bulk-n")).to_have_text("With the 24 ticked:")
    page.keyboard.press("X")
    expect(page.locator("#bulk")).to_be_hidden()
    tab_to(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("You have signed out.")


def test_every_control_of_a_row_can_be_reached_and_seen(
    looked_at: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    sign_in(page, looked_at)
    page.locator("#case-1 input[type=checkbox]").focus()
    reached = []
    for _ in range(6):
        reached.append(
            page.evaluate("document.activeElement.innerText?.split('\\n')[0] || document.activeElement.type")
        )
        style = "(e => [e.outlineStyle, e.boxShadow].join())(getComputedStyle(document.activeElement))"
        assert page.evaluate(style) != "none,none"
        page.keyboard.press("Tab")
    assert reached[0] == "checkbox"
    assert any(each.startswith("Claim") for each in reached)
    assert any(each.startswith("Acknowledge") for each in reached)


def test_everything_works_without_a_script(
    engine: Engine, base: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened(java_script_enabled=False).new_page()
    sign_in(page, base)
    row = page.locator("#case-7")
    row.get_by_role("button", name="Claim").click()
    expect(page.locator("main")).to_contain_text("You have claimed this case.")
    page.locator("#case-7").get_by_role("button", name="Acknowledge").click()
    expect(page.locator("main")).to_contain_text("Acknowledged.")
    page.locator("#case-7").get_by_role("link", name="Not ours").click()
    page.get_by_role("button", name="Outside London").click()
    expect(page.locator("main")).to_contain_text("Closed without action.")
    assert of(engine, 7).dismissed_because == "Outside London"
    page.get_by_role("button", name="Undo").click()
    assert of(engine, 7).status == "triaged"
    page.goto(f"{base}/queue")
    page.locator("details summary").filter(has_text="Narrow down").click()
    page.get_by_label("BCU").select_option("AS")
    page.get_by_role("button", name="Show", exact=True).click()
    assert "bcu=AS" in page.url
    page.locator("#case-1 input[type=checkbox]").check()
    page.locator("#bulk").get_by_role("button", name="Claim").click()
    expect(page.locator("main")).to_contain_text("You have claimed this case.")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("main")).to_contain_text("You have signed out.")


def test_new_cases_wait_and_nothing_moves(
    engine: Engine, base: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    sign_in(page, base)
    page.locator("#case-7").scroll_into_view_if_needed()
    before = page.locator("#case-7").bounding_box()
    with Session(engine) as session:
        made = [make_case(title=f"Brand new {n}", severity=1, opened_at=datetime.now(UTC)) for n in range(3)]
        session.add_all(made)
        session.flush()
        tell_desk(session, "opened", *[each.id for each in made])
        session.commit()
    expect(page.locator("#arrivals a")).to_have_text("3 new cases [.]")
    after = page.locator("#case-7").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 1
    assert page.get_by_text("Brand new 0").count() == 0
    page.keyboard.press(".")
    expect(page.locator("main h1")).to_contain_text("27 cases")
    expect(page.locator("#arrivals")).to_be_hidden()


def test_not_ours_takes_two_presses_on_the_case_and_in_the_queue(
    engine: Engine, base: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    sign_in(page, base)
    page.goto(f"{base}/cases/7")
    page.get_by_role("button", name="Not ours…").click()
    page.locator("#sheet").get_by_role("button", name="Outside London").click()
    expect(page.locator("main")).to_contain_text("Closed without action.")
    assert of(engine, 7).dismissed_because == "Outside London"
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("main")).to_contain_text("Taken back.")
    page.goto(f"{base}/queue")
    page.locator("#case-7").get_by_role("link", name="Not ours").click()
    page.locator("#sheet").get_by_role("radio", name="Opinion or complaint only").check()
    page.locator("#sheet").get_by_label("In your words").fill("An old grievance, told anew")
    page.locator("#sheet").get_by_role("button", name="Close this case").click()
    expect(page.locator("#case-7")).to_contain_text("Closed without action.")
    assert (of(engine, 7).status, of(engine, 7).dismissed_because) == (
        "opinion",
        "An old grievance, told anew",
    )


def test_what_one_does_the_other_sees_in_place(
    engine: Engine, base: str, opened: Callable[..., BrowserContext]
) -> None:
    page = opened().new_page()
    sign_in(page, base)
    expect(page.locator("#case-7")).to_contain_text("nobody yet")
    beside = page.locator("[data-view=unclaimed]")
    unclaimed, stood = int(beside.inner_text()), beside.bounding_box()
    with Session(engine) as session:
        tom = session.exec(select(Person).where(Person.username == "tom")).one()
        actions.claim(session, of(engine, 7).id, who=tom, now=datetime.now(UTC))
        session.commit()
    expect(page.locator("#case-7")).to_contain_text("Tom B.")
    expect(beside).to_have_text(str(unclaimed - 1))
    assert beside.bounding_box() == stood


def test_clocks_tick_in_place(base: str, opened: Callable[..., BrowserContext]) -> None:
    page = opened().new_page()
    sign_in(page, base)  # just seeded: a clock with hours left would show no seconds
    clock = page.locator("#case-6 .gh-clock--big time")
    was = clock.inner_text()
    expect(clock).not_to_have_text(was)


def test_a_draft_is_opened_and_copied_with_two_presses(
    looked_at: str, opened: Callable[..., BrowserContext]
) -> None:
    context = opened(permissions=["clipboard-read", "clipboard-write"])
    page = sign_in(context.new_page(), looked_at)
    page.goto(f"{looked_at}/cases/1")
    page.get_by_text("The words", exact=True).first.click()
    page.locator("[data-copies]").first.click()
    expect(page.locator("#aloud")).to_have_text("Copied")  # the button says so for two seconds only
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("We are aware of posts about an incident said to have happened at Brixton Road")


def test_a_desk_that_is_gone_is_said_to_be_gone(
    engine: Engine, seeded: Seeded, opened: Callable[..., BrowserContext]
) -> None:
    with serve(desk(engine, WebSettings())) as base:
        page = sign_in(opened().new_page(), base)
        expect(page.locator("#stale")).to_be_hidden()
    expect(page.locator("#stale")).to_contain_text("No connection to the desk since", timeout=30_000)
