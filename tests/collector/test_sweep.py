"""Looking again: what is gone at its source goes here, what was edited is taken up, and hosts are spared."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.batch import Batch
from collector.collect import collect, id_of
from collector.evidence import note_custody
from collector.evidence_records import PostVersion, QuotaUse
from collector.http import Http
from collector.records import Failure, Post, Sighting, SourceRow
from collector.settings import CollectSettings, HttpSettings
from collector.sources.feed import _same_site
from collector.statuses import read_status
from collector.sweep import AT_ONCE, Swept, due_to_sweep, note_behind, purge, sweep
from collector.youtube import read_video
from tests.collector.test_collect import KEY, Police, item, take
from tests.collector.test_schedule import place
from tests.conftest import NOON
from tests.doubles.interface import Interface, Said, running_interface

TOMORROW = NOON + timedelta(days=1, minutes=1)
SETTINGS = CollectSettings()


@pytest.fixture
def interface() -> Iterator[Interface]:
    with running_interface() as made:
        yield made


@pytest.fixture
def look(engine: Engine, interface: Interface) -> Iterator[Callable[..., Swept]]:
    with Http(HttpSettings(allow=(interface.authority,))) as http:

        def swept(
            name: str = "social", now: datetime = TOMORROW, settings: CollectSettings = SETTINGS
        ) -> Swept:
            return sweep(
                engine,
                name,
                http,
                Police(),
                author_key=KEY,
                clock=lambda: now,
                settings=settings,
                between_s=0,
            )

        yield swept


def status(number: int, words: str = "Police on the high road", **given: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "uri": f"https://social.example/statuses/{number}",
        "created_at": "2026-07-14T10:00:00Z",
        "content": f"<p>{words}</p>",
        "account": {"acct": "neighbour"},
        **given,
    }


def collected(session: Session, interface: Interface, *statuses: dict[str, Any]) -> None:
    place(
        session,
        "social",
        kind="mastodon",
        url=interface.url,
        tag="metpolice",
        due_at=NOON + timedelta(days=9),
    )
    items = [read_status(json.dumps(each).encode(), "127.0.0.1") for each in statuses]
    collect(session, "social", Batch(items=items), Police(), author_key=KEY, now=NOON)
    session.commit()


def texts(session: Session) -> list[str]:
    session.expire_all()
    return [post.text for post in session.exec(select(Post).order_by(Post.external_id)).all()]


def test_deleted_edited_and_hidden_posts_are_followed(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    collected(session, interface, *(status(number) for number in range(1, 5)))
    edited = status(2, "Police left", edited_at="2026-07-14T13:00:00Z")
    for number, now in ((1, status(1)), (2, edited), (3, status(3, visibility="private"))):
        interface.says(f"/api/v1/statuses/{number}", now)
    assert due_to_sweep(session, now=NOON) == []
    assert due_to_sweep(session, now=TOMORROW) == ["social"]
    assert look() == Swept(checked=4, gone=1, edited=1)
    assert sorted(texts(session)) == ["", "", "Police left", "Police on the high road"]
    gone = session.exec(select(Post).where(Post.text == "")).all()
    said = {"deleted by its author", "its author asks not to be shown"}
    assert {each.withdrawn_because for each in gone} == said
    assert len(session.exec(select(PostVersion)).all()) == 2
    assert due_to_sweep(session, now=TOMORROW) == []
    assert due_to_sweep(session, now=TOMORROW + timedelta(days=1)) == ["social"]


def test_a_boosted_post_is_looked_at_under_its_own_id(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    collected(session, interface, {**status(9, ""), "reblog": status(1)})
    interface.says("/api/v1/statuses/1", status(1))
    assert look() == Swept(checked=1)
    assert [asked.path for asked in interface.log] == ["/api/v1/statuses/1"]


def test_a_server_in_trouble_withdraws_nothing_and_is_left_alone(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    collected(session, interface, status(1))
    interface.refusing = Said(b"", 429, {"Retry-After": "600"})
    assert look().error is not None
    assert texts(session) == ["Police on the high road"]
    row = session.get_one(SourceRow, "social")
    assert row.rest_until == TOMORROW + timedelta(minutes=10)
    assert row.lease_until is None
    assert row.due_at == NOON + timedelta(days=9)
    assert look() == Swept()
    assert len(interface.log) == 1


def test_a_fault_is_tried_again_after_an_hour_and_counts_as_no_look(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    collected(session, interface, status(1))
    interface.refusing = Said(b"", 401)
    assert look().checked == 0
    assert due_to_sweep(session, now=TOMORROW) == []
    assert due_to_sweep(session, now=TOMORROW + timedelta(hours=1)) == ["social"]


def test_without_a_key_nothing_of_youtube_counts_as_refreshed(
    session: Session, look: Callable[..., Swept]
) -> None:
    place(session, "tube", kind="youtube", url="https://api.example", due_at=NOON + timedelta(days=9))
    video = item(external_id="video-00001", platform="youtube")
    collect(session, "tube", Batch(items=[video]), Police(), author_key=KEY, now=NOON)
    session.commit()
    assert look("tube").checked == 0
    assert len(purge(session, now=NOON + timedelta(days=30))) == 1


def test_one_go_looks_at_a_bounded_number_of_posts_the_longest_unseen_first(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    collected(session, interface, *(status(number) for number in range(100, 100 + AT_ONCE + 5)))
    for number in range(100, 100 + AT_ONCE + 5):
        interface.says(f"/api/v1/statuses/{number}", status(number))
    assert [look().checked for _ in range(3)] == [AT_ONCE, 5, 0]
    assert len({asked.path for asked in interface.log}) == AT_ONCE + 5


def test_an_entry_whose_page_is_gone_goes_and_no_feed_sends_us_elsewhere(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    place(session, "herald", url=f"{interface.url}/feed", due_at=NOON + timedelta(days=9))
    interface.answers["/gone"] = lambda _asked: Said(b"", 410)
    interface.answers["/moved"] = lambda _asked: Said(b"", 206)
    interface.says("/there", b"<html>")
    items = [item(external_id=name, url=f"{interface.url}/{name}") for name in ("gone", "moved", "there")]
    items.append(item(external_id="away", url="https://elsewhere.example/gone"))
    collect(session, "herald", Batch(items=items), Police(), author_key=KEY, now=NOON)
    session.commit()
    assert due_to_sweep(session, now=TOMORROW) == []  # none of it belongs to a case
    note_custody(session, [id_of(each) for each in items], "collected", who="collector", now=NOON)
    session.commit()
    assert due_to_sweep(session, now=TOMORROW) == ["herald"]
    assert look("herald") == Swept(checked=4, gone=1)
    gone = session.exec(select(Post).where(Post.withdrawn_at != None)).one()  # noqa: E711
    assert (gone.id, gone.withdrawn_because) == (id_of(items[0]), "its page answers 410")
    assert len(interface.log) == 3


@pytest.mark.parametrize(
    ("link", "feed", "same"),
    [
        ("https://www.herald.example/1", "https://www.herald.example/feed", True),
        ("https://herald.co.uk/1", "https://feeds.herald.co.uk/feed", True),
        ("https://other.co.uk/1", "https://news.co.uk/feed", False),
        ("https://sport.herald.example/1", "https://www.herald.example/feed", True),
        ("https://notherald.example/1", "https://herald.example/feed", False),
        ("https://herald.example:8443/1", "https://herald.example/feed", False),
    ],
)
def test_the_site_of_a_feed_is_its_host_and_what_is_below(link: str, feed: str, same: bool) -> None:
    assert _same_site(link, feed) == same


def test_what_may_be_kept_thirty_days_goes_unless_it_was_refreshed(session: Session) -> None:
    for number, checked in ((1, None), (2, NOON + timedelta(days=20))):
        one = item(external_id=f"v{number}", platform="youtube")
        collect(session, "tube", Batch(items=[one]), Police(), author_key=KEY, now=NOON)
        session.flush()
        post = session.exec(select(Post).where(Post.external_id == f"v{number}")).one()
        post.checked_at = checked
    collect(session, "herald", Batch(items=[item(external_id="f")]), Police(), author_key=KEY, now=NOON)
    session.commit()
    assert len(purge(session, now=NOON + timedelta(days=29))) == 0
    assert len(purge(session, now=NOON + timedelta(days=30))) == 1
    session.commit()
    left = session.exec(select(Post.external_id).where(Post.text != "")).all()
    assert sorted(left) == ["f", "v2"]


def video(title: str, views: int) -> dict[str, Any]:
    return {
        "id": "video-00001",
        "snippet": {"publishedAt": "2026-07-14T10:00:00Z", "channelId": "UC1", "title": title},
        "statistics": {"viewCount": str(views)},
    }


def test_forty_days_of_a_video_nothing_is_older_than_its_platform_lets_it_be(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    place(session, "tube", kind="youtube", url=interface.url, term="police", due_at=NOON + timedelta(days=99))
    first = read_video(json.dumps(video("Police on the high road", 10)).encode())
    take(session, Batch(items=[first]), source="tube")
    keyed = CollectSettings(youtube_key=SecretStr("k"))
    for day in range(1, 41):
        now = NOON + timedelta(days=day, minutes=1)
        title = "Police on the high road" if day < 20 else "Police on the high road, updated"
        interface.says("/videos", {"items": [video(title, 10 + day)]})
        assert due_to_sweep(session, now=now) == ["tube"]
        look("tube", now, keyed)
        assert len(purge(session, now=now)) == 0
        session.commit()
        session.expire_all()
        post = session.exec(select(Post)).one()
        assert post.checked_at is not None
        assert now - post.checked_at < timedelta(days=25)
        assert post.text == title
        assert post.payload is None or now - (post.changed_at or NOON) < timedelta(days=30)
        counted = [each for each in session.exec(select(Sighting)) if each.reach]
        assert min(now - each.seen_at for each in counted) == timedelta(0)
        assert max(now - each.seen_at for each in counted) < timedelta(days=30)
        worded = [each for each in session.exec(select(PostVersion)) if each.text or each.payload]
        assert all(now - each.taken_at < timedelta(days=30) for each in worded)
    assert {each.used for each in session.exec(select(QuotaUse))} == {1}
    interface.says("/videos", {"items": []})
    assert look("tube", NOON + timedelta(days=41, minutes=1), keyed) == Swept(checked=1, gone=1)
    session.expire_all()
    post = session.exec(select(Post)).one()
    assert (post.text, post.withdrawn_because) == ("", "removed from YouTube")


def test_without_a_key_a_video_is_gone_on_its_thirtieth_day(session: Session) -> None:
    take(session, Batch(items=[read_video(json.dumps(video("Police", 1)).encode())]), source="tube")
    days = [len(purge(session, now=NOON + timedelta(days=day))) for day in range(1, 40)]
    assert days.index(1) + 1 == 30
    assert sum(days) == 1


def test_what_is_in_a_case_is_looked_at_for_as_long_as_it_is_there(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    collected(session, interface, status(1), status(2))
    cased = read_status(json.dumps(status(1)).encode(), "127.0.0.1")
    note_custody(session, [id_of(cased)], "collected", who="collector", now=NOON)
    session.commit()
    later = NOON + timedelta(days=200)
    assert due_to_sweep(session, now=later) == ["social"]
    assert look(now=later) == Swept(checked=1, gone=1)
    assert due_to_sweep(session, now=later + timedelta(days=1)) == []


def test_how_far_a_post_has_gone_is_taken_up_too(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    collected(session, interface, status(1, reblogs_count=3))
    interface.says("/api/v1/statuses/1", status(1, reblogs_count=900))
    look()
    assert [each.reach for each in session.exec(select(Sighting))] == [{"boosts": 3}, {"boosts": 900}]


def test_a_source_that_does_not_keep_up_is_a_failure_until_it_does(
    session: Session, interface: Interface, look: Callable[..., Swept]
) -> None:
    collected(session, interface, status(1), status(2))
    interface.says("/api/v1/statuses/1", status(1))
    interface.says("/api/v1/statuses/2", status(2))
    assert note_behind(session, now=NOON + timedelta(hours=24)) == {}
    late = NOON + timedelta(hours=26)
    assert note_behind(session, now=late) == note_behind(session, now=late) == {"social": 2}
    session.commit()
    failure = session.exec(select(Failure)).one()
    assert failure.error.startswith("2 stored posts were not looked at again")
    assert failure.mended_at is None
    look(now=late)
    assert note_behind(session, now=late) == {}
    session.commit()
    session.expire_all()
    assert session.exec(select(Failure)).one().mended_at == late


def test_a_stopped_source_is_not_swept(session: Session, interface: Interface) -> None:
    collected(session, interface, status(1))
    session.get_one(SourceRow, "social").stops_at = NOON
    session.commit()
    assert due_to_sweep(session, now=TOMORROW) == []
