"""Hashtag timelines: nothing missed between two looks, nothing taken that its author asked to leave."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from collector.batch import Attachment, Batch, CursorPosition
from collector.errors import FetchError, Refused, Unreadable
from collector.http import Http
from collector.settings import HttpSettings
from collector.sources.base import Place
from collector.sources.mastodon import Mastodon
from collector.statuses import read_status
from tests.doubles.mastodon import Instance, running_instance


@pytest.fixture
def instance() -> Iterator[Instance]:
    with running_instance() as made:
        yield made


@pytest.fixture
def http(instance: Instance) -> Iterator[Http]:
    with Http(HttpSettings(allow=(instance.authority,))) as made:
        yield made


def fetch(instance: Instance, http: Http, position: str | None, noon: datetime) -> Batch:
    source = Mastodon(Place("hackney-social", instance.url, "hackney"))
    return source.fetch(http, CursorPosition(position), now=noon)


def test_the_first_look_takes_the_newest_page_oldest_first(
    instance: Instance, http: Http, noon: datetime
) -> None:
    for number in range(100):
        instance.post(f"post {number}")
    batch = fetch(instance, http, None, noon)
    assert [item.text for item in batch.items] == [f"post {number}" for number in range(60, 100)]
    assert batch.cursor == CursorPosition(instance.statuses[-1]["id"])
    assert not batch.more
    assert len(instance.log) == 1


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("new", [0, 1, 39, 40, 41, 80, 401])
def test_all_that_is_newer_comes_in_order_and_once(
    new: int, links: bool, instance: Instance, http: Http, noon: datetime
) -> None:
    instance.links = links
    for number in range(5 + new):
        instance.post(f"post {number}")
    batch = fetch(instance, http, instance.statuses[4]["id"], noon)
    assert [item.text for item in batch.items] == [f"post {number}" for number in range(5, 5 + new)]
    assert batch.cursor == CursorPosition(instance.statuses[-1]["id"])
    assert all("since_id" not in path for path in instance.log)


def test_a_server_that_keeps_sending_the_same_page_is_not_asked_for_ever(
    instance: Instance, http: Http, noon: datetime
) -> None:
    instance.post("once")
    instance.body = json.dumps(instance.statuses).encode()
    batch = fetch(instance, http, "1", noon)
    assert len(instance.log) == 2
    assert {item.text for item in batch.items} == {"once"}


def test_a_very_long_way_back_is_gone_in_steps(
    instance: Instance, http: Http, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.sources.mastodon.MOST", 100)  # thousands of posts would only be slow
    for number in range(300):
        instance.post(f"post {number}")
    first = fetch(instance, http, instance.statuses[0]["id"], noon)
    assert first.more
    assert first.cursor is not None
    second = fetch(instance, http, first.cursor.position, noon)
    texts = [item.text for item in (*first.items, *second.items)]
    assert texts == [f"post {number}" for number in range(1, 1 + len(texts))]


def test_what_a_status_says_is_read(instance: Instance, http: Http, noon: datetime) -> None:
    instance.post(
        "Police on <a href='https://x.example'>Rye Lane</a>.</p><p>Five officers &amp; a dog",
        spoiler_text="arrest",
        in_reply_to_id="42",
        quote={"state": "accepted", "quoted_status": {"uri": "https://social.example/statuses/7"}},
        reblogs_count=3,
        favourites_count=0,
        media_attachments=[
            {
                "type": "video",
                "url": "https://files.example/1.mp4",
                "description": "officers on a man",
                "meta": {"original": {"duration": 12.5, "width": 1920, "height": 1080}},
            },
            {"type": "gifv", "url": "https://files.example/2.mp4"},
            {"type": "unknown", "url": None},
            {"type": "image", "url": "javascript:alert(1)"},
        ],
    )
    (item,) = fetch(instance, http, None, noon).items
    assert item.text == "Police on Rye Lane.\nFive officers & a dog"
    assert item.content_warning == "arrest"
    assert item.reply_to == "https://127.0.0.1/api/v1/statuses/42"
    assert item.quote_of == "https://social.example/statuses/7"
    assert item.reach == {"boosts": 3}
    assert item.media == (
        Attachment("video", "https://files.example/1.mp4", "officers on a man", 12.5, 1.778),
        Attachment("video", "https://files.example/2.mp4"),
    )
    assert item.published_at == datetime(2026, 7, 14, 9, 0, tzinfo=UTC)
    assert item.external_id == "https://social.example/users/neighbour/statuses/0"
    assert json.loads(item.payload) == instance.statuses[0]


@pytest.mark.parametrize(
    "asked",
    [
        {"account": {"noindex": True}},
        {"account": {"indexable": False}},
        {"account": {"discoverable": False}},
        {"account": {"suspended": True, "indexable": True}},
        {"visibility": "unlisted"},
        {"visibility": "private"},
        {"visibility": "direct"},
    ],
)
def test_what_is_not_meant_to_be_found_is_marked(
    asked: dict[str, object], instance: Instance, http: Http, noon: datetime
) -> None:
    instance.post("please do not index", **asked)
    instance.post("as public as can be", account={"acct": "x", "noindex": False, "indexable": True})
    batch = fetch(instance, http, None, noon)
    assert [item.indexable for item in batch.items] == [False, True]


def test_a_malformed_status_is_named_and_stops_nothing(
    instance: Instance, http: Http, noon: datetime
) -> None:
    instance.post("good")
    bad = instance.post("bad")
    bad["content"] = 7
    instance.post("good too")
    batch = fetch(instance, http, None, noon)
    assert [item.text for item in batch.items] == ["good", "good too"]
    assert [each.which for each in batch.malformed] == [bad["id"]]
    assert "content" in batch.malformed[0].why


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "no Mastodon server"), (401, "own users"), (403, "own users"), (422, "own users"), (410, "gone")],
)
def test_a_refusal_says_what_to_do(
    status: int, says: str, instance: Instance, http: Http, noon: datetime
) -> None:
    instance.refusing = (status, {})
    with pytest.raises(Refused) as raised:
        fetch(instance, http, None, noon)
    assert says in raised.value.remedy


def test_a_limit_reached_is_waited_out(instance: Instance, http: Http, noon: datetime) -> None:
    reset = noon + timedelta(minutes=4)
    instance.refusing = (429, {"X-RateLimit-Reset": reset.isoformat().replace("+00:00", "Z")})
    with pytest.raises(Refused) as raised:
        fetch(instance, http, None, noon)
    assert raised.value.retry_after == timedelta(minutes=4)


def test_the_last_allowed_request_is_the_last(instance: Instance, http: Http, noon: datetime) -> None:
    for number in range(100):
        instance.post(f"post {number}")
    reset = noon + timedelta(minutes=2)
    instance.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset.isoformat()}
    batch = fetch(instance, http, instance.statuses[0]["id"], noon)
    assert len(instance.log) == 1
    assert batch.rest_until == reset
    assert batch.more


@pytest.mark.parametrize("body", [b"{}", b"<html>", b"[", b"null", b"[" * 20_000, b'{"error":"x"}'])
def test_nonsense_is_an_error(body: bytes, instance: Instance, http: Http, noon: datetime) -> None:
    instance.body = body
    with pytest.raises(Unreadable):
        fetch(instance, http, None, noon)


def test_recorded_timelines_are_read(shared: Path) -> None:
    folders = (shared / "corpora/mastodon-cassettes", shared / "corpora/api-fixtures/mastodon")
    recordings = [
        path for folder in folders for path in folder.rglob("*") if path.suffix in (".yaml", ".yml")
    ]
    statuses = [status for path in recordings for status in _statuses_in(path)]
    for status in statuses:
        item = read_status(json.dumps(status).encode(), "localhost")
        assert item.external_id
        assert item.published_at is not None
        account = (status.get("reblog") or status)["account"]
        asks = account.get("noindex") or account.get("indexable", account.get("discoverable")) is False
        assert item.indexable == (status["visibility"] == "public" and not asks)
    assert len(statuses) > 100


def _statuses_in(recording: Path) -> Iterator[dict[str, Any]]:
    """The statuses in lists that a recorded server answered with."""
    recorded = yaml.load(recording.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for each in recorded.get("interactions") or recorded.get("http_interactions") or ():
        try:
            body = json.loads(each["response"]["body"]["string"])
        except (ValueError, TypeError, KeyError):
            continue
        if isinstance(body, list):
            yield from (
                one for one in body if isinstance(one, dict) and {"content", "visibility"} <= set(one)
            )


def test_every_failure_is_a_fetch_error(instance: Instance, http: Http, noon: datetime) -> None:
    instance.refusing = (500, {"Retry-After": "nonsense"})
    with pytest.raises(FetchError, match="500"):
        fetch(instance, http, None, noon)
