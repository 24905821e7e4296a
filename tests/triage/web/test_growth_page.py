"""How a case grows, on its page, in the queue and in JSON."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.make import NOON
from tests.served import Browser
from triage.growth_records import Growth
from triage.web.growth import MOST_STEPS, curve_of

CASE = uuid4()


def minute(after: timedelta, posts: int = 1, **given: Any) -> Growth:
    return Growth(case_id=CASE, at=NOON + after, posts=posts, voices=1, **given)


def test_the_page_says_how_fast_beside_what_and_what_is_not_known(looking: Browser) -> None:
    page = looking.get("/cases/1").text
    assert "spiking since" in page
    assert "posts in the last ten minutes" in page
    assert "posts whose platform tells" in page
    assert "mean of" in page
    assert "hackney-herald, an outlet" in page
    assert "41 accounts brought the same words within 52 seconds, in 44 posts" in page
    assert "It says nothing of anyone, and no account is kept." in page
    assert "It grows: 127 posts in ten minutes, picked up by hackney-herald." in page


def test_the_curve_has_a_table_with_the_same_figures(looking: Browser) -> None:
    page = looking.get("/cases/1").text
    table = page[page.index('aria-label="Posts in steps of') :]
    steps = looking.get("/api/v1/cases/1").json()["growth"]["steps"]
    for each in steps:
        assert f'<td class="gh-num">{each["posts"]}</td>' in table


def test_the_queue_shows_the_pace_and_sorts_by_it(looking: Browser) -> None:
    cases = looking.get("/api/v1/cases?sort=pace").json()["cases"]
    paces = [each["posts_in_ten_minutes"] for each in cases]
    assert paces == sorted(paces, reverse=True)
    assert cases[0]["number"] == 1
    page = looking.get("/queue?sort=pace").text
    assert f"{paces[0]} in 10 min" in page
    assert "Sorted by growing fastest" in page


def test_a_case_in_json_has_its_growth_and_no_account(looking: Browser) -> None:
    growth = looking.get("/api/v1/cases/1").json()["growth"]
    assert (growth["views"], growth["viewed"]) == (412_800, 37)
    assert growth["accounts"] == pytest.approx(231, rel=0.1)
    assert growth["picked_up"] == ["hackney-herald, an outlet", "a post on Bluesky, seen 122,400 times"]
    assert len(growth["looks_coordinated"]) == 1
    assert set(growth["steps"][0]) == {"at", "posts", "voices", "sources", "platforms"}


@pytest.mark.parametrize("hours", [0.1, 1, 5, 20, 100, 300])
def test_a_curve_keeps_every_post_in_few_steps(hours: float) -> None:
    rows = [minute(hours * timedelta(hours=nth / 40), posts=nth) for nth in range(41)]
    curve = curve_of(rows, now=NOON + timedelta(days=30))
    assert sum(each.posts for each in curve.steps) == sum(range(41))
    assert len(curve.steps) <= MOST_STEPS
    assert {each.at + curve.length for each in curve.steps[:-1]} == {each.at for each in curve.steps[1:]}


def test_a_curve_goes_on_to_now_while_the_case_does() -> None:
    rows = [minute(timedelta()), minute(timedelta(minutes=20), sources=["a", "b"])]
    going = curve_of(rows, now=NOON + timedelta(minutes=50))
    assert going.steps[-1].at + going.length > NOON + timedelta(minutes=50)
    assert max(each.sources for each in going.steps) == 2
    over = curve_of(rows, now=NOON + timedelta(hours=9))
    assert over.steps[-1].at <= NOON + timedelta(minutes=20) < over.steps[-1].at + over.length


def test_a_case_of_which_nothing_is_counted_has_an_empty_curve() -> None:
    assert curve_of([], now=NOON).steps == []
