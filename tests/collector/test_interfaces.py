"""Platforms with an interface of their own: paged to the end, gone on from where it ended, refusals explained."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from sqlmodel import Session

from collector.batch import Batch, CursorPosition
from collector.errors import FetchError, NoKey, Refused, Unreadable
from collector.http import Http
from collector.quotas import QUOTAS, Meter, count_spent, day_of, next_day, quotas_left
from collector.settings import HttpSettings
from collector.sources import kinds, open_source
from collector.sources.base import Again, Place, Stored
from collector.youtube import COMMENT, Page, Search, read_comment, read_video
from tests.conftest import NOON
from tests.doubles.interface import Asked, Interface, Said, running_interface

KEYS = {"youtube": "k", "reddit_id": "i", "reddit_secret": "s", "x": "t", "threads": "t"}
SEARCHED = ("youtube", "google_news", "gdelt", "reddit", "x", "threads")


@pytest.fixture
def interface() -> Iterator[Interface]:
    with running_interface() as made:
        yield made


@pytest.fixture
def http(interface: Interface) -> Iterator[Http]:
    with Http(HttpSettings(allow=(interface.authority,))) as made:
        yield made


def place(interface: Interface, path: str = "", **given: Any) -> Place:
    return Place("p", interface.url + path, **{"term": "stop and search", "keys": KEYS, **given})


def fetch(kind: str, where: Place, http: Http, position: str | None = None) -> Batch:
    return open_source(kind, where).fetch(http, CursorPosition(position), now=NOON)


def again(kind: str, where: Place, http: Http, *stored: Stored) -> Again:
    return open_source(kind, where).look_again(http, stored, now=NOON)


def kept(external_id: str, payload: bytes = b"", url: str | None = None) -> Stored:
    return Stored(uuid4(), external_id, url, payload)


def at(minutes: int) -> str:
    return (NOON - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


# YouTube


def video(number: int, minutes: int = 0, **snippet: Any) -> dict[str, Any]:
    said = {
        "publishedAt": at(minutes),
        "channelId": "UCx",
        "title": f"Stop {number}",
        "description": "Police",
    }
    return {
        "id": f"video-{number:05d}",
        "snippet": {**said, "thumbnails": {"high": {"url": "https://i.example/1.jpg"}}, **snippet},
        "statistics": {"viewCount": "12", "likeCount": "3"},
        "contentDetails": {"duration": "PT1M5S"},
        "status": {"privacyStatus": "public"},
    }


def result(number: int, minutes: int) -> dict[str, Any]:
    return {"id": {"videoId": f"video-{number:05d}"}, "snippet": {"publishedAt": at(minutes)}}


def test_a_search_of_youtube_is_paged_to_the_end_and_read_in_full(interface: Interface, http: Http) -> None:
    interface.says(
        "/search", {"items": [result(2, 5), result(1, 9)], "nextPageToken": "p2"}, {"items": [result(0, 20)]}
    )
    interface.says("/videos", {"items": [video(2, 5), video(1, 9)]}, {"items": [video(0, 20)]})
    meter = Meter(lambda: {"youtube search": 5, "youtube": 5})
    batch = fetch("youtube", place(interface, meter=meter), http)
    assert [item.external_id for item in batch.items] == ["video-00000", "video-00001", "video-00002"]
    newest = batch.items[-1]
    assert newest.text == "Stop 2\nPolice"
    assert newest.url == "https://www.youtube.com/watch?v=video-00002"
    assert newest.reach == {"views": 12, "likes": 3}
    assert [(each.kind, each.duration_s) for each in newest.media] == [("video", 65.0), ("image", None)]
    assert meter.spent == {"youtube search": 2, "youtube": 2}
    assert all(asked.headers["x-goog-api-key"] == "k" and "key" not in asked.query for asked in interface.log)
    assert batch.cursor == CursorPosition(
        position=f'{{"after":"{(NOON - timedelta(seconds=299)):%Y-%m-%dT%H:%M:%SZ}"}}'
    )
    assert not batch.more


def test_a_search_goes_on_in_the_middle_of_its_pages(interface: Interface, http: Http) -> None:
    interface.says("/search", {"items": [result(1, 5)], "nextPageToken": "more"})
    interface.says("/videos", {"items": [video(1, 5)]})
    batch = fetch("youtube", place(interface), http)
    assert batch.more
    assert batch.cursor is not None
    interface.says("/search", {"items": []})
    last = fetch("youtube", place(interface), http, batch.cursor.position)
    assert interface.log[-1].query["pageToken"] == "more"
    assert not last.more


def test_what_a_day_allows_is_not_exceeded(interface: Interface, http: Http) -> None:
    with pytest.raises(FetchError, match="allowance of youtube search is used up") as raised:
        fetch("youtube", place(interface, meter=Meter(lambda: {"youtube search": 0})), http)
    assert raised.value.retry_after == timedelta(hours=19)
    assert interface.log == []


def test_what_was_spent_is_counted_by_the_day_of_the_interface(session: Session) -> None:
    count_spent(session, {"youtube": 3}, now=NOON)
    count_spent(session, {"youtube": 4, "youtube search": 1}, now=NOON)
    assert quotas_left(session, now=NOON) == {"youtube": 9_993, "youtube search": 99}
    assert quotas_left(session, now=next_day(NOON)) == dict(QUOTAS)
    assert day_of(next_day(NOON)) == day_of(NOON) + timedelta(days=1)


def test_the_comments_of_a_video_are_read_back_to_the_last_one(interface: Interface, http: Http) -> None:
    def comment(number: int, minutes: int) -> dict[str, Any]:
        said = {"videoId": "video-00001", "textOriginal": f"I saw it {number}", "publishedAt": at(minutes)}
        top = {"id": f"c{number}", "snippet": {**said, "updatedAt": at(minutes - 1), "likeCount": 2}}
        return {"id": f"c{number}", "snippet": {"topLevelComment": top}}

    interface.says(
        "/commentThreads",
        {"items": [comment(3, 1), comment(2, 2)], "nextPageToken": "b"},
        {"items": [comment(1, 30)], "nextPageToken": "c"},
    )
    where = place(interface, term="comments:video-00001")
    batch = fetch("youtube", where, http, (NOON - timedelta(minutes=10)).isoformat())
    assert [item.external_id for item in batch.items] == ["comment:c1", "comment:c2", "comment:c3"]
    assert len(interface.log) == 2
    assert batch.items[-1].reply_to == "video-00001"
    assert batch.items[-1].edited_at == NOON
    assert batch.cursor == CursorPosition(position=(NOON - timedelta(minutes=1)).isoformat())


def test_videos_that_are_not_listed_any_more_are_gone(interface: Interface, http: Http) -> None:
    interface.says("/videos", {"items": [video(1, title="Stop, corrected"), video(2)]})
    found = again("youtube", place(interface), http, kept("video-00001"), kept("video-00003"))
    assert found.gone == {"video-00003": "removed from YouTube"}
    assert found.items[0].title == "Stop, corrected"
    assert again("youtube", place(interface, keys={}), http, kept("video-00001")) == Again(looked=False)


CHANNEL = b"""<?xml version="1.0"?><feed xmlns:yt="http://www.youtube.com/xml/schemas/2015"
 xmlns:media="http://search.yahoo.com/mrss/" xmlns="http://www.w3.org/2005/Atom"><title>A channel</title>
 <entry><id>yt:video:video-00001</id><yt:videoId>video-00001</yt:videoId><title>Stop on the high road</title>
 <link rel="alternate" href="https://www.youtube.com/watch?v=video-00001"/>
 <published>2026-07-14T11:00:00+00:00</published><media:group><media:thumbnail url="https://i.example/1.jpg"/>
 <media:description>Police</media:description></media:group></entry></feed>"""


def test_a_channels_feed_has_the_ids_of_the_interface(interface: Interface, http: Http) -> None:
    interface.says("/feeds/videos.xml", CHANNEL)
    batch = fetch("youtube", place(interface, "/feeds/videos.xml?channel_id=UCx", term=None, keys={}), http)
    (item,) = batch.items
    assert (item.platform, item.external_id) == ("youtube", "video-00001")
    assert (item.title, item.scope) == ("Stop on the high road", "")
    assert {each.kind for each in item.media} == {"video", "image"}


def test_an_outage_of_channel_feeds_is_said_to_be_one(interface: Interface, http: Http) -> None:
    with pytest.raises(Refused) as raised:
        fetch("youtube", place(interface, "/feeds/videos.xml", term=None), http)
    assert "come back" in raised.value.remedy


def test_recorded_answers_of_youtube_are_read(shared: Path) -> None:
    folder = shared / "corpora" / "api-fixtures" / "youtube"
    found = 0
    for path in sorted((folder / "search").glob("*.json")):
        found += len(msgspec.json.decode(path.read_bytes(), type=Search).videos())
    for name, read in (("videos/videos_*.json", read_video), ("comment_threads/*.json", read_comment)):
        for path in sorted(folder.glob(name)):
            for raw in msgspec.json.decode(path.read_bytes(), type=Page).items:
                item = read(bytes(raw))
                assert item.text
                assert item.published_at
                assert item.external_id.removeprefix(COMMENT)
                found += 1
    assert found > 100


# Headlines


NEWS = b"""<rss version="2.0"><channel><title>news</title><item><title>Stop - The Herald</title>
<link>https://news.example/rss/articles/CBMi1</link><guid isPermaLink="false">CBMi1</guid>
<pubDate>Tue, 14 Jul 2026 11:00:00 GMT</pubDate><description>more words</description></item></channel></rss>"""


def test_of_google_news_only_headline_and_link_are_kept(interface: Interface, http: Http) -> None:
    interface.says("/rss/search", NEWS)
    (item,) = fetch("google_news", place(interface, "/rss/search"), http).items
    assert interface.log[0].query["q"] == "stop and search when:1d"
    assert (item.text, item.url) == ("Stop - The Herald", "https://news.example/rss/articles/CBMi1")
    assert b"more words" not in item.payload


def test_gdelt_is_gone_on_from_the_last_headline(interface: Interface, http: Http) -> None:
    def article(number: int) -> dict[str, str]:
        seen = (NOON - timedelta(minutes=300 - number)).strftime("%Y%m%dT%H%M%SZ")
        return {
            "url": f"https://n.example/{number}",
            "title": f"Stop {number}",
            "seendate": seen,
            "language": "English",
        }

    interface.says(
        "/doc", {"articles": [article(number) for number in range(250)]}, {"articles": [article(250)]}
    )
    batch = fetch("gdelt", place(interface, "/doc"), http)
    assert (len(batch.items), batch.more) == (250, True)
    assert batch.cursor is not None
    rest = fetch("gdelt", place(interface, "/doc"), http, batch.cursor.position)
    assert [item.text for item in rest.items] == ["Stop 250"]
    assert interface.log[1].query["startdatetime"] > interface.log[0].query["startdatetime"]
    assert not rest.more


def test_what_gdelt_says_in_words_is_passed_on(interface: Interface, http: Http) -> None:
    interface.says("/doc", b"Your query was too short or too long.")
    with pytest.raises(Unreadable, match="too short or too long"):
        fetch("gdelt", place(interface, "/doc"), http)


# Reddit, X, Threads


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


@pytest.mark.parametrize("kind", ["youtube", "reddit", "x", "threads"])
def test_a_kind_without_its_key_says_which_is_missing(kind: str, interface: Interface, http: Http) -> None:
    with pytest.raises(NoKey) as raised:
        fetch(kind, place(interface, keys={}), http)
    assert "GOLDENHOUR_COLLECT__" in raised.value.remedy
    assert interface.log == []


@pytest.mark.parametrize("kind", SEARCHED)
def test_a_429_is_kept_to_for_as_long_as_it_says(kind: str, interface: Interface, http: Http) -> None:
    interface.refusing = Said(b"slow down", 429, {"Retry-After": "120"})
    with pytest.raises(Refused) as raised:
        fetch(kind, place(interface), http)
    assert raised.value.whole_host
    assert raised.value.retry_after == timedelta(seconds=120)


@pytest.mark.parametrize("kind", SEARCHED)
@pytest.mark.parametrize(
    "body", [b"<html>log in</html>", b"[1, 2", b"[" * 50_000, b"\xff\xfe{", b'{"data": 5, "items": 5}']
)
def test_what_is_not_the_interface_is_said_to_be_so(
    kind: str, body: bytes, interface: Interface, http: Http
) -> None:
    interface.refusing = Said(body)
    try:
        batch = fetch(kind, place(interface), http)
    except FetchError:
        return
    assert batch.items == []


@pytest.mark.parametrize("kind", SEARCHED)
def test_keys_never_stand_in_an_error(kind: str, interface: Interface, http: Http) -> None:
    interface.refusing = Said(b"no", 403)
    keys: Mapping[str, str] = dict.fromkeys(KEYS, "very-secret")
    with pytest.raises(FetchError) as raised:
        fetch(kind, place(interface, keys=keys), http)
    assert "very-secret" not in f"{raised.value} {raised.value.remedy}"
    assert all("very-secret" not in str(asked.query) for asked in interface.log)


def test_all_kinds_that_search_are_tested_here() -> None:
    others = {"feed", "jetstream", "mail", "mastodon", "telegram_preview"}
    assert {*SEARCHED, *others} == set(kinds()) - {"tip", "manual"}


# Telegram


MESSAGE = """<div class="tgme_widget_message_wrap">
<div class="tgme_widget_message text_not_supported_wrap js-widget_message" data-post="hackneywatch/{0}">
<a class="tgme_widget_message_photo_wrap" style="width:9px;background-image:url('https://c.example/{0}.jpg')"></a>
<div class="tgme_widget_message_text js-message_text">Police &amp; a van<br/>on <b>the <i>high</i></b> road {0}</div>
<div class="tgme_widget_message_footer"><span>12 views</span>
<time datetime="2026-07-14T11:00:00+00:00" class="time">11:00</time></div></div></div>"""


def preview(*numbers: int) -> bytes:
    return "".join(["<html><body>", *map(MESSAGE.format, numbers), "</body></html>"]).encode()


def test_a_channels_preview_is_read_back_to_the_last_message(interface: Interface, http: Http) -> None:
    def page(asked: Asked) -> Said:
        before = int(asked.query.get("before", "50"))
        return Said(preview(*range(before - 20, before)))

    interface.answers["/s/hackneywatch"] = page
    where = place(interface, "/s/hackneywatch", term=None)
    batch = fetch("telegram_preview", where, http, "17")
    assert [item.external_id for item in batch.items][-1] == "hackneywatch/49"
    assert {f"hackneywatch/{number}" for number in range(18, 50)} <= {
        item.external_id for item in batch.items
    }
    item = batch.items[-1]
    assert item.text == "Police & a van\non the high road 49"
    assert [each.url for each in item.media] == ["https://c.example/49.jpg"]
    assert (item.url, item.published_raw) == ("https://t.me/hackneywatch/49", "2026-07-14T11:00:00+00:00")
    assert batch.cursor == CursorPosition(position="49")
    assert len(interface.log) == 2


def test_a_channel_without_a_preview_is_a_failure(interface: Interface, http: Http) -> None:
    interface.says("/s/hackneywatch", b"<html><body>Open in the app</body></html>")
    with pytest.raises(Unreadable, match="shows no messages"):
        fetch("telegram_preview", place(interface, "/s/hackneywatch", term=None), http)


def test_a_message_that_is_not_shown_any_more_is_gone(interface: Interface, http: Http) -> None:
    interface.says("/s/hackneywatch", preview(3, 4, 6))
    where = place(interface, "/s/hackneywatch", term=None)
    found = again("telegram_preview", where, http, kept("hackneywatch/5"), kept("hackneywatch/6"))
    assert set(found.gone) == {"hackneywatch/5"}
