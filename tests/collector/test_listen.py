"""The stream, from a real server to committed rows: nothing lost, nothing twice, every gap said."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from collector.evidence_records import PostVersion
from collector.http import Http
from collector.listen import Hearing, listen
from collector.prefilter import Prefilter
from collector.records import Cursor, Gap, Grade, Post, SourceRow, Tally
from collector.settings import HttpSettings
from tests.doubles.jetstream import NOON, Jetstream, serving, wait_until

LEXICONS = sorted((Path(__file__).resolve().parents[2] / "config" / "lexicons").glob("prefilter*.toml"))
PREFILTER = Prefilter.of(LEXICONS)
OURS = "Police on top of a man outside the station, number {}"
NOT_OURS = "Lovely weather for the allotment, number {}"


@contextmanager
def listening(
    engine: Engine, *servers: Jetstream, heard: list[Hearing] | None = None, packed: bool = False
) -> Iterator[None]:
    """The product's own listener in a thread, against these servers, for as long as the block lasts."""
    stop = threading.Event()
    allow = tuple(f"127.0.0.1:{server.port}" for server in servers)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with Http(HttpSettings(allow=allow, total_s=2)) as http:
                listen(
                    engine,
                    "bluesky",
                    [server.url for server in servers],
                    prefilter=PREFILTER,
                    http=http,
                    author_key=b"k" * 32,
                    stop=stop,
                    clock=lambda: NOON + timedelta(seconds=1),
                    heard=(heard.append if heard is not None else lambda _hearing: None),
                    packed=packed,
                )
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    assert not failed


def trained() -> bytes:
    samples: list[Any] = [
        b'{"$type":"message","payload":{"did":"did:plc:%d","text":"police"}}' % each for each in range(2000)
    ]
    return zstandard.train_dictionary(2048, samples).as_bytes()


def watched(failures: int = 0, error: str | None = None) -> SourceRow:
    return SourceRow(
        name="bluesky",
        kind="jetstream",
        url="wss://example.org",
        every_s=0,
        grade=Grade.F,
        basis="public stream",
        due_at=NOON,
        failures=failures,
        error=error,
    )


def stored(engine: Engine) -> list[Post]:
    with Session(engine, expire_on_commit=False) as session:
        return list(session.exec(select(Post).order_by(col(Post.external_id))))


def place(engine: Engine) -> str:
    with Session(engine) as session:
        cursor = session.get(Cursor, "bluesky")
        return str(cursor.position) if cursor else ""


def gaps(engine: Engine) -> list[Gap]:
    with Session(engine, expire_on_commit=False) as session:
        return list(session.exec(select(Gap)))


def reached(engine: Engine, seq: int) -> Any:
    return lambda: place(engine).split(" ")[2:3] == [str(seq)]


def open_connections(double: Jetstream, number: int = 1) -> Any:
    return lambda: len(double.opened) >= number


def begin(engine: Engine, double: Jetstream) -> None:
    """Have the place stored: the listener has heard the first event once."""
    with listening(engine, double):
        wait_until(open_connections(double, len(double.opened) + 1))
        double.post(NOT_OURS.format("first"), "first")
        wait_until(lambda: place(engine))


@pytest.mark.parametrize("version", [1, 2])
def test_a_post_that_could_be_ours_is_stored_with_all_it_says(engine: Engine, version: int) -> None:
    with serving(Jetstream(speaks=(version,))) as double, listening(engine, double):
        wait_until(lambda: double.opened == [version])
        double.other()
        double.post(NOT_OURS.format(1), "3lno")
        uri = double.post(
            "Officers all over him, example.org/clip...",
            "3lyes",
            reply={"parent": {"uri": "at://did:plc:a/app.bsky.feed.post/1"}},
            labels={"values": [{"val": "graphic-media"}]},
            facets=[
                {
                    "index": {"byteStart": 23, "byteEnd": 42},
                    "features": [{"uri": "https://example.org/clip7"}],
                }
            ],
            embed={
                "record": {"record": {"uri": "at://did:plc:b/app.bsky.feed.post/2"}},
                "media": {"alt": "a man held down", "video": {"ref": {"$link": "bafkreivideo1"}}},
            },
        )
        wait_until(lambda: stored(engine))
    (post,) = stored(engine)
    assert post.external_id == uri
    assert post.url == "https://bsky.app/profile/did:plc:writer/post/3lyes"
    assert post.text == "Officers all over him, https://example.org/clip7\na man held down"
    assert (post.platform, post.lang, post.content_warning) == ("bluesky", "en", "graphic-media")
    assert post.reply_to == "at://did:plc:a/app.bsky.feed.post/1"
    assert post.quote_of == "at://did:plc:b/app.bsky.feed.post/2"
    assert post.has_video
    assert post.let_in_by == "officers"
    assert post.published_at == datetime(2026, 7, 14, 11, 59, tzinfo=UTC)
    assert post.author_key is not None
    assert b"did:plc:writer" not in post.author_key


