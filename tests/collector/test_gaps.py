"""What the stream may have held unheard: every gap is said, and none where nothing was missed."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from collector.records import Cursor
from tests.collector.hearing import NOT_OURS, OURS, begin, gaps, listening, open_connections, stored
from tests.doubles.jetstream import NOON, Jetstream, serving, wait_until


def test_a_server_that_forgot_and_moves_the_cursor_silently_leaves_a_gap(engine: Engine) -> None:
    with serving(Jetstream(speaks=(1,))) as double:
        begin(engine, double)
        later = NOON + timedelta(hours=40)
        for number in range(5):
            double.post(OURS.format(number), f"3l{number}", at=later + timedelta(seconds=number))
        double.floor_seq = 3
        with listening(engine, double):
            wait_until(lambda: len(stored(engine)) == 4)
    (gap,) = gaps(engine)
    assert gap.from_at == double.events[0].at
    assert gap.until_at == later + timedelta(seconds=1)
    assert gap.closed_at is None


def test_a_cursor_too_old_goes_on_by_time_and_leaves_a_gap(engine: Engine) -> None:
    with serving(Jetstream(speaks=(2,))) as double:
        begin(engine, double)
        later = NOON + timedelta(hours=40)
        for number in range(5):
            double.post(OURS.format(number), f"3l{number}", at=later + timedelta(seconds=number))
        double.floor_seq = 4
        with listening(engine, double):
            wait_until(lambda: len(stored(engine)) == 3)
    assert int(double.asked[-1]["cursor"][0]) > 10**15
    (gap,) = gaps(engine)
    assert (gap.from_at, gap.until_at) == (double.events[0].at, later + timedelta(seconds=2))


def test_another_server_is_asked_by_time_with_an_overlap_and_leaves_a_gap(engine: Engine) -> None:
    with serving(Jetstream()) as first, serving(Jetstream(first_seq=9_000_000)) as second:
        begin(engine, first)
        second.post(NOT_OURS.format("same"), "first", at=first.events[0].at)
        second.post(OURS.format("new"), "3lnew", at=NOON + timedelta(seconds=2))
        first.refuse = [(503, "Overloaded")] * 3
        with listening(engine, first, second):
            wait_until(lambda: stored(engine), within_s=30)
    asked = int(second.asked[0]["cursor"][0])
    assert first.events[0].time_us - asked == 5_000_000
    (gap,) = gaps(engine)
    assert gap.because == "changed to another server"


def test_a_server_that_counts_anew_is_asked_by_time_and_leaves_a_gap(engine: Engine) -> None:
    with serving(Jetstream(speaks=(2,), first_seq=1_000)) as double:
        begin(engine, double)
        double.first_seq = 1
        double.events.clear()
        with listening(engine, double):
            wait_until(open_connections(double, 2))
            double.post(OURS.format(1), "3lanew", at=NOON + timedelta(seconds=1))
            wait_until(lambda: stored(engine))
    assert len(double.asked) == 3
    assert int(double.asked[-1]["cursor"][0]) > 10**15
    assert len(gaps(engine)) == 1


def test_a_place_ahead_of_the_servers_clock_leaves_a_gap(engine: Engine, session: Session) -> None:
    with serving(Jetstream(speaks=(1,))) as double:
        ahead = (NOON + timedelta(days=3) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        stored_at = NOON - timedelta(hours=2)
        session.add(
            Cursor(
                source="bluesky",
                position=f"v1 127.0.0.1:{double.port} {ahead} {ahead}",
                moved_at=stored_at,
            )
        )
        session.commit()
        with listening(engine, double):
            wait_until(open_connections(double))
            double.post(OURS.format(1), "3lnow")
            wait_until(lambda: stored(engine))
    (gap,) = gaps(engine)
    assert (gap.from_at, gap.until_at) == (stored_at, double.events[0].at)


def test_a_place_that_cannot_be_read_starts_now_and_leaves_a_gap(engine: Engine, session: Session) -> None:
    session.add(Cursor(source="bluesky", position="12345", moved_at=NOON - timedelta(hours=1)))
    session.commit()
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        double.post(OURS.format(1), "3lnow")
        wait_until(lambda: stored(engine))
    (gap,) = gaps(engine)
    assert gap.from_at == NOON - timedelta(hours=1)


def test_going_on_from_ones_own_place_leaves_no_gap(engine: Engine) -> None:
    with serving(Jetstream()) as double:
        begin(engine, double)
        for _ in range(3):
            with listening(engine, double):
                wait_until(open_connections(double, len(double.opened) + 1))
                reach = double.post(OURS.format(len(double.events)), f"3l{len(double.events)}")
                wait_until(lambda reach=reach: reach in {post.external_id for post in stored(engine)})
    assert gaps(engine) == []
