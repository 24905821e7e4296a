"""Edits: the last wording stands, the first is never lost, and what did not change is left alone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlmodel import Session, col, select

from classifier.assess import abstained, assess
from classifier.records import Assessment
from collector.batch import Attachment, Batch, Deletion
from collector.collect import Collected, id_of
from collector.evidence_records import PostVersion
from collector.records import Media, Post
from collector.versions import MOST
from tests.collector.test_collect import item, jobs, take
from tests.conftest import NOON
from tests.make import make_assessment

LATER = NOON + timedelta(minutes=5)
FIRST, SECOND = "Police stopped a man", "Police stopped two men"


def only(session: Session) -> Post:
    return session.exec(select(Post)).one()


def worded(session: Session) -> list[tuple[int, str]]:
    rows = session.exec(select(PostVersion).order_by(col(PostVersion.number))).all()
    return [(row.number, row.text) for row in rows]


def shown(session: Session, words: str, source: str = "herald", **given: Any) -> Collected:
    return take(session, Batch(items=[item(words, external_id="1", **given)]), source=source, now=LATER)


def test_a_feed_item_with_other_words_is_an_edit(session: Session) -> None:
    shown(session, FIRST)
    film = Attachment("video", "https://herald.example/v.mp4")
    assert shown(session, SECOND, media=(film,)) == Collected(1, 0, 1, 0, 0)
    post = only(session)
    assert (post.text, post.payload, post.has_video) == (SECOND, SECOND.encode(), True)
    assert post.changed_at == LATER
    assert worded(session) == [(1, FIRST), (2, SECOND)]
    first = session.get_one(PostVersion, (post.id, 1))
    assert (first.payload, first.source, first.taken_at) == (FIRST.encode(), "herald", post.collected_at)
    assert session.exec(select(Media)).one().url == film.url
    assert jobs(session) == [[str(post.id)], [str(post.id)]]


def test_the_same_words_again_are_no_edit(session: Session) -> None:
    shown(session, FIRST)
    shown(session, FIRST, payload=b"other bytes, same words")
    assert worded(session) == []
    assert len(jobs(session)) == 1


def test_another_source_with_other_words_is_no_edit(session: Session) -> None:
    shown(session, FIRST)
    shown(session, SECOND, source="echo")
    assert only(session).text == FIRST


def test_another_source_with_a_later_edit_is_one(session: Session) -> None:
    shown(session, FIRST)
    shown(session, SECOND, source="echo", edited_at=LATER)
    assert (only(session).text, only(session).edited_at) == (SECOND, LATER)


def test_an_older_wording_that_comes_late_changes_nothing(session: Session) -> None:
    shown(session, FIRST)
    shown(session, SECOND, edited_at=LATER)
    for words, edited_at in ((FIRST, None), ("Police stopped nobody", NOON), ("again", LATER)):
        shown(session, words, edited_at=edited_at)
    assert only(session).text == SECOND
    assert len(worded(session)) == 2


def test_a_post_and_its_edit_in_one_batch_keep_both_wordings(session: Session) -> None:
    both = [item(FIRST, external_id="1"), item(SECOND, external_id="1", edited_at=NOON)]
    assert take(session, Batch(items=both)) == Collected(2, 1, 1, 0, 0)
    assert worded(session) == [(1, FIRST), (2, SECOND)]
    assert len(jobs(session)) == 1


def test_an_edit_without_our_words_is_followed_and_of_a_stranger_dropped(session: Session) -> None:
    shown(session, FIRST)
    stranger = item("nothing", external_id="2", edited_at=LATER)
    edit = item("nothing", external_id="1", edited_at=LATER)
    assert take(session, Batch(items=[stranger, edit]), now=LATER) == Collected(2, 0, 1, 1, 0)
    assert only(session).text == "nothing"


def test_a_deleted_post_takes_its_wordings_with_it_and_stays_deleted(session: Session) -> None:
    shown(session, FIRST)
    shown(session, SECOND)
    take(session, Batch(deletions=[Deletion("feed", "deleted by its author", external_id="1")]))
    shown(session, "Police again")
    assert (only(session).text, only(session).payload) == ("", None)
    assert worded(session) == [(1, ""), (2, "")]
    hashes = session.exec(select(PostVersion.payload_sha256)).all()
    assert len(set(hashes)) == 2


def test_a_post_whose_author_opts_out_later_is_withdrawn(session: Session) -> None:
    shown(session, FIRST)
    shown(session, FIRST, indexable=False)
    assert only(session).withdrawn_because == "its author asks not to be shown"


def test_a_post_that_changes_all_the_time_keeps_a_bounded_number_of_wordings(session: Session) -> None:
    for number in range(MOST + 5):
        shown(session, f"Police {number}")
    assert len(worded(session)) == MOST
    assert only(session).text == f"Police {MOST + 4}"
    assert worded(session)[0] == (1, "Police 0")


@pytest.mark.parametrize("scope", ["", "herald.example"])
def test_the_id_of_an_edit_is_that_of_the_post(scope: str, session: Session) -> None:
    first = item(FIRST, external_id="17", scope=scope)
    take(session, Batch(items=[first]))
    take(session, Batch(items=[msgspec.structs.replace(first, text=SECOND)]), now=LATER)
    assert session.exec(select(Post.id)).all() == [id_of(first)]
    assert only(session).text == SECOND


def test_an_edited_post_is_assessed_anew_and_the_earlier_assessment_goes(session: Session) -> None:
    class Reader:
        version = "test-1"

        def assess(self, texts: list[str]) -> list[Any]:
            return [abstained(self.version) for _ in texts]

    shown(session, FIRST)
    post = only(session)
    session.add(make_assessment(post, at=NOON))
    session.commit()
    ids: list[UUID] = [post.id]
    assert assess(session, ids, Reader(), now=NOON) == 0  # type: ignore[arg-type]
    shown(session, SECOND)
    assert assess(session, ids, Reader(), now=LATER) == 1  # type: ignore[arg-type]
    session.commit()
    assert session.exec(select(Assessment.at)).all() == [LATER]
    assert assess(session, ids, Reader(), now=LATER) == 0  # type: ignore[arg-type]
