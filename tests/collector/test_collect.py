"""Stage 1: everything is counted, nothing is stored twice, and what was deleted is gone."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from collector.batch import Attachment, Batch, CursorPosition, Deletion, Item, Malformed, Missed
from collector.collect import LARGEST_PAYLOAD, Collected, collect, id_of
from collector.plain import LONGEST_TEXT
from collector.records import Cursor, Failure, Gap, Media, Post, PostKey, Sighting, Tally
from tests.conftest import NOON

KEY = b"k" * 32


class Police:
    """A prefilter that lets in what names the police."""

    sample = 0

    def lets_in(self, texts: Sequence[str]) -> list[str | None]:
        return ["police" if "police" in each.lower() else None for each in texts]


def item(words: str = "Police stopped a man on Rye Lane", **given: Any) -> Item:
    external_id = given.pop("external_id", uuid4().hex)
    defaults = {"platform": "feed", "published_at": NOON, "payload": words.encode()}
    return Item(external_id=external_id, text=words, **{**defaults, **given})


def take(session: Session, batch: Batch, source: str = "herald", now: datetime = NOON) -> Collected:
    found = collect(session, source, batch, Police(), author_key=KEY, now=now)
    session.commit()
    session.expire_all()
    return found


def jobs(session: Session) -> list[list[str]]:
    found = session.execute(
        text("SELECT args FROM procrastinate_jobs WHERE task_name = 'assess' ORDER BY id")
    )
    return [each.args["posts"] for each in found]


def test_a_new_post_is_stored_with_its_sighting_its_media_and_a_job(session: Session) -> None:
    film = Attachment("video", "https://herald.example/v.mp4", "officers", 9.0)
    whole = item(
        title="Rye Lane",
        url="https://herald.example/1",
        published_raw="noon",
        lang="en",
        author="A Reporter",
        reply_to="r",
        quote_of="q",
        content_warning="force",
        media=(film,),
        reach={"boosts": 3},
    )
    assert take(session, Batch(items=[whole])) == Collected(1, 1, 0, 0, 0)
    post = session.exec(select(Post)).one()
    assert (post.id, post.text, post.title, post.url) == (id_of(whole), whole.text, whole.title, whole.url)
    assert (post.source, post.platform, post.let_in_by) == ("herald", "feed", "police")
    assert (post.lang, post.reply_to, post.quote_of, post.content_warning) == ("en", "r", "q", "force")
    assert post.has_video
    assert post.payload == whole.payload
    assert post.payload_sha256 == hashlib.sha256(whole.payload).digest()
    assert post.author_key
    assert b"Reporter" not in post.author_key
    media = session.exec(select(Media)).one()
    assert (media.kind, media.url, media.alt, media.duration_s) == ("video", film.url, "officers", 9.0)
    sighting = session.exec(select(Sighting)).one()
    assert (sighting.post_id, sighting.source, sighting.reach) == (post.id, "herald", {"boosts": 3})
    assert jobs(session) == [[str(post.id)]]


def test_what_happens_to_items_adds_up(session: Session) -> None:
    known = item()
    take(session, Batch(items=[known]))
    batch = Batch(
        items=[known, item(), item("Fête in the park"), item(indexable=False), item(external_id=""), known],
        malformed=[Malformed("entry 7", "says nothing")],
        dropped=10,
    )
    found = take(session, batch)
    assert found == Collected(seen=17, stored=1, known=2, dropped=12, malformed=2)
    tally = session.exec(select(Tally)).one()
    assert tally.seen == tally.stored + tally.known + tally.dropped + tally.malformed == 18


def test_taking_the_same_batch_again_changes_nothing_but_the_count(session: Session) -> None:
    batch = Batch(items=[item(reach={"likes": 1}) for _ in range(30)])
    assert take(session, batch).stored == 30
    assert take(session, batch, now=NOON + timedelta(minutes=1)) == Collected(30, 0, 30, 0, 0)
    assert len(session.exec(select(Sighting)).all()) == 30
    assert len(jobs(session)) == 1


def test_a_known_post_is_sighted_again_by_another_source_or_with_another_reach(session: Session) -> None:
    seen = item(external_id="1", reach={"likes": 1})
    take(session, Batch(items=[seen]))
    take(session, Batch(items=[seen]), source="gazette")
    take(session, Batch(items=[item(external_id="1", reach={"likes": 2})]))
    sightings = session.exec(select(Sighting)).all()
    assert sorted((each.source, each.reach["likes"]) for each in sightings) == [
        ("gazette", 1), ("herald", 1), ("herald", 2),
    ]  # fmt: skip
    assert len(session.exec(select(Post)).all()) == 1


def test_the_same_id_on_two_sites_is_two_posts(session: Session) -> None:
    here, there = item(external_id="17", scope="a.example"), item(external_id="17", scope="b.example")
    assert take(session, Batch(items=[here, there])).stored == 2


def test_jobs_hold_at_most_five_hundred_posts_in_the_order_they_came(session: Session) -> None:
    items = [item() for _ in range(1_201)]
    take(session, Batch(items=items))
    assert [len(each) for each in jobs(session)] == [500, 500, 201]
    assert [each for job in jobs(session) for each in job] == [str(id_of(each)) for each in items]


def test_nothing_is_there_when_the_transaction_is_not_committed(session: Session) -> None:
    collect(
        session,
        "herald",
        Batch(items=[item()], cursor=CursorPosition("9")),
        Police(),
        author_key=KEY,
        now=NOON,
    )
    session.rollback()
    for kind in (Post, PostKey, Sighting, Tally, Cursor):
        assert not session.exec(select(kind)).all()
    assert not jobs(session)


def test_the_cursor_moves_with_the_posts_and_only_when_given(session: Session) -> None:
    position = CursorPosition("9", 'W/"\xe9"', "Tue", b"digest")
    take(session, Batch(items=[item()], cursor=position))
    take(session, Batch(items=[item()]))
    cursor = session.exec(select(Cursor)).one()
    assert (cursor.position, cursor.etag, cursor.last_modified, cursor.body_sha256) == (
        "9", 'W/"\xe9"', "Tue", b"digest",
    )  # fmt: skip


def test_a_post_is_never_published_after_it_was_seen(session: Session) -> None:
    take(
        session,
        Batch(items=[item(published_at=NOON + timedelta(days=900)), item(published_at=None), item()]),
    )
    stored = {post.published_at for post in session.exec(select(Post))}
    assert stored == {NOON, NOON + timedelta(minutes=5)}


@pytest.mark.parametrize(
    "words",
    ["police \0 NUL", "police \ud800 half", "police \x1b[31m", "police \ufffe", "police " + "x" * 50_000],
)
def test_what_a_database_cannot_hold_is_left_out_and_the_rest_stays(words: str, session: Session) -> None:
    odd = item("police", payload=b"\0\xff").__class__(
        external_id=words[:400],
        platform="feed",
        text=words,
        title=words,
        url="https://herald.example/" + words,
        author=words,
        published_raw=words,
        lang=words,
        reply_to=words,
        content_warning=words,
        media=(Attachment("image", "https://herald.example/\0", words),),
        payload=b"\0\xff\xfe",
    )
    assert take(session, Batch(items=[odd, item()])).stored == 2
    post = session.get_one(Post, (id_of(odd), NOON))
    assert post.text.startswith("police")
    assert len(post.text) < LONGEST_TEXT + 60


def test_of_a_payload_too_large_the_digest_is_kept(session: Session) -> None:
    huge = b"x" * (LARGEST_PAYLOAD + 1)
    take(session, Batch(items=[item(payload=huge)]))
    post = session.exec(select(Post)).one()
    assert post.payload is None
    assert post.payload_sha256 == hashlib.sha256(huge).digest()


def test_what_only_a_picture_says_is_asked_about_too(session: Session) -> None:
    shown = Attachment("image", "https://herald.example/1.jpg", "three police officers")
    assert take(session, Batch(items=[item("look at this", media=(shown,))])).stored == 1


def test_a_source_that_has_asked_the_prefilter_is_believed(session: Session) -> None:
    take(session, Batch(items=[item("nothing that a word would find", let_in_by="stop and search")]))
    assert session.exec(select(Post)).one().let_in_by == "stop and search"


def test_gaps_and_malformed_items_are_written_down_once(session: Session) -> None:
    batch = Batch(
        gaps=[Missed(NOON - timedelta(hours=2), NOON, "the stream began later than asked")],
        malformed=[Malformed("entry 3", "a title that is a list")] * 2,
    )
    take(session, batch)
    take(session, batch, now=NOON + timedelta(minutes=10))
    gap = session.exec(select(Gap)).one()
    assert (gap.source, gap.until_at, gap.because) == ("herald", NOON, "the stream began later than asked")
    failure = session.exec(select(Failure)).one()
    assert failure.subject == "herald: entry 3"
    assert failure.error == "a title that is a list"
    assert failure.at == NOON + timedelta(minutes=10)


def test_a_deleted_post_loses_its_content_and_keeps_its_trace(session: Session) -> None:
    film = Attachment("video", "https://herald.example/v.mp4")
    gone, kept = item(external_id="1", author="A", title="T", url="https://x.example", media=(film,)), item()
    take(session, Batch(items=[gone, kept]))
    take(
        session,
        Batch(deletions=[Deletion("feed", "deleted by its author", "1")]),
        now=NOON + timedelta(hours=1),
    )
    post = session.get_one(Post, (id_of(gone), NOON))
    assert (post.text, post.title, post.url, post.payload, post.author_key) == ("", None, None, None, None)
    assert post.payload_sha256 == hashlib.sha256(gone.payload).digest()
    assert post.withdrawn_at == NOON + timedelta(hours=1)
    assert post.withdrawn_because == "deleted by its author"
    assert not session.exec(select(Media)).all()
    assert session.get_one(Post, (id_of(kept), NOON)).text


def test_a_deleted_post_that_is_shown_again_stays_deleted(session: Session) -> None:
    gone = item(external_id="1")
    take(session, Batch(items=[gone], deletions=[Deletion("feed", "deleted by its author", "1")]))
    assert take(session, Batch(items=[gone])).known == 1
    assert session.exec(select(Post)).one().text == ""


def test_when_an_account_is_gone_so_are_its_posts_and_no_others(session: Session) -> None:
    names = ["did:plc:a_b/1", "did:plc:a_b/2", "did:plc:axb/1", "did:plc:a_bc/1"]
    take(session, Batch(items=[item(external_id=name, platform="bluesky") for name in names]))
    take(session, Batch(items=[item(external_id=names[0])]))
    take(session, Batch(deletions=[Deletion("bluesky", "account taken down", prefix="did:plc:a_b/")]))
    left = session.exec(select(Post).where(Post.text != "")).all()
    assert sorted((post.platform, post.external_id) for post in left) == [
        ("bluesky", "did:plc:a_bc/1"), ("bluesky", "did:plc:axb/1"), ("feed", "did:plc:a_b/1"),
    ]  # fmt: skip


def test_accounts_that_go_together_each_have_their_own_reason(session: Session) -> None:
    names = ["at://did:plc:one/1", "at://did:plc:two/1", "at://did:plc:two/2", "at://did:plc:onex/1"]
    take(session, Batch(items=[item(external_id=name, platform="bluesky") for name in names]))
    gone = [
        Deletion("bluesky", "suspended", prefix="at://did:plc:one/"),
        Deletion("bluesky", "deleted", prefix="at://did:plc:two/"),
        Deletion("bluesky", "deactivated", prefix="at://did:plc:nobody/"),
    ]
    take(session, Batch(deletions=gone))
    because = session.exec(select(Post.withdrawn_because)).all()
    assert sorted(because, key=str) == [None, "deleted", "deleted", "suspended"]


def test_the_same_author_is_the_same_voice_and_another_key_hides_that(session: Session) -> None:
    first, second, other = item(author="A"), item(author="A"), item(author="B")
    take(session, Batch(items=[first, second, other]))
    keys = [session.get_one(Post, (id_of(each), NOON)).author_key for each in (first, second, other)]
    assert keys[0] == keys[1] != keys[2]
    again = item(author="A")
    collect(session, "herald", Batch(items=[again]), Police(), author_key=b"other", now=NOON)
    assert session.get_one(Post, (id_of(again), NOON)).author_key != keys[0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.booleans()), max_size=25))
def test_whatever_comes_adds_up(engine: Engine, shown: list[tuple[int, bool, bool]]) -> None:
    with Session(engine) as session:
        items = [
            item("police" if ours else "park", external_id=str(number), indexable=open_)
            for number, ours, open_ in shown
        ]
        found = take(session, Batch(items=items))
        assert found.seen == len(items)
        assert found.seen == found.stored + found.known + found.dropped + found.malformed


def test_two_sources_that_bring_the_same_posts_at_once_store_them_once(engine: Engine) -> None:
    items = [item() for _ in range(50)]
    with Session(engine) as first, Session(engine) as second:
        early = collect(first, "a", Batch(items=items), Police(), author_key=KEY, now=NOON)
        first.commit()
        late = collect(second, "b", Batch(items=items[::-1]), Police(), author_key=KEY, now=NOON)
        second.commit()
    assert (early.stored, late.stored, late.known) == (50, 0, 50)
