"""Of what the prefilter refuses a few items stay, each with the same chance, and nothing about who wrote them."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text as sql
from sqlmodel import Session, col, select

from collector.batch import Batch, Deletion, Item, Refused, Wish
from collector.collect import collect
from collector.prefilter import Prefilter
from collector.records import Post
from collector.refused_records import RefusedItem
from collector.reservoir import KEPT, Urn, keep_refused, let_refused_go, take_in
from collector.sieve import Sieve
from tests.collector.hearing import LEXICONS
from tests.make import NOON

SAMPLING = Prefilter.of(LEXICONS, sample=5)


def item(number: int, words: str = "Tea and cake in the park", **given: object) -> Item:
    fields = {"platform": "mastodon", "text": f"{words} {number}", "payload": b"{}", **given}
    return Item(external_id=f"id-{number}", author=f"@someone{number}@example.social", **fields)  # type: ignore[arg-type]


def kept(session: Session) -> list[RefusedItem]:
    return list(session.exec(select(RefusedItem).order_by(col(RefusedItem.lot))))


def bring(session: Session, *items: Item, prefilter: Prefilter = SAMPLING, **given: object) -> None:
    batch = Batch(items=list(items), **given)  # type: ignore[arg-type]
    collect(session, "toots", batch, prefilter, author_key=b"key", now=NOON)


def test_only_a_few_of_the_refused_stay_and_none_of_those_let_in(session: Session) -> None:
    for start in range(0, 60, 20):
        bring(session, *(item(number) for number in range(start, start + 20)))
    bring(session, item(99, "Police stopped a man and searched him"))
    found = kept(session)
    assert len(found) == 5
    assert all("Tea" in each.text for each in found)
    assert session.exec(select(Post.text)).all() == ["Police stopped a man and searched him 99"]


def test_nothing_that_names_the_author_stays(session: Session) -> None:
    bring(session, item(1, url="https://example.social/@someone1/1", title=None))
    [found] = kept(session)
    assert "someone" not in found.model_dump_json()


def test_with_a_sample_of_none_nothing_stays(session: Session) -> None:
    bring(session, item(1), prefilter=Prefilter.of(LEXICONS))
    assert kept(session) == []


def test_who_asks_not_to_be_shown_is_never_sampled(session: Session) -> None:
    hidden = item(1, platform="bluesky")
    bring(session, item(2, indexable=False), wishes=[Wish("bluesky", str(hidden.author), True)])
    bring(session, hidden)
    assert kept(session) == []


def test_what_is_deleted_where_it_came_from_goes(session: Session) -> None:
    bring(session, item(1), item(2))
    bring(session, deletions=[Deletion("mastodon", "deleted by its author", external_id="id-1")])
    assert [each.text for each in kept(session)] == ["Tea and cake in the park 2"]


def test_every_item_has_the_same_chance_however_many_processes_draw(session: Session) -> None:
    """4,000 items into 40 places, half of them by batches of one process, half by those of another."""
    for start in range(0, 4_000, 100):
        urn = Urn(40)
        for number in range(start, start + 100):
            urn.offer(lambda number=number: item(number))  # type: ignore[misc]
        keep_refused(session, "toots", urn.empty(), 40, allowed=list, now=NOON)
    numbers = [int(each.text.rsplit(" ", 1)[1]) for each in kept(session)]
    assert len(numbers) == 40
    quarters = Counter(number // 1_000 for number in numbers)
    assert max(quarters.values()) <= 24, (
        "four quarters of 40: more than 24 in one is a chance of one in a million"
    )


def test_the_lowest_lots_of_the_day_stay() -> None:
    lots: Iterator[float] = iter([0.9, 0.2, 0.5, 0.1, 0.4])
    urn = Urn(2, draw=lambda: next(lots))
    for number in range(5):
        urn.offer(lambda number=number: item(number))  # type: ignore[misc]
    assert sorted(each.lot for each in urn.empty()) == [0.1, 0.2]
    assert urn.empty() == []


def test_each_day_has_its_own_sample(session: Session) -> None:
    for days in range(2):
        drawn = [Refused(0.1 * number, lambda number=number: item(number)) for number in range(8)]  # type: ignore[misc]
        keep_refused(session, "toots", drawn, 3, allowed=list, now=NOON + timedelta(days=days))
    assert Counter(each.day.day for each in kept(session)) == {14: 3, 15: 3}


def test_an_item_that_cannot_be_read_stops_nothing(session: Session) -> None:
    def broken() -> Item:
        raise ValueError("a post without a sound address")

    drawn = [Refused(0.1, broken), Refused(0.2, lambda: item(2))]
    assert keep_refused(session, "toots", drawn, 3, allowed=list, now=NOON) == 1


def test_what_nobody_looked_at_goes_after_a_week(session: Session) -> None:
    bring(session, item(1))
    assert let_refused_go(session, now=NOON + KEPT - timedelta(minutes=1)) == 0
    assert let_refused_go(session, now=NOON + KEPT) == 1


def test_the_stream_gives_the_posts_it_refuses_their_chance() -> None:
    sieve = Sieve(SAMPLING)
    sieve.pour([frame(number) for number in range(20)])
    found = sieve.batch(None, []).refused
    assert (sieve.dropped, len(found)) == (20, 5)
    assert "cake" in found[0].read().text


def frame(number: int) -> bytes:
    record = {
        "$type": "app.bsky.feed.post",
        "createdAt": "2026-07-14T12:00:00Z",
        "text": f"Tea and cake {number}",
    }
    commit = {
        "rev": "3k",
        "operation": "create",
        "collection": "app.bsky.feed.post",
        "rkey": f"3kabc{number:08d}",
        "record": record,
        "cid": "b",
    }
    whole = {
        "did": f"did:plc:{'a' * 24}",
        "time_us": 1_784_000_000_000_000 + number,
        "kind": "commit",
        "commit": commit,
    }
    return json.dumps(whole, separators=(",", ":")).encode()


@pytest.mark.parametrize("deleted", [False, True])
def test_an_item_found_missing_becomes_a_post_that_its_deletion_finds(
    session: Session, deleted: bool
) -> None:
    bring(session, item(1))
    [found] = kept(session)
    post = take_in(session, found, now=NOON)
    assert take_in(session, found, now=NOON) == post
    [queued] = session.execute(sql("SELECT args->'posts' FROM procrastinate_jobs WHERE task_name = 'assess'"))
    assert queued[0] == [str(post)]
    if deleted:
        bring(session, deletions=[Deletion("mastodon", "deleted by its author", external_id="id-1")])
    [stored] = session.exec(select(Post)).all()
    assert stored.text == ("" if deleted else "Tea and cake in the park 1")
    assert stored.author_key is None
