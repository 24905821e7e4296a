"""A whole fortnight in a browser: from a post to the alert, the line, the meeting, its finding, an action, the BCU's
feedback, the minutes, and the figure in the pack. The desk is put together as the service does it; its clock is moved.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session

from collector.batch import Item
from collector.jobs import QUEUES
from collector.months import make_months
from collector.tips import take_in
from config.packs import definitions_of
from config.parts.web import desk_of
from config.review_ticks import mind_meetings
from config.service import House, Task, tasks_of
from config.settings import Settings
from config.watches import bring_up_sources
from tests.browser.conftest import sign_in
from tests.browser.seed import password_hash
from tests.browser.test_lines import note
from tests.doubles.slack import SlackDouble, slack_double
from tests.make import make_person
from tests.responders.sending import MovedClock
from tests.served import serve
from tests.walk.one_walk import do_jobs
from triage.records import Role
from triage.review.figures import Period
from triage.review.figuring import figures_as_of
from triage.review.journal import count
from triage.review.suppression import suppressed

pytestmark = pytest.mark.browser
LONDON = ZoneInfo("Europe/London")
BEGINS = datetime(2026, 7, 2, 9, 0, tzinfo=LONDON)  # the meeting of 1 July is over, the next is on the 15th
CAME = re.compile(r"^(Signed|Came)\b")
LOCKED = datetime(2026, 7, 10, 17, 1, tzinfo=LONDON)
MEETS = datetime(2026, 7, 15, 10, 5, tzinfo=LONDON)
NEXT = datetime(2026, 7, 29, 10, 5, tzinfo=LONDON)
AFTER = NEXT + timedelta(hours=2)
OPEN_ALL = "document.querySelectorAll('main details').forEach(each => each.open = true)"
POST = (
    "Met police officers tasered a man outside Brixton station just now, he was on the floor screaming and they had "
    "his arms behind his back"
)
LINE = (
    "We know of the posts about an encounter outside Brixton station this morning. We understand the concern. We are "
    "establishing what happened and will say more by 10:00 today."
)
PEOPLE = (
    ("amira", "Amira K.", [Role.TRIAGE, Role.DUTY_OFFICER]),
    ("ben", "Ben A.", [Role.APPROVER]),
    ("tom", "Tom B.", [Role.OVERSIGHT_REVIEWER]),
    ("ada", "Ada C.", [Role.OVERSIGHT_REVIEWER]),
)
ANSWERS = (
    ("Communications or handcuffs?", "Yes: talking more"),
    ("Quality of communication", "1 poor"),
    ("Legality", "No question was raised"),
)
SEATS = (
    ("Chair", "", "tom"),
    ("Professional Standards (DPS)", "Member 1", ""),
    ("Operational commander", "Member 2", ""),
    ("Media and Communications", "", "amira"),
    ("Community member", "Member 3", ""),
    ("Community member", "Member 4", ""),
)


class Fortnight(NamedTuple):
    """The service without its processes: jobs and ticks are done when the test says so."""

    house: House
    clock: MovedClock
    slack: SlackDouble
    address: str
    tasks: dict[str, Task]
    opened: Callable[..., BrowserContext]

    def at(self, moment: datetime) -> None:
        """Move on, and do the ticks of meetings and what jobs there are."""
        self.clock.at = moment
        mind_meetings(self.house, moment)
        do_jobs(self.house, self.tasks)

    def page(self, who: str) -> Page:
        """A new window of somebody who has just signed in."""
        page = self.opened().new_page()
        sign_in(page, self.address, who)
        return page


@pytest.fixture
def fortnight(
    engine: Engine, settings: Settings, opened: Callable[..., BrowserContext]
) -> Iterator[Fortnight]:
    clock = MovedClock(BEGINS)
    with slack_double() as (slack, url):
        given = settings.slack.model_copy(update={"token": SecretStr("xoxb-for-tests"), "base_url": url})
        house = House(settings.model_copy(update={"slack": given}), engine, clock)
        with Session(engine) as session:
            make_months(session, now=BEGINS)
            bring_up_sources(session, house.settings, now=BEGINS)
            for username, name, roles in PEOPLE:
                made = {"username": username, "name": name, "roles": roles, "created_at": BEGINS}
                session.add(make_person(password_hash=password_hash(), **made))
            session.commit()
        tasks = {name: task for queue in QUEUES for name, task in tasks_of(queue, house).items()}
        with serve(desk_of(house)) as address:
            yield Fortnight(house, clock, slack, address, tasks, opened)


def test_a_case_from_its_alert_to_a_public_figure(fortnight: Fortnight) -> None:
    raised(fortnight)
    answered(fortnight)
    listed(fortnight)
    decided(fortnight)
    followed(fortnight)
    counted(fortnight)


def raised(fortnight: Fortnight) -> None:
    """A post comes in; the case is opened, and the desk hears of it in Slack."""
    fortnight.at(BEGINS)
    post = Item(external_id="1", platform="mastodon", text=POST, payload=b"{}", url="https://social.example/1",
                published_at=BEGINS - timedelta(minutes=4))  # fmt: skip
    with Session(fortnight.house.engine) as session:
        take_in(session, "mastodon-london", [post], now=BEGINS)
        session.commit()
    fortnight.at(BEGINS + timedelta(seconds=20))
    assert [each.channel for each in fortnight.slack.messages] == ["golden-hour-comms"]


def answered(fortnight: Fortnight) -> None:
    """The duty officer takes it and confirms it; a line is written by one and approved by another, then issued."""
    page = fortnight.page("amira")
    page.goto(f"{fortnight.address}/cases/1")
    page.get_by_role("button", name="Acknowledge").first.click()
    expect(page.get_by_text("Acknowledged. Every channel shows it.")).to_be_visible()
    page.get_by_role("button", name="Claim").first.click()
    page.get_by_role("button", name="Confirm").first.click()
    expect(page.get_by_text("Confirmed as an incident.")).to_be_visible()
    note(page, "Place", "Brixton station, Lambeth")
    page.get_by_label("Begin a line").select_option("own")
    page.get_by_role("button", name="Begin", exact=True).click()
    page.get_by_label("Line", exact=True).fill(LINE)
    page.evaluate(OPEN_ALL)
    page.get_by_role("button", name="Keep as version 2").click()
    page.get_by_role("button", name="Hand to review").click()
    line = page.url.partition("?")[0]
    other = fortnight.page("ben")
    other.goto(line)
    other.get_by_role("button", name="Approve version 2").click()
    expect(other.get_by_text("Your approval is entered")).to_be_visible()
    page.goto(line)
    page.get_by_label("Where it was issued").fill("the borough's own account")
    page.get_by_label("Link", exact=True).fill("https://social.example/line")
    page.get_by_label("Next update due, London time").fill("2026-07-02T10:00")
    page.get_by_role("button", name="Record as issued").click()
    expect(page.get_by_text("Nothing was published from here").first).to_be_visible()


def listed(fortnight: Fortnight) -> None:
    """It put itself on the next meeting's list; the group is seated and the list locked."""
    page = fortnight.page("ada")
    page.goto(f"{fortnight.address}/reviews/people")
    for post, name, username in SEATS:
        page.get_by_label("Seat", exact=True).select_option(label=post)
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("or user name, for somebody with an account").fill(username)
        page.get_by_role("button", name="Give the seat").click()
        expect(page.get_by_text(name or username).first).to_be_visible()
    fortnight.at(LOCKED)
    page = fortnight.page("tom")
    page.goto(f"{fortnight.address}/reviews/2026-07-15")
    expect(page.get_by_text("As it was locked")).to_be_visible()


