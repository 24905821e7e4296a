"""Bars of a plot: true to scale, never invisible, and said in words."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collector.days import Day
from triage.web.plots import BOTTOM, LEFT, RIGHT, TOP, panels, spark

FIRST = date(2026, 6, 15)


def days(*numbers: tuple[int, int]) -> list[Day]:
    return [Day(FIRST + timedelta(days=at), seen, stored) for at, (seen, stored) in enumerate(numbers)]


def test_seen_and_stored_have_a_scale_of_their_own() -> None:
    seen, stored = panels(days((45_000, 3), (90_000, 0), (0, 1)))
    assert [bar.height for bar in seen.bars] == [40.5, 81.0]
    assert [bar.height for bar in stored.bars] == [54.0, 18.0]
    assert [label.text for label in seen.up] == ["0", "100k"]
    assert [label.text for label in stored.up] == ["0", "5"]
    assert [label.text for label in seen.across] == ["17 Jun"]


def test_a_plot_says_what_it_shows() -> None:
    seen, stored = panels(days((4, 0), (10, 0), (1, 0)))
    assert seen.says == "Items seen: 15 in 3 days, most on 16 Jun (10), 1 today so far"
    assert stored.says == "Items stored: none in 3 days"
    assert (stored.bars, stored.up) == ([], [])


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_every_day_with_items_has_a_bar_inside_the_axes(numbers: list[int]) -> None:
    shown = days(*((number, 0) for number in numbers))
    bars = panels(shown)[0].bars
    assert len(bars) == len(spark(shown)) == sum(number > 0 for number in numbers)
    for bar in bars:
        assert LEFT <= bar.x <= bar.x + bar.width <= RIGHT
        assert TOP <= bar.y <= bar.y + bar.height <= BOTTOM + 0.1
        assert bar.height >= 2
