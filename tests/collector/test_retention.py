"""What belongs to no case goes in its time; what belongs to one stays, unless nobody may look at it any more."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from sqlmodel import Session, col, select

from collector.batch import Batch, Came, Item
from collector.collect import id_of
from collector.evidence import note_custody
from collector.evidence_records import Fetch, PostVersion
from collector.records import Failure, Gap, Post, Tally
from collector.retention import KeepSettings, let_answers_go, let_counts_go, let_unseen_go
from tests.collector.test_collect import item, take
from tests.collector.test_schedule import place
from tests.conftest import NOON

KEEP = KeepSettings()


class LetGo(NamedTuple):
    answers: int
    wordings: int
    voices: int
    posts: int
    counts: int


NOTHING = LetGo(0, 0, 0, 0, 0)


def brought(session: Session, source: str = "herald", kind: str = "feed", **given: Any) -> Item:
    """A post of a source with the answer it came in, edited once."""
    if (
        kind
        and not session.connection()
        .exec_driver_sql("SELECT 1 FROM sources WHERE name = %s", (source,))
        .first()
    ):
        place(session, source, kind=kind)
    answer = Came(uuid4(), "https://herald.example/feed", {"server": "x"}, b"d")
    one = item(author="A Reporter", came_in=answer.id, **given)
    take(session, Batch(items=[one], answers=[answer]), source)
    edited = item("Police left", external_id=one.external_id, platform=one.platform)
    take(session, Batch(items=[edited]), source, now=NOON + timedelta(hours=1))
    return one


def in_case(session: Session, one: Item) -> None:
    note_custody(session, [id_of(one)], "collected", who="collector", now=NOON)
    session.commit()


def later(session: Session, days: float) -> LetGo:
    now = NOON + timedelta(days=days)
    found = LetGo(
        *let_answers_go(session, KEEP.answers_days, now=now),
        len(let_unseen_go(session, KEEP.unseen_days, now=now)),
        let_counts_go(session, KEEP.counts_days, now=now),
    )
    session.commit()
    session.expire_all()
    return found


def test_answers_wordings_and_voices_of_what_is_in_no_case_go_after_two_weeks(session: Session) -> None:
    loose, cased = brought(session), brought(session)
    in_case(session, cased)
    assert later(session, 13) == NOTHING
    assert later(session, 15) == LetGo(answers=1, wordings=2, voices=1, posts=0, counts=0)
    assert later(session, 15) == NOTHING
    stored = {post.id: post for post in session.exec(select(Post))}
    assert stored[id_of(loose)].author_key is None
    assert stored[id_of(loose)].text == "Police left"
    assert stored[id_of(cased)].author_key
    assert session.exec(select(Fetch.id)).one() == stored[id_of(cased)].fetch_id
    assert {each.post_id for each in session.exec(select(PostVersion))} == {id_of(cased)}


@pytest.mark.parametrize(
    ("kind", "cased", "goes"),
    [
        ("gdelt", False, True),
        ("google_news", False, True),
        ("google_news", True, False),
        ("mastodon", False, True),
        ("mastodon", True, False),
        ("x", True, True),  # its agreement has lapsed, or it would have been looked at
        ("reddit", False, True),
        ("jetstream", False, False),
        ("mail", False, False),
    ],
)
def test_what_nobody_looks_at_again_goes_after_thirty_days(
    kind: str, cased: bool, goes: bool, session: Session
) -> None:
    one = brought(session, kind=kind)
    if cased:
        in_case(session, one)
    assert later(session, 29).posts == 0
    assert later(session, 31).posts == int(goes)
    assert (session.exec(select(Post)).one().text == "") == goes


def test_what_goes_goes_in_batches(session: Session) -> None:
    for number in range(3):
        brought(session, kind="mastodon", external_id=f"post {number}")
    now = NOON + timedelta(days=31)
    went = [let_unseen_go(session, KEEP.unseen_days, now=now, most=2) for _ in range(3)]
    assert [len(each) for each in went] == [2, 1, 0]
    assert len({*went[0], *went[1]}) == 3


def test_a_post_that_was_looked_at_stays(session: Session) -> None:
    brought(session, kind="mastodon")
    session.exec(select(Post)).one().checked_at = NOON + timedelta(days=20)
    session.commit()
    assert later(session, 45).posts == 0
    assert later(session, 51).posts == 1


def test_counts_gaps_and_failures_go_after_a_year_and_some_weeks(session: Session) -> None:
    def rows(at: datetime) -> None:
        session.add(Tally(source="herald", minute=at, seen=1))
        session.add(Gap(source="herald", from_at=at, until_at=at, because="x", found_at=at))
        session.add(Failure(at=at, stage="collect", subject="s", error="e"))

    rows(NOON)
    rows(NOON + timedelta(days=10))
    session.commit()
    assert later(session, 401).counts == 3
    assert session.exec(select(col(Tally.minute))).one() == NOON + timedelta(days=10)
