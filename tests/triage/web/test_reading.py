"""How a post's text is cut, and how lengths of time are said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.records import Media
from tests.make import make_post
from triage.web.reading import (
    Piece,
    about_whole,
    pieces,
    read_text,
    reasons,
    same_words,
    sentence,
    unmentioned,
)
from triage.web.words import clock_time, left, likely, opening, spell

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)

spans = st.builds(
    lambda start, end: {"name": "x", "score": 0.5, "start": start, "end": end, "because": "why"},
    st.integers(-5, 60),
    st.integers(-5, 60),
)


@given(st.text(max_size=50), st.lists(spans, max_size=6))
def test_cutting_loses_and_adds_nothing_but_account_names(
    text: str, signals: list[dict[str, object]]
) -> None:
    assert "".join(each.text for each in pieces(text, signals)) == unmentioned(text)


def test_reasons_about_the_text_as_a_whole_stand_apart_from_those_about_words() -> None:
    signals = [
        {"name": "force", "start": 0, "end": 3, "because": "words of force"},
        {"name": "examples", "start": 0, "end": 0, "because": "like 25 others"},
        {"name": "trigger", "start": 0, "end": 0},
    ]
    assert about_whole(signals) == ["like 25 others"]
    assert reasons("hit him", signals) == [("hit", "words of force")]


def test_overlapping_reasons_are_both_given() -> None:
    signals = [
        {"name": "a", "start": 0, "end": 9, "because": "first"},
        {"name": "b", "start": 4, "end": 14, "because": "second"},
    ]
    assert pieces("not breathing now", signals) == [
        Piece("not ", ("first",)),
        Piece("breat", ("first", "second")),
        Piece("hing ", ("second",)),
        Piece("now", ()),
    ]


def test_a_reason_inside_an_account_name_does_not_show_it() -> None:
    found = pieces("look @copwatcher now", [{"name": "a", "start": 6, "end": 9, "because": "police"}])
    assert found == [Piece("look @account now", ())] or all("watcher" not in each.text for each in found)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@one and @two.social: hi", "@account and @account: hi"),
        ("mail me@here.example", "mail me@here.example"),
        ("(@someone@server.example)", "(@account)"),
        ("meet @ 5", "meet @ 5"),
    ],
)
def test_account_names_are_left_out(text: str, shown: str) -> None:
    assert unmentioned(text) == shown


def test_copies_share_their_words_whatever_is_around_them() -> None:
    first = make_post("They had him on the ground!! https://a.example/1 @someone")
    copy = make_post("they had him on the GROUND https://b.example/2")
    other = make_post("they had her on the ground")
    assert same_words(first) == same_words(copy) != same_words(other)
    assert same_words(make_post("🔥")) != same_words(make_post("🚓"))


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=7), "7 s"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(hours=23), "23 h"),
        (timedelta(days=1, hours=3), "1 day"),
        (timedelta(days=12), "12 days"),
    ],
)
def test_lengths_of_time_in_words(length: timedelta, said: str) -> None:
    assert spell(length) == said


def test_what_is_left_and_what_is_overdue() -> None:
    assert left(NOON + timedelta(seconds=108), NOON) == "01:48 left"
    assert left(NOON + timedelta(hours=3), NOON) == "3 h left"
    assert left(NOON - timedelta(minutes=12), NOON) == "overdue by 12 min"


def test_times_are_londons() -> None:
    assert clock_time(NOON, NOON) == "13:00"
    assert clock_time(NOON - timedelta(days=1), NOON) == "13 Jul 13:00"
    assert clock_time(datetime(2025, 12, 24, 9, 5, tzinfo=UTC), NOON) == "24 Dec 2025 09:05"


def test_sureness_in_words() -> None:
    assert [likely(p) for p in (0.9, 0.5, 0.1)] == ["likely", "cannot tell", "unlikely"]


def test_a_sentence_is_cut_at_a_word() -> None:
    assert sentence("one two\nthree", 9) == "one two…"


def test_each_reason_is_given_once_with_its_words_whole() -> None:
    text = "Police just shot at a man"
    signals = [
        {"name": "police", "start": 0, "end": 6, "because": "names police"},
        {"name": "gun", "start": 0, "end": 16, "because": "says police fired a gun"},
        {"name": "now", "start": 7, "end": 11, "because": "happened lately"},
        {"name": "gun", "start": 0, "end": 16, "because": "says police fired a gun"},
    ]
    assert reasons(text, signals) == [
        ("Police", "names police"),
        ("Police just shot", "says police fired a gun"),
        ("just", "happened lately"),
    ]


def test_a_reason_whose_words_are_part_of_a_name_shows_no_name() -> None:
    found = reasons("look @copwatcher now", [{"name": "a", "start": 6, "end": 9, "because": "police"}])
    assert found == [("@account", "police")]


def test_what_is_said_of_pictures_stands_behind_the_text_in_the_order_it_was_assessed() -> None:
    post = make_post("look at this")
    media = [
        Media(post_id=post.id, kind="link", url="https://b.example", alt="Witnesses sought"),
        Media(post_id=post.id, kind="image", url="https://a.example/2"),
        Media(post_id=post.id, kind="image", url="https://a.example/1", alt="officers on a man"),
    ]
    assert read_text(post, media) == "look at this\nofficers on a man\nWitnesses sought"
    assert read_text(post) == "look at this"


@pytest.mark.parametrize(
    ("platform", "said"),
    [("bluesky", "Open on Bluesky"), ("tip", "Open the link in the tip"), ("elsewhere", "Open on elsewhere")],
)
def test_a_link_says_where_it_leads(platform: str, said: str) -> None:
    assert opening(platform) == said
