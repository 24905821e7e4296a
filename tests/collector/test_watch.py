"""One visit to one source, against real servers: polite, complete, and never loud about others' faults."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.batch import Batch, CursorPosition
from collector.evidence_records import Fetch
from collector.http import Http
from collector.records import Cursor, Gap, Post, SourceRow
from collector.settings import CollectSettings, HttpSettings
from collector.sources import kinds, open_source, polled
from collector.sources.base import Place
from collector.sources.feed import Feed
from collector.watch import Visit, collect_source
from tests.collector.test_collect import KEY, Police
from tests.collector.test_schedule import EVERY, place
from tests.conftest import NOON
from tests.doubles.feeds import Publisher, answer, publishing


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as made:
        yield made


@pytest.fixture
def http(publisher: Publisher) -> Iterator[Http]:
    with Http(HttpSettings(allow=(publisher.authority,), total_s=2)) as made:
        yield made


def visit(
    engine: Engine, http: Http, clock: Callable[[], datetime], name: str = "herald", early: bool = False
) -> Visit:
    return collect_source(
        engine,
        name,
        http,
        Police(),
        author_key=KEY,
        clock=clock,
        settings=CollectSettings(),
        even_early=early,
    )


@pytest.fixture
def herald(engine: Engine, publisher: Publisher) -> Iterator[SourceRow]:
    with Session(engine, expire_on_commit=False) as session:
        feed = publisher.feed("herald")
        feed.publish("Police on Rye Lane", link="https://herald.example/1", at=NOON - timedelta(hours=1))
        yield place(session, "herald", url=publisher.url("herald"))


def texts(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return sorted(post.text for post in session.exec(select(Post)))


@pytest.mark.usefixtures("herald")
def test_what_is_new_is_stored_and_the_server_is_asked_with_its_own_words(
    engine: Engine, http: Http, clock: Clock, publisher: Publisher
) -> None:
    assert visit(engine, http, clock).counts.stored == 1
    clock.now += 2 * EVERY
    assert visit(engine, http, clock).counts.seen == 0
    publisher.feed("herald").publish("Police in Peckham", link="https://herald.example/2", at=clock.now)
    clock.now += 2 * EVERY
    third = visit(engine, http, clock)
    assert (third.counts.stored, third.counts.known) == (1, 1)
    first, second, last = publisher.log
    assert "if-none-match" not in first.headers
    assert second.headers["if-none-match"] == last.headers["if-none-match"] == b'W/"1-\xe9"'
    assert second.headers["if-modified-since"] == b"Tue, 14 Jul 2026 09:00:00 GMT"
    assert texts(engine) == ["Police in Peckham", "Police on Rye Lane"]


@pytest.mark.usefixtures("herald")
def test_the_same_body_again_is_nothing_new(
    engine: Engine, http: Http, clock: Clock, publisher: Publisher
) -> None:
    publisher.feed("herald").ignores_conditions = True
    for _ in range(3):
        found = visit(engine, http, clock)
        clock.now += 2 * EVERY
    assert found.counts.seen == 0
    assert len(publisher.log) == 3


@pytest.mark.usefixtures("herald")
def test_nobody_comes_before_the_interval_has_passed(
    engine: Engine, http: Http, clock: Clock, publisher: Publisher
) -> None:
    for _ in range(60):
        visit(engine, http, clock)
        clock.now += timedelta(minutes=1)
    assert 5 <= len(publisher.log) <= 6


@pytest.mark.usefixtures("herald")
def test_a_person_may_come_early(engine: Engine, http: Http, clock: Clock, publisher: Publisher) -> None:
    visit(engine, http, clock)
    assert visit(engine, http, clock).outcome == "skipped"
    assert visit(engine, http, clock, early=True).outcome == "collected"


@pytest.mark.usefixtures("herald")
def test_a_failure_keeps_what_was_reached_and_heals_by_itself(
    engine: Engine, http: Http, clock: Clock, publisher: Publisher
) -> None:
    visit(engine, http, clock)
    feed = publisher.feed("herald")
    feed.failing = answer(b"", b"Retry-After: 7200", status=b"503 Busy")
    clock.now += 2 * EVERY
    failure = visit(engine, http, clock)
    assert failure.outcome == "failed"
    assert failure.error is not None
    assert "503" in failure.error
    assert failure.remedy
    with Session(engine) as session:
        assert session.get_one(Cursor, "herald").etag == 'W/"1-\xe9"'
        assert session.get_one(SourceRow, "herald").failures == 1
    feed.failing = None
    clock.now += timedelta(seconds=7_199)
    assert visit(engine, http, clock).outcome == "skipped"
    clock.now += timedelta(hours=1)
    assert visit(engine, http, clock).outcome == "collected"
    with Session(engine) as session:
        assert session.get_one(SourceRow, "herald").error is None


@pytest.mark.usefixtures("herald")
def test_a_feed_that_has_rolled_over_leaves_a_gap(
    engine: Engine, http: Http, clock: Clock, publisher: Publisher
) -> None:
    visit(engine, http, clock)
    clock.now += timedelta(days=2)
    feed = publisher.feed("herald")
    feed.items.clear()
    for hour in range(6, 0, -1):
        feed.publish(
            "Police", link=f"https://herald.example/late/{hour}", at=clock.now - timedelta(hours=hour)
        )
    visit(engine, http, clock)
    with Session(engine) as session:
        gap = session.exec(select(Gap)).one()
    assert (gap.from_at, gap.until_at) == (NOON, clock.now - timedelta(hours=6) + timedelta(seconds=1))


@pytest.mark.usefixtures("herald")
def test_what_a_feed_lost_while_its_last_answer_was_on_the_way_is_a_gap_too(
    engine: Engine, http: Http, clock: Clock, publisher: Publisher
) -> None:
    def slowly() -> datetime:
        clock.now += timedelta(seconds=10)
        return clock.now

    asked_at = clock.now + timedelta(seconds=10)
    visit(engine, http, slowly)
    feed = publisher.feed("herald")
    feed.items.clear()
    for number in range(6):
        feed.publish("Police", link=f"https://herald.example/{number}", at=asked_at + timedelta(seconds=5))
    clock.now += timedelta(days=1)
    visit(engine, http, clock)
    with Session(engine) as session:
        gap = session.exec(select(Gap)).one()
    assert gap.from_at == asked_at


@pytest.mark.usefixtures("herald")
def test_many_workers_at_once_fetch_a_source_once(
    engine: Engine, http: Http, clock: Clock, publisher: Publisher
) -> None:
    outcomes: list[str] = []
    workers = [Thread(target=lambda: outcomes.append(visit(engine, http, clock).outcome)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(outcomes) == ["collected"] + ["skipped"] * 7
    assert len(publisher.log) == 1


@pytest.mark.usefixtures("herald")
def test_a_fault_of_our_own_is_seen_and_stops_nobody(
    engine: Engine, http: Http, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Batch:
        raise ZeroDivisionError("secret words of a post")

    monkeypatch.setattr(Feed, "fetch", broken)  # no input is known that makes a reader fail
    failure = visit(engine, http, clock)
    assert failure.outcome == "failed"
    assert failure.error == "ZeroDivisionError while reading it"
    assert "fault of Golden Hour" in str(failure.remedy)


def test_kinds_are_found_by_their_file_names() -> None:
    assert {"feed", "mastodon"} <= set(polled()) <= set(kinds())
    assert isinstance(open_source("feed", Place("herald", "https://herald.example/feed")), Feed)
    with pytest.raises(KeyError):
        open_source("carrier-pigeon", Place("x", "https://x.example"))


def test_validators_go_back_byte_for_byte(http: Http, publisher: Publisher) -> None:
    feed = publisher.feed("odd")
    feed.publish("x", link="https://herald.example/1", at=NOON)
    for etag in (b'"plain"', b'W/"weak"', b"unquoted", b'"\xc3\xa9\xff"', b'"a, b"', b'"--gzip"'):
        feed.etag = etag
        source = Feed(Place("odd", publisher.url("odd")))
        batch = source.fetch(http, CursorPosition(), now=NOON)
        assert batch.cursor is not None
        assert source.fetch(http, batch.cursor, now=NOON) == Batch()
        assert publisher.log[-1].headers["if-none-match"] == etag


def test_a_new_post_names_the_answer_it_came_in(
    engine: Engine, http: Http, clock: Clock, publisher: Publisher, herald: SourceRow
) -> None:
    assert visit(engine, http, clock).outcome == "collected"
    with Session(engine) as session:
        post = session.exec(select(Post)).one()
        fetch = session.get_one(Fetch, post.fetch_id)
    assert fetch.url == publisher.url("herald")
    assert fetch.headers["content-type"]
    assert len(fetch.body_sha256) == 32
