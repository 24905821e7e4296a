"""Every field of a post, whichever kind brings it: whole answers in the shape the platforms give, written by us."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import Session, select

from collector.batch import Attachment, Batch, Item
from collector.bluesky import COLLECTION
from collector.collect import collect
from collector.records import Media, Post, Sighting
from collector.sources.jetstream import item_of, read_frame
from collector.statuses import read_status
from tests.collector.test_collect import KEY, Police, take
from tests.conftest import NOON

HOST = "social.example"
ACCOUNT = {
    "id": "9",
    "username": "lantern",
    "acct": "lantern@far.example",
    "uri": "https://far.example/users/lantern",
    "url": "https://far.example/@lantern",
    "locked": False,
    "bot": False,
    "discoverable": True,
    "indexable": True,
    "noindex": False,
    "group": False,
}
STATUS: dict[str, Any] = {
    "id": "114000000000000001",
    "created_at": "2026-07-14T10:00:00.000Z",
    "edited_at": None,
    "in_reply_to_id": "113999999999999999",
    "in_reply_to_account_id": "8",
    "sensitive": True,
    "spoiler_text": "police, force",
    "visibility": "public",
    "language": "en",
    "uri": "https://far.example/users/lantern/statuses/114000000000000001",
    "url": "https://far.example/@lantern/114000000000000001",
    "replies_count": 2,
    "reblogs_count": 30,
    "favourites_count": 41,
    "quotes_count": 1,
    "content": "<p>Officers held someone down at the bus stop.</p><p>Did you see it?</p>",
    "reblog": None,
    "quote": None,
    "quote_approval": {"automatic": ["public"], "manual": [], "current_user": "automatic"},
    "application": None,
    "account": ACCOUNT,
    "media_attachments": [
        {
            "id": "1",
            "type": "video",
            "url": "https://files.example/clip.mp4",
            "preview_url": "https://files.example/clip.png",
            "remote_url": "https://far.example/clip.mp4",
            "meta": {
                "length": "0:00:31.20",
                "duration": 31.2,
                "fps": 30,
                "size": "720x1280",
                "aspect": 0.5625,
                "original": {"width": 720, "height": 1280, "duration": 31.2, "bitrate": 1900000},
            },
            "description": "two officers kneel beside a man",
        },
        {
            "id": "2",
            "type": "image",
            "url": None,
            "remote_url": "https://far.example/still.jpg",
            "meta": {"original": {"width": 1600, "height": 1200, "size": "1600x1200", "aspect": 1.3333}},
            "description": None,
        },
    ],
    "mentions": [],
    "tags": [],
    "emojis": [],
    "card": {
        "url": "https://herald.example/bus-stop",
        "title": "Witnesses sought",
        "description": "What happened at the bus stop",
        "type": "link",
        "width": 1200,
        "height": 630,
    },
    "poll": {
        "id": "3",
        "expires_at": "2026-07-15T10:00:00.000Z",
        "multiple": False,
        "options": [{"title": "Yes, I saw it", "votes_count": 3}, {"title": "No", "votes_count": 1}],
    },
}


def status(**given: Any) -> Item:
    return read_status(json.dumps({**STATUS, **given}).encode(), HOST)


def test_a_status_is_read_whole() -> None:
    raw = json.dumps(STATUS).encode()
    assert read_status(raw, HOST) == Item(
        external_id="https://far.example/users/lantern/statuses/114000000000000001",
        platform="mastodon",
        url="https://far.example/@lantern/114000000000000001",
        text="Officers held someone down at the bus stop.\nDid you see it?\n- Yes, I saw it\n- No",
        published_at=datetime(2026, 7, 14, 10, tzinfo=UTC),
        published_raw="2026-07-14T10:00:00.000Z",
        lang="en",
        author="https://far.example/users/lantern",
        reply_to="https://social.example/api/v1/statuses/113999999999999999",
        content_warning="police, force",
        media=(
            Attachment(
                "video", "https://files.example/clip.mp4", "two officers kneel beside a man", 31.2, 0.562
            ),
            Attachment("image", "https://far.example/still.jpg", aspect=1.333),
            Attachment(
                "link",
                "https://herald.example/bus-stop",
                "Witnesses sought\nWhat happened at the bus stop",
                aspect=1.905,
            ),
        ),
        reach={"boosts": 30, "likes": 41, "replies": 2},
        payload=raw,
    )


def test_a_status_marked_sensitive_without_words_carries_a_warning() -> None:
    assert status(spoiler_text="").content_warning == "sensitive"
    assert status(spoiler_text="", sensitive=False).content_warning is None


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        (
            {"state": "accepted", "quoted_status": {"id": "7", "uri": "https://far.example/statuses/7"}},
            "https://far.example/statuses/7",
        ),
        (
            {"state": "accepted", "quoted_status_id": "7", "quoted_status": None},
            "https://social.example/api/v1/statuses/7",
        ),
        (
            {"id": "7", "uri": "https://other.example/notes/7", "content": "<p>x</p>"},
            "https://other.example/notes/7",
        ),
        ({"state": "pending", "quoted_status": None}, None),
        ({"state": "revoked", "quoted_status": None}, None),
        ({"state": "deleted"}, None),
        (None, None),
    ],
)
def test_a_quote_names_what_it_quotes_while_that_is_allowed(quote: Any, found: str | None) -> None:
    assert status(quote=quote).quote_of == found


def test_a_boost_is_the_boosted_post_and_nothing_of_who_boosted_it() -> None:
    booster = {**ACCOUNT, "acct": "booster", "uri": "https://near.example/users/booster", "indexable": False}
    shown = status(
        id="5",
        uri="https://near.example/5",
        content="",
        account=booster,
        reblog=STATUS,
        visibility="unlisted",
    )
    assert shown == status()
    assert b"booster" not in shown.payload


def test_a_boost_of_what_is_not_public_is_not_taken() -> None:
    assert not status(content="", reblog={**STATUS, "visibility": "private"}).indexable
    hidden = {**STATUS, "account": {**ACCOUNT, "indexable": False}}
    assert not status(content="", reblog=hidden).indexable


def test_a_post_and_its_boosts_are_stored_once_with_its_own_reach(session: Session) -> None:
    boosts = [status(id=str(n), uri=f"https://near.example/{n}", reblog=STATUS) for n in range(3)]
    take(session, Batch(items=[_by_police(each) for each in (status(), *boosts)]))
    later = {**STATUS, "reblogs_count": 31}
    take(session, Batch(items=[_by_police(status(id="9", reblog=later))]), source="followed")
    (post,) = session.exec(select(Post)).all()
    assert post.url == STATUS["url"]
    sightings = session.exec(select(Sighting)).all()
    assert [(each.source, each.reach["boosts"]) for each in sightings] == [("herald", 30), ("followed", 31)]


def _by_police(item: Item) -> Item:
    return Item(**{name: getattr(item, name) for name in item.__struct_fields__} | {"let_in_by": "police"})


def frame(operation: str = "create", **record: Any) -> bytes:
    """A commit of the stream as version 2 writes it."""
    whole = {
        "$type": COLLECTION,
        "text": "Officers held someone down at the bus stop",
        "createdAt": "2026-07-14T10:00:00.000Z",
        "langs": ["en", "so"],
        **record,
    }
    commit = {
        "seq": 41,
        "did": "did:plc:lantern",
        "time": "2026-07-14T10:00:01.000000Z",
        "rev": "3lrev",
        "operation": operation,
        "collection": COLLECTION,
        "rkey": "3lkey",
        "cid": "bafyreiabcdefgh",
        "record": whole,
        "$type": "network.bsky.jetstream.subscribeEvents#commit",
    }
    return json.dumps({"$type": "message", "payload": commit}).encode()


def read(raw: bytes) -> Item:
    return item_of(read_frame(raw), raw)


def blob(cid: str, mime: str) -> dict[str, Any]:
    return {"$type": "blob", "ref": {"$link": cid}, "mimeType": mime, "size": 700_000}


VIDEO = {
    "$type": "app.bsky.embed.video",
    "video": blob("bafkreivideovideo", "video/mp4"),
    "alt": "two officers kneel beside a man",
    "aspectRatio": {"width": 720, "height": 1280},
}
QUOTED = {"uri": f"at://did:plc:other/{COLLECTION}/3lold", "cid": "bafyreiother"}
AT_BLUESKY = f"at://did:plc:lantern/{COLLECTION}/3lkey"


def test_a_record_is_read_whole() -> None:
    raw = frame(
        reply={
            "root": {"uri": f"at://did:plc:first/{COLLECTION}/3lroot", "cid": "c"},
            "parent": {"uri": f"at://did:plc:mother/{COLLECTION}/3lparent", "cid": "c"},
        },
        embed={"$type": "app.bsky.embed.recordWithMedia", "record": {"record": QUOTED}, "media": VIDEO},
        labels={"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "graphic-media"}]},
    )
    assert read(raw) == Item(
        external_id=AT_BLUESKY,
        platform="bluesky",
        url="https://bsky.app/profile/did:plc:lantern/post/3lkey",
        text="Officers held someone down at the bus stop",
        published_at=datetime(2026, 7, 14, 10, tzinfo=UTC),
        published_raw="2026-07-14T10:00:00.000Z",
        lang="en,so",
        author="did:plc:lantern",
        reply_to=f"at://did:plc:mother/{COLLECTION}/3lparent",
        quote_of=QUOTED["uri"],
        content_warning="graphic-media",
        media=(
            Attachment(
                "video",
                "https://video.bsky.app/watch/did%3Aplc%3Alantern/bafkreivideovideo/playlist.m3u8",
                "two officers kneel beside a man",
                aspect=0.562,
            ),
        ),
        payload=raw,
    )


def test_pictures_have_their_words_and_their_shape() -> None:
    images = [
        {
            "alt": "a van",
            "image": blob("bafkreione11", "image/jpeg"),
            "aspectRatio": {"width": 4, "height": 3},
        },
        {"alt": "", "image": blob("bafkreitwo22", "image/jpeg")},
    ]
    found = read(frame(embed={"$type": "app.bsky.embed.images", "images": images})).media
    assert [(each.kind, each.alt, each.aspect) for each in found] == [
        ("image", "a van", 1.333), ("image", None, None),
    ]  # fmt: skip


def test_a_card_is_a_link_with_its_words() -> None:
    external = {"uri": "https://herald.example/1", "title": "Witnesses sought", "description": "Last night"}
    found = read(frame(embed={"$type": "app.bsky.embed.external", "external": external}))
    assert found.media == (Attachment("link", "https://herald.example/1", "Witnesses sought\nLast night"),)
    assert "sought" not in found.text


def test_only_posts_are_quoted() -> None:
    feed = {"uri": "at://did:plc:other/app.bsky.feed.generator/whatshot", "cid": "c"}
    assert read(frame(embed={"$type": "app.bsky.embed.record", "record": QUOTED})).quote_of == QUOTED["uri"]
    assert read(frame(embed={"$type": "app.bsky.embed.record", "record": feed})).quote_of is None


def test_an_update_is_an_edit_dated_by_the_stream() -> None:
    assert read(frame()).edited_at is None
    assert read(frame("update")).edited_at == datetime(2026, 7, 14, 10, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("item", [status(language=None), read(frame(langs=[]))])
def test_a_post_without_a_language_is_undetermined(item: Item, session: Session) -> None:
    take(session, Batch(items=[_by_police(item)]))
    assert session.exec(select(Post)).one().lang == "und"


DESCRIBED = {
    "$type": "app.bsky.embed.images",
    "images": [{"alt": "police", "image": blob("bafkreione11", "x")}],
}
SHOWN = [{"type": "image", "url": "https://files.example/1.png", "description": "police"}]


@pytest.mark.parametrize(
    "item",
    [
        status(content="<p>look</p>", media_attachments=SHOWN, card=None, poll=None),
        read(frame(text="look", embed=DESCRIBED)),
    ],
)
def test_what_is_said_of_a_picture_stays_beside_the_text(item: Item, session: Session) -> None:
    assert take(session, Batch(items=[item])).stored == 1  # let in by the description alone
    assert session.exec(select(Post)).one().text == "look"
    assert [each.alt for each in session.exec(select(Media)).all()] == ["police"]


def test_a_description_given_later_is_an_edit(session: Session) -> None:
    plain = {"type": "image", "url": "https://files.example/1.png", "description": None}
    take(session, Batch(items=[_by_police(status(media_attachments=[plain], card=None))]))
    edited = status(media_attachments=SHOWN, card=None, edited_at="2026-07-14T11:00:00.000Z")
    for _ in range(2):
        collect(session, "herald", Batch(items=[edited]), Police(), author_key=KEY, now=NOON)
    session.commit()
    post = session.exec(select(Post)).one()
    assert post.changed_at == NOON
    assert [each.alt for each in session.exec(select(Media)).all()] == ["police"]
