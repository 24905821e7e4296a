"""The stream, from a real server to committed rows: nothing lost, nothing twice."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from collector.listen import Hearing
from collector.records import SourceRow, Tally
from tests.collector.hearing import (
    NOT_OURS,
    OURS,
    begin,
    gaps,
    listening,
    open_connections,
    reached,
    stored,
    trained,
    watched,
)
from tests.doubles.jetstream import Jetstream, serving, wait_until


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
    assert post.text == "Officers all over him, https://example.org/clip7"
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
