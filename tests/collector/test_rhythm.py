"""A source is asked by its own rhythm, within bounds; its silence is raised against that rhythm."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from collector.events import EventError, begin_event, end_event, events_on, interval_of
from collector.health import State, health, mark_quiet, state_of
from collector.records import SourceRow, Tally
from collector.rhythm import Heard, heard, is_quiet, pace, quiet_after
from collector.schedule import due, succeeded
from tests.collector.test_schedule import place, take
from tests.conftest import NOON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVERY, FLOOR = 10 * MINUTE, 5 * MINUTE


def rhythm(each: timedelta, count: int = 10) -> Heard:
    return heard(Heard(), [NOON - number * each for number in range(count)], now=NOON)


def test_the_rhythm_is_the_mean_time_between_items() -> None:
    assert rhythm(HOUR) == Heard(3600.0, NOON)
    assert heard(Heard(), [NOON - DAY, NOON], now=NOON) == Heard(None, NOON)
    assert heard(Heard(60.0, NOON), [], now=NOON) == Heard(60.0, NOON)


def test_the_same_items_shown_again_change_nothing() -> None:
    once = rhythm(HOUR)
    shown = [NOON - number * HOUR for number in range(10)]
    assert heard(once, shown, now=NOON + DAY) == once


def test_one_item_after_a_long_silence_slows_the_rhythm_down() -> None:
    later = heard(Heard(3600.0, NOON), [NOON + 4 * HOUR], now=NOON + 4 * HOUR)
    assert later == Heard((3600 + 4 * 3600) / 2, NOON + 4 * HOUR)


def test_a_date_in_the_future_is_no_rhythm() -> None:
    assert heard(Heard(), [NOON + DAY], now=NOON) == Heard(None, NOON)


@pytest.mark.parametrize(
    ("between", "asked_after"),
    [(MINUTE, FLOOR), (16 * MINUTE, 8 * MINUTE), (HOUR, 30 * MINUTE), (DAY, HOUR), (30 * DAY, HOUR)],
)
def test_a_source_is_asked_at_half_its_rhythm_within_bounds(
    between: timedelta, asked_after: timedelta
) -> None:
    assert pace(EVERY, FLOOR, rhythm(between), event=None, now=NOON) == asked_after


def test_a_source_without_a_rhythm_is_asked_as_configured() -> None:
    assert pace(EVERY, FLOOR, Heard(), event=None, now=NOON) == EVERY


def test_an_interval_under_a_minute_is_kept_to() -> None:
    assert pace(timedelta(seconds=5), FLOOR, rhythm(DAY), event=None, now=NOON) == timedelta(seconds=5)


@given(
    every=st.timedeltas(MINUTE, 7 * DAY),
    rhythm_s=st.none() | st.floats(0, 1e8),
    silent=st.timedeltas(timedelta(0), 400 * DAY),
    event=st.none() | st.timedeltas(timedelta(seconds=1), DAY),
)
def test_whatever_the_rhythm_the_interval_stays_in_bounds(
    every: timedelta, rhythm_s: float | None, silent: timedelta, event: timedelta | None
) -> None:
    interval = pace(every, FLOOR, Heard(rhythm_s, NOON - silent), event=event, now=NOON)
    assert MINUTE <= interval <= 6 * every
    assert event is not None or interval >= max(min(FLOOR, every), every / 4)


def test_a_source_has_gone_quiet_against_its_own_rhythm() -> None:
    assert quiet_after(60.0) == 12 * HOUR
    assert quiet_after(DAY.total_seconds()) == 8 * DAY
    daily = Heard(DAY.total_seconds(), NOON)
    for silence, quiet in ((2 * DAY, False), (9 * DAY, True)):
        assert is_quiet(daily, stream=False, last_success_at=NOON, now=NOON + silence) is quiet
    assert not is_quiet(Heard(None, NOON), stream=False, last_success_at=NOON, now=NOON + 99 * DAY)
    assert is_quiet(Heard(), stream=True, last_success_at=NOON, now=NOON + 6 * MINUTE)


def test_a_fetch_keeps_the_rhythm_and_sets_the_pace(session: Session) -> None:
    place(session, "herald")
    shown = [NOON - number * HOUR for number in range(10)]
    assert succeeded(session, take(session, "herald"), now=NOON, shown=shown)
    session.commit()
    row = session.get_one(SourceRow, "herald")
    assert (row.rhythm_s, row.newest_at, row.paced_s) == (3600.0, NOON, 1800)
    assert NOON + 30 * MINUTE <= row.due_at <= NOON + 33 * MINUTE


def test_a_quiet_source_is_named_once_and_forgotten_when_it_speaks(session: Session) -> None:
    row = place(session, "herald", last_success_at=NOON, rhythm_s=3600.0, newest_at=NOON - DAY)
    row.due_at = NOON
    session.commit()
    assert state_of(row, NOON) is State.QUIET
    assert mark_quiet(session, now=NOON) == ["herald"]
    assert mark_quiet(session, now=NOON) == []
    assert row.quiet_since == NOON - DAY
    row.newest_at = NOON
    assert mark_quiet(session, now=NOON) == []
    assert row.quiet_since is None


def test_items_a_day_are_counted_for_thirty_days(session: Session) -> None:
    place(session, "herald")
    for ago, seen in ((timedelta(0), 3), (HOUR, 2), (3 * DAY, 5), (29 * DAY, 7), (31 * DAY, 11)):
        session.add(Tally(source="herald", minute=NOON - ago, seen=seen, dropped=seen))
    session.commit()
    (shown,) = health(session, now=NOON)
    days = [day.seen for day in shown.days]
    assert len(days) == 30
    assert (days[-1], days[-4], days[0], sum(days)) == (5, 5, 7, 17)
    assert (shown.days[0].on, shown.days[-1].on) == (date(2026, 6, 15), date(2026, 7, 14))
    assert (shown.seen, shown.stored) == (17, 0)


def test_an_event_hurries_its_sources_and_ends_by_itself(session: Session) -> None:
    for name in ("herald", "echo"):
        place(session, name, due_at=NOON + HOUR)
    begin_event(
        session, "verdict", every=MINUTE, until=NOON + HOUR, because="v", sources=["herald"], now=NOON
    )
    session.commit()
    assert due(session, now=NOON + MINUTE, limit=9) == ["herald"]
    assert succeeded(session, take(session, "herald", now=NOON + MINUTE), now=NOON + MINUTE)
    session.commit()
    assert session.get_one(SourceRow, "herald").paced_s == 60
    assert interval_of(session, "echo", now=NOON) is None
    late = NOON + HOUR
    assert events_on(session, now=late) == []
    assert succeeded(session, take(session, "herald", now=late), now=late)
    session.commit()
    assert session.get_one(SourceRow, "herald").paced_s == 600


def test_an_event_can_be_ended_and_replaced(session: Session) -> None:
    begin_event(session, "march", every=5 * MINUTE, until=NOON + DAY, because="v", now=NOON)
    begin_event(session, "march", every=2 * MINUTE, until=NOON + DAY, because="v", now=NOON)
    session.flush()
    assert [each.every_s for each in events_on(session, now=NOON)] == [120]
    assert end_event(session, "march", now=NOON)
    assert not end_event(session, "march", now=NOON)


@pytest.mark.parametrize(
    ("every", "until", "sources"),
    [(timedelta(seconds=5), HOUR, []), (MINUTE, -HOUR, []), (MINUTE, 15 * DAY, []), (MINUTE, HOUR, ["no"])],
)
def test_an_event_without_an_end_or_measure_is_refused(
    every: timedelta, until: timedelta, sources: list[str], session: Session
) -> None:
    with pytest.raises(EventError):
        begin_event(session, "x", every=every, until=NOON + until, because="v", sources=sources, now=NOON)
