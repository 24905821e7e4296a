"""The queue: what leads, what is chosen, who has what, and what it says when it is empty."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from collector.records import SourceRow
from tests.browser.night import NIGHT
from tests.make import make_case
from tests.served import Browser
from tests.triage.web.conftest import Clockwork
from triage.records import Case, Clock


def test_the_queue_shows_what_is_worst_what_runs_out_and_who_has_it(looking: Browser) -> None:
    page = looking.get("/queue").text
    assert "24 cases" in page
    first, second = (
        page.index("Person unresponsive after restraint"),
        page.index("Shots heard during armed stop"),
    )
    assert max(first, second) < page.index("Use of force on a school pupil")
    for words in (
        "SEV1",
        "critical",
        "not breathing",
        "Brixton Road",
        "412 posts",
        "Tom B.",
        "left",
        "overdue by",
    ):
        assert words in page
    assert "Posts in the last six hours:" in page


def test_what_runs_out_first_leads_among_cases_of_other_severities(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        running = select(Case.number, func.min(Clock.due_at)).join(Clock, col(Clock.case_id) == Case.id)
        lower = running.where(col(Clock.stopped_at).is_(None), Case.severity > 1).group_by(col(Case.number))
        due = dict(session.exec(lower).all())
    page = amira.get("/queue").text
    shown = sorted(due, key=lambda number: page.index(f'id="case-{number}"'))
    assert [due[number] for number in shown] == sorted(due.values())


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("severity=1", {told.title for told in NIGHT if told.severity == 1}),
        ("bcu=AS", {told.title for told in NIGHT if told.bcu == "AS"}),
        ("borough=Hackney", {"Strip search of a girl alleged"}),
        ("type=officer_harmed", {"Officer hit by thrown bottle"}),
        ("view=watch", {told.title for told in NIGHT if told.status == "watch"}),
        ("desk=oversight&severity=4", set()),
        ("severity=9&bcu=XX&view=nonsense&sort=nonsense&page=-4", {told.title for told in NIGHT}),
        ("page=99999", {told.title for told in NIGHT}),
    ],
)
def test_filters_in_the_address_choose_the_cases(looking: Browser, query: str, titles: set[str]) -> None:
    page = looking.get(f"/queue?{query}").text
    assert {told.title for told in NIGHT if f"<bdi>{told.title}</bdi>" in page} == titles


def test_mine_and_unclaimed_follow_who_has_a_case(amira: Browser, tom: Browser) -> None:
    assert "Stop and search outside the station" not in amira.get("/queue?view=mine").text
    amira.fill_in("/cases/7/claim")
    assert "Stop and search outside the station" in amira.get("/queue?view=mine").text
    assert "Stop and search outside the station" not in tom.get("/queue?view=mine").text
    assert "Stop and search outside the station" not in tom.get("/queue?view=unclaimed").text


def test_a_claim_that_ran_out_is_nobodys(amira: Browser, clock: Clockwork) -> None:
    amira.fill_in("/cases/7/claim")
    clock.ahead = timedelta(minutes=21)
    page = amira.get("/cases/7").text
    assert "nobody yet" in page


def test_long_queues_come_in_pages(engine: Engine, amira: Browser, clock: Clockwork) -> None:
    with Session(engine) as session:
        for number in range(40):
            session.add(make_case(title=f"Minor matter {number}", severity=4, opened_at=clock()))
        session.commit()
    first, third = amira.get("/queue").text, amira.get("/queue?page=3").text
    assert "Page 1 of 3" in first
    assert first.count('class="gh-row ') == 25
    assert third.count('class="gh-row ') == 14
    assert "/queue?page=2" in first


def test_an_empty_queue_says_since_when_it_looks_and_at_what(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        for case in session.exec(select(Case)):
            case.status = "closed"  # type: ignore[assignment]
        session.commit()
    page = amira.get("/queue").text
    assert "No open cases." in page
    assert "Watching 3 of 4 sources since" in page


def test_an_empty_queue_never_looks_calm_when_nothing_is_watched(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        for case in session.exec(select(Case)):
            case.status = "closed"  # type: ignore[assignment]
        for source in session.exec(select(SourceRow)):
            source.enabled = False
        session.commit()
    page = amira.get("/queue").text
    assert "Nothing is being watched" in page
    assert "No source is switched on" in page


def test_taking_the_next_case_takes_the_gravest_nobody_has(
    engine: Engine, amira: Browser, tom: Browser
) -> None:
    first, second = amira.fill_in("/queue/next"), tom.fill_in("/queue/next")
    assert first.headers["location"] == "/cases/1?said=claimed"
    assert second.headers["location"] not in ("/cases/1?said=claimed", "/queue?said=none-free")


def test_a_page_knows_how_many_cases_came_since_it_was_made(
    engine: Engine, amira: Browser, clock: Clockwork
) -> None:
    since = clock().isoformat()
    with Session(engine) as session:
        session.add(make_case(title="Just now", severity=1, opened_at=clock(), desks=["comms"]))
        session.commit()
    ask = {"since": since}
    told = amira.get("/queue/new", params=ask).json()
    assert told["count"] == 1
    assert amira.get("/queue/new", params={**ask, "severity": "3"}).json()["count"] == 0
    page = amira.get("/queue").text
    assert told["views"].keys() == {"open", "unclaimed", "mine", "waiting", "watch", "good"}
    for view, count in told["views"].items():
        assert f'data-view="{view}">{count}</span>' in page
