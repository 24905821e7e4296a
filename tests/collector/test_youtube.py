"""YouTube: its search, its comments and its channels' feeds, within what a day allows."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlmodel import Session

from collector.batch import CursorPosition
from collector.errors import FetchError, Refused
from collector.http import Http
from collector.quotas import QUOTAS, Meter, count_spent, day_of, next_day, quotas_left
from collector.sources.base import Again
from collector.youtube import COMMENT, Page, Search, read_comment, read_video
from tests.collector.asking import again, at, fetch, kept, place
from tests.conftest import NOON
from tests.doubles.interface import Interface


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
