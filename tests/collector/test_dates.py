"""Moments as feeds write them: a London summer morning must not come out an hour late."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dates import AHEAD, EARLIEST, ZONES, believable, from_iso, from_utc, read_named_zone
from collector.feeds import read_feed
from tests.conftest import NOON
from tests.doubles.feeds import rss

MOMENTS = st.integers(366 * 86_400, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def published(written: str) -> datetime | None:
    body = rss(f"<item><title>x</title><pubDate>{written}</pubDate></item>")
    return read_feed(body, {}, "https://herald.example/feed").items[0].published_at


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("Tue, 14 Jul 2026 09:00:00 BST", 8),
        ("Tue, 14 Jul 2026 09:00:00 bst", 8),
        ("14 Jul 2026 09:00 BST", 8),
        ("Tue, 14 July 2026 09:00:00 BST", 8),
        ("Tue, 14 Jul 2026 09:00:00 (BST)", 8),
        ("2026-07-14T09:00:00 BST", 8),
        ("2026-07-14 09:00:00 BST", 8),
        ("Tue, 14 Jul 2026 09:00:00 CEST", 7),
        ("Tue, 14 Jul 2026 09:00:00 CET", 8),
        ("Tue, 14 Jul 2026 09:00:00 EEST", 6),
        ("Tue, 14 Jul 2026 09:00:00 WEST", 8),
        ("Tue, 14 Jul 2026 09:00:00 MESZ", 7),
        ("Tue, 14 Jul 2026 09:00:00 GMT", 9),
        ("Tue, 14 Jul 2026 09:00:00 UT", 9),
        ("Tue, 14 Jul 2026 09:00:00 Z", 9),
        ("Tue, 14 Jul 2026 09:00:00 +0100", 8),
        ("Tue, 14 Jul 2026 09:00:00 +0100 (BST)", 8),
        ("Tue, 14 Jul 2026 09:00:00 EST", 14),
        ("Tue, 14 Jul 2026 09:00:00 PDT", 16),
        ("2026-07-14T09:00:00+01:00", 8),
        ("2026-07-14T09:00:00Z", 9),
        ("Tuesday, July 14, 2026 - 09:00", 9),
        ("Jul 14, 2026 9:00 am", 9),
        ("14/07/2026 09:00", 9),
        ("14-07-2026 09:00:00", 9),
        ("14.07.2026 09:00", 9),
        ("07/14/2026 9:00 PM", 21),
        ("1784019600", 9),
        ("1784019600000", 9),
    ],
)
def test_a_moment_is_read_with_its_zone(written: str, hour: int) -> None:
    assert published(written) == datetime(2026, 7, 14, hour, tzinfo=UTC)


@given(MOMENTS, st.sampled_from(sorted(ZONES)))
def test_every_named_zone_is_its_offset(moment: datetime, zone: str) -> None:
    there = moment + timedelta(hours=ZONES[zone])
    read = from_utc(read_named_zone(f"{there:%a, %d %b %Y %H:%M:%S} {zone}"))
    assert read == (moment if moment >= EARLIEST else None)


@given(MOMENTS, st.integers(-12 * 60, 14 * 60))
def test_what_a_feed_writes_with_an_offset_comes_back(moment: datetime, minutes: int) -> None:
    there = moment.astimezone(timezone(timedelta(minutes=minutes)))
    body = rss(f"<item><title>x</title><pubDate>{format_datetime(there)}</pubDate></item>")
    assert read_feed(body, {}, "https://herald.example/").items[0].published_at == moment


@given(MOMENTS, st.integers(-12 * 60, 14 * 60))
def test_an_iso_moment_comes_back_in_utc(moment: datetime, minutes: int) -> None:
    there = moment.astimezone(timezone(timedelta(minutes=minutes)))
    read = from_iso(there.isoformat())
    assert read == moment
    assert read is not None
    assert read.utcoffset() == timedelta(0)


@given(st.text(max_size=80))
def test_no_date_breaks_us(written: str) -> None:
    read_named_zone(written)
    read = from_iso(written)
    assert read is None or (read.tzinfo is UTC and read >= EARLIEST)


@given(st.text(alphabet="0123456789:+-/., TZBSTCEJulMond", max_size=40))
def test_what_looks_like_a_date_breaks_nothing_either(written: str) -> None:
    parsed = feedparser.parse(rss(f"<item><pubDate>{written}</pubDate></item>"))
    for entry in parsed.entries:
        read = from_utc(entry.get("published_parsed"))
        assert read is None or read >= EARLIEST


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "yesterday", "", "9999"])
def test_what_no_one_can_have_meant_is_no_date(written: str) -> None:
    assert from_iso(written) is None


@given(st.none() | MOMENTS)
def test_nothing_is_published_after_it_was_seen(moment: datetime | None) -> None:
    believed = believable(moment, NOON)
    assert believed <= NOON + AHEAD
    assert believed == (NOON if moment is None else min(moment, NOON + AHEAD))