def test_what_is_only_said_in_a_picture_lets_a_post_in(engine: Engine) -> None:
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        double.post("look at this", "3lpic", embed={"images": [{"alt": "three police officers, one boy"}]})
        wait_until(lambda: stored(engine))


def test_counts_add_up_and_jobs_wait_for_what_was_stored(engine: Engine) -> None:
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        for number in range(50):
            double.post((OURS if number % 5 == 0 else NOT_OURS).format(number), f"3l{number:04}")
        wait_until(reached(engine, 50))
    with Session(engine) as session:
        (tally,) = session.exec(select(Tally)).all()
        jobs = session.execute(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'assess'"))
        waiting = [post for job in jobs for post in job.args["posts"]]
    assert (tally.seen, tally.stored, tally.dropped) == (50, 10, 40)
    assert sorted(waiting) == sorted(str(post.id) for post in stored(engine))


def test_the_place_moves_also_when_nothing_is_kept(engine: Engine) -> None:
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        for number in range(20):
            double.post(NOT_OURS.format(number), f"3l{number}")
        wait_until(reached(engine, 20))
    assert stored(engine) == []


def test_a_stream_that_breaks_off_again_and_again_loses_and_doubles_nothing(engine: Engine) -> None:
    with serving(Jetstream(break_after=[3, 7, 2, 11, 1, 5])) as double, listening(engine, double):
        wait_until(open_connections(double))
        for number in range(60):
            double.post(OURS.format(number), f"3l{number:04}")
        wait_until(reached(engine, 60), within_s=30)
    assert double.broken == 6
    assert [post.external_id[-4:] for post in stored(engine)] == [f"{number:04}" for number in range(60)]
    assert gaps(engine) == []


def test_a_reader_called_too_slow_goes_on_from_its_place(engine: Engine) -> None:
    with serving(Jetstream(error_after=[4])) as double, listening(engine, double):
        wait_until(open_connections(double))
        for number in range(10):
            double.post(OURS.format(number), f"3l{number:04}")
        wait_until(reached(engine, 10))
    assert double.broken == 1
    assert len(stored(engine)) == 10


def test_two_listeners_on_one_source_do_no_harm(engine: Engine) -> None:
    with serving(Jetstream()) as double:
        begin(engine, double)
        with listening(engine, double), listening(engine, double):
            wait_until(open_connections(double, 3))
            for number in range(40):
                double.post(OURS.format(number), f"3l{number:04}")
            wait_until(reached(engine, 41))
            wait_until(lambda: len(stored(engine)) == 40)
    assert len({post.external_id for post in stored(engine)}) == 40


def test_a_deleted_post_is_withdrawn(engine: Engine) -> None:
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        double.post(OURS.format(1), "3lgone")
        wait_until(lambda: stored(engine))
        double.delete("3lgone")
        double.delete("3lnever")
        wait_until(lambda: stored(engine)[0].withdrawn_at)
    (post,) = stored(engine)
    assert post.text == ""
    assert post.payload is None
    assert post.withdrawn_because == "deleted by its author"


def test_a_post_deleted_in_the_same_breath_is_never_stored(engine: Engine) -> None:
    with serving(Jetstream()) as double:
        begin(engine, double)
        double.post(OURS.format(1), "3lbrief")
        double.delete("3lbrief")
        double.post(OURS.format(2), "3lstays")
        with listening(engine, double):
            wait_until(lambda: stored(engine))
    assert [post.external_id[-7:] for post in stored(engine)] == ["3lstays"]


@pytest.mark.parametrize("status", ["deleted", "deactivated", "takendown", "suspended"])
def test_all_posts_of_an_account_that_is_gone_are_withdrawn(engine: Engine, status: str) -> None:
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        double.post(OURS.format(1), "3la", did="did:plc:one")
        double.post(OURS.format(2), "3lb", did="did:plc:one")
        double.post(OURS.format(3), "3lc", did="did:plc:oneandmore")
        wait_until(lambda: len(stored(engine)) == 3)
        double.account("did:plc:oneandmore", "throttled")
        double.account("did:plc:oneandmore", None)
        double.account("did:plc:one", status)
        wait_until(lambda: sum(post.withdrawn_at is not None for post in stored(engine)) == 2)
    kept = [post for post in stored(engine) if post.withdrawn_at is None]
    assert [post.external_id for post in kept] == ["at://did:plc:oneandmore/app.bsky.feed.post/3lc"]


def test_an_edit_stands_and_what_was_said_before_is_kept_until_the_post_goes(engine: Engine) -> None:
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        double.post(OURS.format(1), "3le")
        wait_until(lambda: len(stored(engine)) == 1)
        double.edit("Police, two officers, not three", "3le", rev="3laaa")
        wait_until(lambda: len(worded(engine)) == 2)
        double.edit("Police, four officers in fact", "3le", rev="3lbbb")
        wait_until(lambda: len(worded(engine)) == 3)
        assert [post.text for post in stored(engine)] == ["Police, four officers in fact"]
        assert worded(engine)[0] == OURS.format(1)
        double.delete("3le")
        wait_until(lambda: stored(engine)[0].withdrawn_at)
    assert worded(engine) == ["", "", ""]


def test_an_edit_that_takes_the_words_away_is_followed_too(engine: Engine) -> None:
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        double.post(OURS.format(1), "3le")
        wait_until(lambda: stored(engine))
        double.edit("never mind", "3le", rev="3laaa")
        double.edit("never mind", "3lother", rev="3laaa")
        wait_until(lambda: stored(engine)[0].text == "never mind")
    assert len(stored(engine)) == 1


def worded(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.exec(select(PostVersion.text).order_by(col(PostVersion.number))).all())


def test_a_server_that_forgot_and_moves_the_cursor_silently_leaves_a_gap(engine: Engine) -> None:
    with serving(Jetstream(speaks=(1,))) as double:
        begin(engine, double)
        later = NOON + timedelta(hours=40)
        for number in range(5):
            double.post(OURS.format(number), f"3l{number}", at=later + timedelta(seconds=number))
        double.floor_seq = 3
        with listening(engine, double):
            wait_until(lambda: len(stored(engine)) == 4)
    (gap,) = gaps(engine)
    assert gap.from_at == double.events[0].at
    assert gap.until_at == later + timedelta(seconds=1)
    assert gap.closed_at is None


def test_a_cursor_too_old_goes_on_by_time_and_leaves_a_gap(engine: Engine) -> None:
    with serving(Jetstream(speaks=(2,))) as double:
        begin(engine, double)
        later = NOON + timedelta(hours=40)
        for number in range(5):
            double.post(OURS.format(number), f"3l{number}", at=later + timedelta(seconds=number))
        double.floor_seq = 4
        with listening(engine, double):
            wait_until(lambda: len(stored(engine)) == 3)
    assert int(double.asked[-1]["cursor"][0]) > 10**15
    (gap,) = gaps(engine)
    assert (gap.from_at, gap.until_at) == (double.events[0].at, later + timedelta(seconds=2))


def test_another_server_is_asked_by_time_with_an_overlap_and_leaves_a_gap(engine: Engine) -> None:
    with serving(Jetstream()) as first, serving(Jetstream(first_seq=9_000_000)) as second:
        begin(engine, first)
        second.post(NOT_OURS.format("same"), "first", at=first.events[0].at)
        second.post(OURS.format("new"), "3lnew", at=NOON + timedelta(seconds=2))
        first.refuse = [(503, "Overloaded")] * 3
        with listening(engine, first, second):
            wait_until(lambda: stored(engine), within_s=30)
    asked = int(second.asked[0]["cursor"][0])
    assert first.events[0].time_us - asked == 5_000_000
    (gap,) = gaps(engine)
    assert gap.because == "changed to another server"


def test_a_server_that_counts_anew_is_asked_by_time_and_leaves_a_gap(engine: Engine) -> None:
    with serving(Jetstream(speaks=(2,), first_seq=1_000)) as double:
        begin(engine, double)
        double.first_seq = 1
        double.events.clear()
        with listening(engine, double):
            wait_until(open_connections(double, 2))
            double.post(OURS.format(1), "3lanew", at=NOON + timedelta(seconds=1))
            wait_until(lambda: stored(engine))
    assert len(double.asked) == 3
    assert int(double.asked[-1]["cursor"][0]) > 10**15
    assert len(gaps(engine)) == 1


def test_a_place_ahead_of_the_servers_clock_leaves_a_gap(engine: Engine, session: Session) -> None:
    with serving(Jetstream(speaks=(1,))) as double:
        ahead = (NOON + timedelta(days=3) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        stored_at = NOON - timedelta(hours=2)
        session.add(
            Cursor(
                source="bluesky",
                position=f"v1 127.0.0.1:{double.port} {ahead} {ahead}",
                moved_at=stored_at,
            )
        )
        session.commit()
        with listening(engine, double):
            wait_until(open_connections(double))
            double.post(OURS.format(1), "3lnow")
            wait_until(lambda: stored(engine))
    (gap,) = gaps(engine)
    assert (gap.from_at, gap.until_at) == (stored_at, double.events[0].at)


def test_a_place_that_cannot_be_read_starts_now_and_leaves_a_gap(engine: Engine, session: Session) -> None:
    session.add(Cursor(source="bluesky", position="12345", moved_at=NOON - timedelta(hours=1)))
    session.commit()
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        double.post(OURS.format(1), "3lnow")
        wait_until(lambda: stored(engine))
    (gap,) = gaps(engine)
    assert gap.from_at == NOON - timedelta(hours=1)


def test_going_on_from_ones_own_place_leaves_no_gap(engine: Engine) -> None:
    with serving(Jetstream()) as double:
        begin(engine, double)
        for _ in range(3):
            with listening(engine, double):
                wait_until(open_connections(double, len(double.opened) + 1))
                reach = double.post(OURS.format(len(double.events)), f"3l{len(double.events)}")
                wait_until(lambda reach=reach: reach in {post.external_id for post in stored(engine)})
    assert gaps(engine) == []


def test_packed_frames_are_read_with_the_servers_own_dictionary(engine: Engine) -> None:
    dictionary = trained()
    with serving(Jetstream(dictionary=dictionary)) as double, listening(engine, double, packed=True):
        wait_until(open_connections(double))
        double.post(OURS.format(1), "3lpacked")
        wait_until(lambda: stored(engine))
    assert "zstdDictionary" in double.asked[0]


def test_a_retired_dictionary_falls_back_to_plain_frames(engine: Engine) -> None:
    dictionary = trained()
    double = Jetstream(dictionary=dictionary, refuse=[(400, "UnknownZstdDictionary")])
    with serving(double), listening(engine, double, packed=True):
        wait_until(open_connections(double))
        double.post(OURS.format(1), "3lplain")
        wait_until(lambda: stored(engine))
    assert [query["version"] for query in double.asked] == [2, 2]
    assert "zstdDictionary" not in double.asked[1]


def test_malformed_frames_are_counted_and_named_and_stop_nothing(engine: Engine) -> None:
    with serving(Jetstream()) as double, listening(engine, double):
        wait_until(open_connections(double))
        double.tell("commit", {"did": "did:plc:x", "collection": "app.bsky.feed.post", "operation": "create"})
        double.post(OURS.format(1), "../../etc")
        double.post(OURS.format(2), "3lnul\x00")
        double.post("Police \x00 and half a \\ud800 sign", "3lgood")
        double.post(OURS.format(3), "3lodd", embed={"images": "not a list"}, langs=7)
        wait_until(lambda: len(stored(engine)) == 2)
        wait_until(reached(engine, 5))
    with Session(engine) as session:
        (tally,) = session.exec(select(Tally)).all()
    assert (tally.stored, tally.malformed) == (2, 3)


def test_how_it_goes_is_told_and_written_on_the_source(engine: Engine, session: Session) -> None:
    heard: list[Hearing] = []
    session.add(watched(failures=3, error="was away"))
    session.commit()
    with serving(Jetstream()) as double, listening(engine, double, heard=heard):
        wait_until(open_connections(double))
        double.post(OURS.format(1), "3l1")
        wait_until(lambda: any(each.state == "ok" and each.events for each in heard))
    session.expire_all()
    row = session.get(SourceRow, "bluesky")
    assert row is not None
    assert row.last_success_at is not None
    assert (row.failures, row.error) == (0, None)


def test_a_server_that_is_away_is_said_on_the_source_and_tried_again(
    engine: Engine, session: Session
) -> None:
    double = Jetstream()
    with serving(double):
        pass  # it had this port, and is gone now
    session.add(watched())
    session.commit()

    def error() -> str | None:
        with Session(engine) as fresh:
            found = fresh.get(SourceRow, "bluesky")
            return found.error if found else None

    with listening(engine, double):
        wait_until(error)
        back = Jetstream(port=double.port)
        with serving(back):
            wait_until(open_connections(back), within_s=20)
            back.post(OURS.format(1), "3lback")
            wait_until(lambda: stored(engine))
            wait_until(lambda: error() is None)
