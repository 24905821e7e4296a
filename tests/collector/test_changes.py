"""What the stream takes back or changes: posts deleted, accounts gone, words edited."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.evidence_records import PostVersion
from tests.collector.hearing import OURS, begin, listening, open_connections, stored
from tests.doubles.jetstream import Jetstream, serving, wait_until


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
