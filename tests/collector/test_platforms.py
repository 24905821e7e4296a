"""Reddit, X and Threads: paged to the end, left alone when they ask for it, followed when something goes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from collector.batch import Attachment, CursorPosition, Item
from collector.http import Http
from collector.sources.reddit import Link, read_link
from collector.sources.x import Tweet, Tweets, read_tweet
from tests.collector.asking import again, at, fetch, kept, place
from tests.conftest import NOON
from tests.doubles.interface import Interface, Said


def link(number: int, minutes: int, **given: Any) -> dict[str, Any]:
    written = (NOON - timedelta(minutes=minutes)).timestamp()
    said = {
        "title": f"Stop {number}",
        "selftext": "Police",
        "permalink": f"/r/london/{number}",
        "author": "neighbour",
    }
    return {"data": {"name": f"t3_{number}", "created_utc": written, "score": 4, **said, **given}}


def test_reddit_is_paged_back_to_the_last_post(interface: Interface, http: Http) -> None:
    interface.says("/api/v1/access_token", {"access_token": "secret-token"})
    interface.says(
        "/search",
        {"data": {"children": [link(3, 1), link(2, 5, selftext="[removed]")], "after": "t3_2"}},
        {"data": {"children": [link(1, 20)], "after": "t3_1"}},
    )
    until = repr((NOON - timedelta(minutes=10)).timestamp())
    batch = fetch("reddit", place(interface), http, until)
    assert [item.external_id for item in batch.items] == ["t3_1", "t3_3"]
    assert [each.external_id for each in batch.deletions] == ["t3_2"]
    assert interface.log[0].body == b"grant_type=client_credentials"
    assert interface.log[1].headers["authorization"] == "Bearer secret-token"
    assert interface.log[2].query["after"] == "t3_2"
    assert len(interface.log) == 3
    assert batch.cursor == CursorPosition(position=repr((NOON - timedelta(minutes=1)).timestamp()))


def test_reddit_is_left_alone_when_its_budget_is_used_up(interface: Interface, http: Http) -> None:
    interface.says("/api/v1/access_token", {"access_token": "t"})
    body = {"data": {"children": [link(3, 1)], "after": "t3_3"}}
    limits = {"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "90"}
    interface.answers["/search"] = lambda _asked: Said(body, headers=limits)
    assert fetch("reddit", place(interface), http).rest_until == NOON + timedelta(seconds=90)


def test_what_reddit_shows_as_removed_is_gone(interface: Interface, http: Http) -> None:
    interface.says("/api/v1/access_token", {"access_token": "t"})
    interface.says(
        "/api/info",
        {"data": {"children": [link(1, 5, edited=NOON.timestamp()), link(2, 5, author="[deleted]")]}},
    )
    found = again("reddit", place(interface), http, *(kept(f"t3_{number}") for number in (1, 2, 3)))
    assert set(found.gone) == {"t3_2", "t3_3"}
    assert [item.edited_at for item in found.items] == [NOON]


def tweet(number: int, **given: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "text": f"Police {number}",
        "created_at": at(1),
        "edit_history_tweet_ids": [str(number)],
        **given,
    }


def test_x_is_paged_to_the_end_and_edits_keep_their_first_id(interface: Interface, http: Http) -> None:
    film = {
        "media_key": "m1",
        "type": "video",
        "preview_image_url": "https://p.example/1.jpg",
        "duration_ms": 9000,
    }
    edited = tweet(103, edit_history_tweet_ids=["101", "103"], attachments={"media_keys": ["m1"]})
    interface.says(
        "/2/tweets/search/recent",
        {
            "data": [edited, tweet(102)],
            "includes": {"media": [film]},
            "meta": {"newest_id": "103", "next_token": "n"},
        },
        {"data": [tweet(99)], "meta": {"newest_id": "99"}},
    )
    batch = fetch("x", place(interface), http, '{"since":"98"}')
    assert [item.external_id for item in batch.items] == ["99", "102", "101"]
    assert batch.items[-1].edited_at is not None
    assert batch.items[-1].media[0].duration_s == 9.0
    assert batch.cursor == CursorPosition(position='{"since":"103"}')
    assert interface.log[0].query["query"] == "(stop and search) -is:retweet"
    assert (interface.log[0].query["since_id"], interface.log[1].query["next_token"]) == ("98", "n")


def test_a_rate_limit_of_x_is_rested_for_in_the_middle_of_the_pages(interface: Interface, http: Http) -> None:
    reset = NOON + timedelta(minutes=9)
    limits = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(reset.timestamp()))}
    page = {"data": [tweet(5)], "meta": {"newest_id": "5", "next_token": "n"}}
    interface.answers["/2/tweets/search/recent"] = lambda _asked: Said(page, headers=limits)
    batch = fetch("x", place(interface), http)
    assert (batch.rest_until, batch.more, len(interface.log)) == (reset, True, 1)
    assert batch.cursor == CursorPosition(position='{"newest":"5","page":"n"}')


def test_what_x_leaves_out_is_gone(interface: Interface, http: Http) -> None:
    interface.says("/2/tweets", {"data": [tweet(1)]})
    found = again("x", place(interface), http, kept("1"), kept("2"))
    assert found.gone == {"2": "gone from X"}


def test_a_post_of_x_is_read_whole() -> None:
    whole = tweet(
        7,
        text="Police on the high",
        note_tweet={"text": "Police on the high road, and much more of it"},
        lang="en",
        possibly_sensitive=True,
        referenced_tweets=[{"type": "quoted", "id": "5"}, {"type": "replied_to", "id": "6"}],
        attachments={"media_keys": ["m1"]},
        public_metrics={"like_count": 3, "retweet_count": 2, "impression_count": 900},
    )
    media = {"media_key": "m1", "type": "photo", "url": "https://p.example/1.jpg", "alt_text": "a van"}
    page = {"data": [whole], "includes": {"media": [{**media, "width": 1200, "height": 900}]}}
    (item,) = _read_page(page)
    assert item.text == "Police on the high road, and much more of it"
    assert (item.reply_to, item.quote_of, item.content_warning, item.lang) == ("6", "5", "sensitive", "en")
    assert item.media == (Attachment("image", "https://p.example/1.jpg", "a van", aspect=1.333),)
    assert item.reach == {"likes": 3, "reposts": 2, "views": 900}


@pytest.mark.parametrize(
    ("countries", "shown"), [(["GB"], False), (["XX"], False), (["DE"], True), ([], True)]
)
def test_what_x_withholds_here_is_not_taken(countries: list[str], shown: bool) -> None:
    (item,) = _read_page({"data": [tweet(7, withheld={"country_codes": countries})]})
    assert item.indexable == shown


def _read_page(page: dict[str, Any]) -> list[Item]:
    read = msgspec.json.decode(json.dumps(page).encode(), type=Tweets)
    media = {each.media_key: each for each in read.includes.media}
    return [read_tweet(msgspec.json.decode(raw, type=Tweet), bytes(raw), media) for raw in read.data]


@pytest.mark.parametrize(
    ("given", "attached"),
    [
        ({}, ()),
        (
            {"is_self": False, "url": "https://herald.example/stop"},
            (Attachment("link", "https://herald.example/stop"),),
        ),
        (
            {"is_self": False, "url": "https://i.example/1.jpg"},
            (Attachment("image", "https://i.example/1.jpg"),),
        ),
        (
            {
                "is_self": False,
                "is_video": True,
                "url": "https://v.example/1",
                "media": {
                    "reddit_video": {
                        "fallback_url": "https://v.example/1/720.mp4",
                        "duration": 31,
                        "width": 720,
                        "height": 1280,
                    }
                },
            },
            (Attachment("video", "https://v.example/1/720.mp4", duration_s=31.0, aspect=0.562),),
        ),
        ({"is_self": False, "url": "javascript:alert(1)"}, ()),
    ],
)
def test_what_a_post_of_reddit_shows_is_attached(
    given: dict[str, Any], attached: tuple[Attachment, ...]
) -> None:
    raw = json.dumps(link(1, 5, over_18=True, crosspost_parent="t3_0", **given)["data"]).encode()
    item = read_link(msgspec.json.decode(raw, type=Link), raw)
    assert item.media == attached
    assert (item.quote_of, item.content_warning) == ("t3_0", "NSFW")


def test_threads_are_paged_to_the_end(interface: Interface, http: Http) -> None:
    def thread(number: int) -> dict[str, str]:
        said = {"timestamp": "2026-07-14T11:00:00+0000", "permalink": f"https://www.threads.net/t/{number}"}
        return {"id": str(number), "text": f"Police {number}", "username": "neighbour", **said}

    interface.says(
        "/v1.0/keyword_search",
        {"data": [thread(2)], "paging": {"cursors": {"after": "a"}}},
        {"data": [thread(1)], "paging": {"cursors": {}}},
    )
    batch = fetch("threads", place(interface), http)
    assert [item.external_id for item in batch.items] == ["1", "2"]
    assert batch.items[0].published_at == datetime(2026, 7, 14, 11, tzinfo=UTC)
    interface.says("/v1.0/1", thread(1))
    assert set(again("threads", place(interface), http, kept("1"), kept("2")).gone) == {"2"}