def gathered(fortnight: Fortnight, page: Page, day: str) -> None:
    """Everybody comes and signs the undertaking."""
    page.goto(f"{fortnight.address}/reviews/{day}")
    expect(page.get_by_text("Nothing can be decided")).to_be_visible()
    while (left := page.get_by_role("button", name=CAME)).count():
        with page.expect_navigation():
            left.first.click()
    expect(page.get_by_text("Quorate", exact=True)).to_be_visible()


def decided(fortnight: Fortnight) -> None:
    """The group meets, is quorate, and finds."""
    fortnight.at(MEETS)
    page = fortnight.page("tom")
    gathered(fortnight, page, "2026-07-15")
    page.get_by_role("link", name="Decide GH-1").click()
    page.evaluate(OPEN_ALL)
    page.get_by_role("group", name="The finding that says it best").get_by_label("Poor communication").check()
    for legend, answer in ANSWERS:
        page.get_by_role("group", name=legend).get_by_label(answer).first.check()
    page.get_by_label("What was decided").fill(
        "The person was not told why. The unit is reminded of what to explain."
    )
    page.get_by_label("Why, in short").fill("The reason was never said in the clip.")
    page.get_by_role("button", name="Enter the finding").click()
    expect(page.locator("#h-found")).to_be_visible()
    page.evaluate(OPEN_ALL)
    page.get_by_label("What is to be done").fill("Remind the unit how a use of force is explained")
    page.get_by_label("Which post has it").fill("BCU commander")
    page.get_by_label("Due", exact=True).fill("2026-07-24")
    page.get_by_label("Where it is to change something").select_option(label="Unit")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("A-1").first).to_be_visible()


