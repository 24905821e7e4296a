"""Feeds made to exhaust their reader: they end by themselves, elsewhere, and the next feed is read as ever."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from collector import apart
from collector.apart import Reader
from collector.errors import TooSlow, Unreadable
from collector.feeds import read_feed
from collector.patience import left_s, within
from tests.doubles.feeds import rss

URL = "https://herald.example/feed"
LARGE = rss("<item><title>Cordon lifted</title><link>/1</link></item>" * 3_000)
SLOW = rss("<item><title>x</title>" + "<a " * 400_000 + "</item>")
GREEDY = rss("<item><title>x</title>" + "<!" * 900_000 + "</item>")


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


def children(reader: Reader) -> int | None:
    return reader._child.pid if reader._child else None


def test_a_large_feed_is_read_as_a_small_one_is(reader: Reader) -> None:
    assert len(LARGE) > apart.SMALL
    assert reader.read(LARGE, {"Content-Type": "text/xml"}, URL) == read_feed(LARGE, {}, URL)
    first = children(reader)
    reader.read(LARGE, {}, URL)
    assert children(reader) == first is not None, "one process reads them all"


def test_a_small_feed_needs_no_other_process(reader: Reader) -> None:
    assert len(reader.read(rss("<item><title>x</title></item>"), {}, URL).items) == 1
    assert children(reader) is None


def test_what_takes_too_long_is_ended_and_the_next_is_read(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "READ_S", 0.4)  # long before its memory runs out, on any machine
    with pytest.raises(Unreadable, match="too long") as raised:
        reader.read(SLOW, {}, URL)
    assert "made to exhaust" in raised.value.remedy
    monkeypatch.setattr(apart, "READ_S", 20)
    with within(1), pytest.raises(TooSlow, match="no time"):
        reader.read(SLOW, {}, URL)
    assert len(reader.read(LARGE, {}, URL).items) == 500


def test_what_takes_too_much_memory_is_refused_and_the_next_is_read(reader: Reader) -> None:
    with pytest.raises(Unreadable, match="64 MB"):
        reader.read(GREEDY, {}, URL)
    assert len(reader.read(LARGE, {}, URL).items) == 500


def test_what_is_no_feed_is_said_to_be_none(reader: Reader) -> None:
    with pytest.raises(Unreadable, match="web page") as raised:
        reader.read(b"<!doctype html><html>" + b"x" * 200_000, {}, URL)
    assert "browser" in raised.value.remedy


def test_a_reader_that_died_is_started_again(reader: Reader) -> None:
    reader.read(LARGE, {}, URL)
    dead = children(reader)
    assert dead is not None
    os.kill(dead, 9)
    assert reader._child is not None
    reader._child.wait()
    assert len(reader.read(LARGE, {}, URL).items) == 500
    assert children(reader) != dead


def test_nobody_waits_for_it_longer_than_a_visit_lasts(reader: Reader) -> None:
    reader._free.acquire()
    started = time.monotonic()
    with within(0.2), pytest.raises(TooSlow, match="other large feeds"):
        reader.read(LARGE, {}, URL)
    assert time.monotonic() - started < 2
    reader._free.release()


def test_what_is_left_of_a_visit_is_shared_by_its_steps_and_known_to_its_thread_only() -> None:
    seen: list[float] = []
    with within(1):
        assert left_s(5) <= 1
        assert left_s(0.1) == 0.1
        other = threading.Thread(target=lambda: seen.append(left_s(5)))
        other.start()
        other.join()
        with within(0):
            assert left_s(5) == 0
    assert left_s(5) == 5
    assert seen == [5]


def test_one_feed_after_another_may_be_made_to_exhaust_it(reader: Reader) -> None:
    for _ in range(3):
        with pytest.raises(Unreadable, match="64 MB"):
            reader.read(GREEDY, {}, URL)
        assert len(reader.read(LARGE, {}, URL).items) == 500
