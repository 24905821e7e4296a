"""A borough is seen by sources of its own that are seen themselves; days are those of London's calendar."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from collector.boroughs import BOROUGHS
from collector.catalogue import read_sources
from collector.coverage import Cover, Sight, coverage
from collector.days import Day, days_of, seen_since
from collector.health import State, is_blind, state_of
from collector.records import Grade, SourceRow, Tally
from collector.schedule import claim, due
from tests.collector.test_schedule import place
from tests.conftest import NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OURS = Path(__file__).resolve().parents[2] / "config" / "sources.toml"


def row(name: str = "herald", **given: Any) -> SourceRow:
    """A source for Hackney that was read a minute ago."""
    given = {
        "kind": "feed",
        "url": "https://news.example/feed",
        "every_s": 600,
        "grade": Grade.B,
        "basis": "written for tests",
        "boroughs": ["Hackney"],
        "due_at": NOON,
        "last_success_at": NOON - timedelta(minutes=1),
        **given,
    }
    return SourceRow(name=name, **given)


def cover(*rows: SourceRow, borough: str = "Hackney") -> Cover:
    return next(each for each in coverage(rows, now=NOON) if each.borough == borough)


FAILING: dict[str, Any] = {"failures": 3, "error": "it answers 403", "last_success_at": NOON - HOUR}


@pytest.mark.parametrize(
    ("given", "state", "blind"),
    [
        ({}, State.WELL, False),
        ({"failures": 1, "last_success_at": NOON - timedelta(minutes=29)}, State.FAILING, False),
        (FAILING, State.FAILING, True),
        ({**FAILING, "paced_s": 1800}, State.FAILING, False),
        ({"failures": 1, "last_success_at": None}, State.FAILING, True),
        ({"rest_until": NOON + HOUR}, State.RESTING, False),
        ({"rest_until": NOON + HOUR, "last_success_at": NOON - HOUR}, State.RESTING, True),
        ({"paused_until": NOON + HOUR}, State.PAUSED, True),
        ({"paused_until": NOON}, State.WELL, False),
        ({"stops_at": NOON}, State.STOPPED, True),
        ({"due_at": NOON - HOUR}, State.OVERDUE, True),
        ({"rhythm_s": 3600.0, "newest_at": NOON - DAY}, State.QUIET, True),
        ({"last_success_at": None}, State.NEW, False),
        ({"enabled": False, **FAILING}, State.OFF, False),
    ],
)
def test_a_source_is_blind_when_we_do_not_see_what_it_shows(
    given: dict[str, Any], state: State, blind: bool
) -> None:
    made = row(**given)
    assert (state_of(made, NOON), is_blind(made, NOON)) == (state, blind)


def test_a_borough_is_as_well_seen_as_its_sources() -> None:
    assert cover(row()) == ("Hackney", Sight.SEEN, ["herald"], [])
    assert cover(row(), row("echo", **FAILING)) == ("Hackney", Sight.PARTLY, ["echo", "herald"], ["echo"])
    assert cover(row(**FAILING)) == ("Hackney", Sight.BLIND, ["herald"], ["herald"])
    assert cover(row(last_success_at=None)).sight is Sight.BLIND
    assert cover(row(enabled=False)).sight is Sight.UNCOVERED
    assert cover(row(boroughs=["London"])).sight is Sight.UNCOVERED
    assert cover(row(kind="tip", url="", every_s=0)).sight is Sight.UNCOVERED


def test_a_borough_is_blind_when_all_its_sources_are_silent_for_longer_than_they_are_together() -> None:
    daily: dict[str, Any] = {"rhythm_s": DAY.total_seconds(), "newest_at": NOON - 5 * DAY}
    one, two = row(**daily), row("echo", **daily)
    assert not is_blind(one, NOON)
    assert cover(one).sight is Sight.SEEN
    assert cover(one, two).sight is Sight.BLIND
    assert cover(one, row("echo")).sight is Sight.SEEN  # nothing is known of its rhythm


def test_all_boroughs_and_our_neighbour_are_there_once() -> None:
    covers = coverage([row(boroughs=["City of London"])], now=NOON)
    assert [each.borough for each in covers] == sorted([*BOROUGHS, "City of London"])
    (city,) = [each for each in covers if each.sight is Sight.NEIGHBOUR]
    assert (city.borough, city.sources) == ("City of London", ["herald"])


def test_every_borough_has_a_source_that_is_on_and_asked_for_news() -> None:
    on = [watch for watch in read_sources(OURS) if watch.enabled and watch.kind == "feed"]
    assert set(BOROUGHS) <= {borough for watch in on for borough in watch.boroughs}


def test_a_paused_source_is_not_fetched_until_the_pause_is_over(session: Session) -> None:
    paused = place(session, "herald", paused_until=NOON + HOUR)
    session.commit()
    assert due(session, now=NOON, limit=9) == []
    assert claim(session, paused.name, now=NOON, lasts=HOUR, even_early=True) is None
    assert due(session, now=NOON + HOUR, limit=9) == ["herald"]
    assert claim(session, paused.name, now=NOON + HOUR, lasts=HOUR) is not None


def test_a_day_begins_at_midnight_in_london(session: Session) -> None:
    midnight = datetime(2026, 7, 13, 23, 0, tzinfo=UTC)  # summer time
    for name, at, seen in (
        ("herald", midnight - timedelta(minutes=1), 3),
        ("herald", midnight, 5),
        ("herald", NOON, 7),
        ("herald", NOON + timedelta(minutes=1), 11),
        ("echo", NOON - 9 * DAY, 13),
    ):
        session.add(Tally(source=name, minute=at, seen=seen, stored=seen - 1, dropped=1))
    session.commit()
    days = days_of(session, ["herald", "echo"], days=2, now=NOON)
    assert days["herald"] == [Day(date(2026, 7, 13), 3, 2), Day(date(2026, 7, 14), 12, 10)]
    assert days["echo"] == [Day(date(2026, 7, 13)), Day(date(2026, 7, 14))]
    assert seen_since(session, NOON - HOUR) == {"herald": 18}


def test_thirty_days_are_thirty_also_when_the_clocks_change(session: Session) -> None:
    after = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
    session.add(Tally(source="herald", minute=datetime(2026, 10, 25, 0, 30, tzinfo=UTC), seen=1, dropped=1))
    session.commit()
    days = days_of(session, ["herald"], days=30, now=after)["herald"]
    assert len({day.on for day in days}) == len(days) == 30
    assert [day for day in days if day.seen] == [Day(date(2026, 10, 25), 1, 0)]