def followed(fortnight: Fortnight) -> None:
    """The BCU is told and says so, the unit brings its evidence, and minutes drafted by one are approved by another."""
    page = fortnight.page("ada")
    page.goto(f"{fortnight.address}/reviews/2026-07-15/minutes")
    page.get_by_role("button", name="Draft them").click()
    expect(page.get_by_text("Poor communication").first).to_be_visible()
    page.goto(f"{fortnight.address}/feedback")
    page.get_by_label("It was sent to (post)").fill("BCU commander, Central South")
    page.get_by_role("button", name="Record it as sent").click()
    page.goto(f"{fortnight.address}/feedback?view=sent")
    page.get_by_label("The officer was told, confirmed by (post)").fill("BCU commander, Central South")
    page.get_by_role("button", name="Enter").click()
    page.goto(f"{fortnight.address}/actions/1")
    page.get_by_label("Evidence that it was done").fill("briefing of 20 July, record 7")
    page.get_by_role("button", name="Enter the evidence").click()
    fortnight.at(NEXT)
    page = fortnight.page("tom")
    gathered(fortnight, page, "2026-07-29")
    page.goto(f"{fortnight.address}/actions/1")
    page.get_by_label("It worked", exact=True).first.check()
    page.get_by_label("In words").fill("Explained in each of ten clips looked at since")
    page.get_by_role("button", name="Close it").click()
    expect(page.get_by_role("heading", name="Take it up again")).to_be_visible()
    page.goto(f"{fortnight.address}/reviews/2026-07-15/minutes")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_text("approved by tom")).to_be_visible()
    page.goto(f"{fortnight.address}/cases/1")
    expect(page.get_by_text("Poor communication").first).to_be_visible()


def counted(fortnight: Fortnight) -> None:
    """One case reviewed, none of concern, one action that worked; the public is told no number that small."""
    period = Period(datetime(2026, 7, 1, tzinfo=LONDON), datetime(2026, 8, 1, tzinfo=LONDON))
    definitions = definitions_of(fortnight.house.settings)
    with Session(fortnight.house.engine) as session:
        count(session, now=AFTER)
        session.commit()
        found = figures_as_of(session, period, definitions, at=AFTER)
    told = {each.name: each for each in found.figures}
    assert (told["reviewed"].n, told["reviewed_concern"].n, told["reviewed_concern"].of) == (1, 0, 1)
    assert (told["actions_worked"].n, told["feedback_in_time"].n) == (1, 1)
    public = {each.name: each for each in suppressed(found, definitions).figures}
    assert public["reviewed"].n is None
    page = fortnight.opened().new_page()
    page.goto(f"{fortnight.address}/transparency")
    expect(page.get_by_text("fewer than 5").first).to_be_visible()
