"""When sources are fetched: never before they may be, never twice at a time, never given up."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session

from collector.batch import CursorPosition
from collector.catalogue import Watch, sync_sources
from collector.errors import FetchError, Refused, TooSlow
from collector.health import State, state_of
from collector.records import Cursor, Grade, SourceRow
from collector.schedule import JITTER, SHORTEST_BACKOFF, Lease, backoff, claim, due, failed, succeeded
from tests.conftest import NOON

EVERY = timedelta(minutes=10)
LASTS = timedelta(seconds=60)
LONGEST = timedelta(hours=24)


def place(session: Session, name: str, **given: Any) -> SourceRow:
    defaults = {
        "kind": "feed",
        "url": f"https://{name}.example/feed",
        "every_s": int(EVERY.total_seconds()),
        "grade": Grade.B,
        "basis": "publisher's public feed",
        "due_at": NOON,
    }
    row = SourceRow(name=name, **{**defaults, **given})
    session.add(row)
    session.commit()
    return row


def take(session: Session, name: str, now: datetime = NOON, **given: Any) -> Lease:
    lease = claim(session, name, now=now, lasts=LASTS, **given)
    session.commit()
    assert lease is not None
    return lease


def test_due_are_the_enabled_ones_whose_time_has_come_longest_due_first(session: Session) -> None:
    place(session, "later", due_at=NOON + timedelta(seconds=1))
    place(session, "now")
    place(session, "long", due_at=NOON - timedelta(hours=1))
    place(session, "off", enabled=False)
    place(session, "resting", rest_until=NOON + timedelta(minutes=1))
    place(session, "stream", kind="jetstream", url="wss://stream.example")
    assert due(session, now=NOON, limit=10) == ["long", "now"]
    assert due(session, now=NOON, limit=1) == ["long"]


def test_a_host_is_asked_once_at_a_time(session: Session) -> None:
    place(session, "a", url="https://news.example/a", due_at=NOON - timedelta(minutes=1))
    place(session, "b", url="https://News.example/b")
    place(session, "c", url="https://other.example/c")
    assert due(session, now=NOON, limit=10) == ["a", "c"]
    lease = take(session, "a")
    assert due(session, now=NOON, limit=10) == ["c"]
    assert claim(session, "b", now=NOON, lasts=LASTS) is None
    session.commit()
    assert succeeded(session, lease, now=NOON)
    session.commit()
    assert due(session, now=NOON, limit=10) == ["b", "c"]


def test_a_source_is_leased_once_until_the_lease_ends(session: Session) -> None:
    place(session, "herald")
    take(session, "herald")
    assert claim(session, "herald", now=NOON + LASTS / 2, lasts=LASTS) is None
    session.commit()
    assert take(session, "herald", now=NOON + LASTS + timedelta(seconds=1))


def test_two_machines_never_hold_the_same_source(engine: Engine) -> None:
    with Session(engine) as first, Session(engine) as second:
        place(first, "herald")
        mine = claim(first, "herald", now=NOON, lasts=LASTS)
        first.commit()
        theirs = claim(second, "herald", now=NOON, lasts=LASTS)
        second.commit()
    assert mine is not None
    assert theirs is None


def test_who_lost_the_lease_may_not_store(session: Session) -> None:
    place(session, "herald")
    late = take(session, "herald")
    take(session, "herald", now=NOON + 2 * LASTS)
    assert not succeeded(session, late, now=NOON + 2 * LASTS)


def test_a_lease_brings_what_the_fetch_starts_from(session: Session) -> None:
    place(session, "herald")
    session.add(Cursor(source="herald", position="9", etag='W/"\xe9"', body_sha256=b"d", moved_at=NOON))
    session.commit()
    assert take(session, "herald").cursor == CursorPosition("9", 'W/"\xe9"', None, b"d")


def test_what_nobody_knows_cannot_be_leased(session: Session) -> None:
    assert claim(session, "nobody", now=NOON, lasts=LASTS) is None


def test_a_person_may_ask_early_but_not_before_the_server_allows(session: Session) -> None:
    place(session, "herald", due_at=NOON + timedelta(hours=1))
    assert claim(session, "herald", now=NOON, lasts=LASTS) is None
    assert take(session, "herald", even_early=True)
    place(session, "gazette", rest_until=NOON + timedelta(minutes=1))
    assert claim(session, "gazette", now=NOON, lasts=LASTS, even_early=True) is None


def test_after_a_success_the_next_is_an_interval_away_and_a_little_more(session: Session) -> None:
    place(session, "herald", failures=3, error="x", remedy="y")
    assert succeeded(session, take(session, "herald"), now=NOON)
    session.commit()
    row = session.get_one(SourceRow, "herald", populate_existing=True)
    assert EVERY <= row.due_at - NOON <= EVERY * (1 + JITTER)
    assert (row.failures, row.error, row.remedy, row.last_success_at) == (0, None, None, NOON)
    assert row.lease_owner is None


def test_those_that_failed_come_last_and_never_take_all_the_places(session: Session) -> None:
    for name in ("one", "other", "third", "fourth"):
        place(session, name, failures=3, due_at=NOON - timedelta(hours=1))
    place(session, "well")
    assert due(session, now=NOON, limit=9, doubtful=2) == ["well", "fourth", "one"]
    take(session, "third")
    assert due(session, now=NOON, limit=9, doubtful=2) == ["well", "fourth"]
    assert due(session, now=NOON, limit=9) == ["well", "fourth", "one", "other"]


def test_of_one_host_the_one_that_failed_does_not_stand_before_the_others(session: Session) -> None:
    place(session, "bad", url="https://same.example/bad", failures=1, due_at=NOON - timedelta(hours=1))
    place(session, "good", url="https://same.example/good")
    assert due(session, now=NOON, limit=9, doubtful=0) == ["good"]


def test_a_source_with_more_to_give_is_due_at_once(session: Session) -> None:
    place(session, "herald")
    succeeded(session, take(session, "herald"), now=NOON, more=True)
    assert due(session, now=NOON, limit=10) == ["herald"]


def test_a_failure_is_kept_with_cause_and_remedy_and_doubles_the_wait(session: Session) -> None:
    place(session, "herald")
    now, waits = NOON, []
    for _ in range(12):
        error = TooSlow("herald.example: no complete answer in time")
        waits.append(failed(session, take(session, "herald", now=now), error, now=now, longest=LONGEST))
        session.commit()
        row = session.get_one(SourceRow, "herald", populate_existing=True)
        assert due(session, now=row.due_at - timedelta(seconds=1), limit=10) == []
        now = row.due_at
    assert row.failures == 12
    assert row.error == "herald.example: no complete answer in time"
    assert row.remedy
    assert waits[0] < waits[1] < waits[2]
    assert waits[-1] <= LONGEST * (1 + JITTER), "never given up"


def refused(status: int, wait: timedelta) -> Refused:
    return Refused(f"answered {status}", status=status, retry_after=wait)


def test_asked_by_429_the_whole_host_is_left_alone(session: Session) -> None:
    place(session, "a", url="https://news.example/a")
    place(session, "b", url="https://news.example/b")
    place(session, "c")
    hour = timedelta(hours=1)
    failed(session, take(session, "a"), refused(429, hour), now=NOON, longest=LONGEST)
    session.commit()
    assert due(session, now=NOON + hour - timedelta(seconds=1), limit=10) == ["c"]
    assert claim(session, "b", now=NOON + hour / 2, lasts=LASTS, even_early=True) is None
    session.commit()
    assert "b" in due(session, now=NOON + hour, limit=10)


def test_asked_by_503_only_the_source_is_left_alone(session: Session) -> None:
    place(session, "a", url="https://news.example/a")
    place(session, "b", url="https://news.example/b")
    failed(session, take(session, "a"), refused(503, timedelta(hours=1)), now=NOON, longest=LONGEST)
    session.commit()
    assert due(session, now=NOON, limit=10) == ["b"]


def test_a_short_wait_asked_for_does_not_shorten_ours(session: Session) -> None:
    place(session, "herald")
    error = refused(503, timedelta(seconds=1))
    assert failed(session, take(session, "herald"), error, now=NOON, longest=LONGEST) >= EVERY


def test_what_is_gone_for_good_stops_until_it_has_another_address(session: Session) -> None:
    watch = {"name": "herald", "kind": "feed", "every": "10m", "grade": "B", "basis": "made up for this"}
    old, new = (
        Watch.model_validate({**watch, "url": f"https://{host}.example/feed"}) for host in ("old", "new")
    )
    sync_sources(session, [old], now=NOON)
    failed(session, take(session, "herald"), Refused("answered 410", status=410), now=NOON, longest=LONGEST)
    session.commit()
    later = NOON + LONGEST * 2
    for watches, asked in (([old], []), ([new], ["herald"])):
        sync_sources(session, watches, now=later)
        session.commit()
        session.expire_all()
        row = session.get_one(SourceRow, "herald")
        assert (row.stops_because or "").startswith("its server says that it is gone") is not bool(asked)
        assert (state_of(row, later) is State.STOPPED) is not bool(asked)
        assert due(session, now=later, limit=9) == asked


@given(st.integers(1, 7 * 86_400), st.integers(1, 500))
def test_the_wait_grows_to_a_cap_and_is_never_below_the_interval(every_s: int, failures: int) -> None:
    every = timedelta(seconds=every_s)
    wait = backoff(every, failures, LONGEST)
    assert wait >= every
    assert wait >= min(SHORTEST_BACKOFF, LONGEST)
    assert wait <= max(LONGEST, every)
    assert wait <= backoff(every, failures + 1, LONGEST)


@pytest.mark.parametrize("error", [FetchError("x\0y" * 1_000), FetchError("")])
def test_odd_causes_are_stored(error: FetchError, session: Session) -> None:
    place(session, "herald")
    failed(session, take(session, "herald"), error, now=NOON, longest=LONGEST)
    session.commit()
