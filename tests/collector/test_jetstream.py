"""Frames of the stream: what is read of them, what is let go by, and what must have been missed."""

import socket
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, select
from websockets.utils import accept_key

from collector.bluesky import COLLECTION
from collector.collect import collect
from collector.errors import Closed, Forbidden, Refused, TooLarge, Unreadable
from collector.prefilter import Prefilter
from collector.records import OptOut, Post
from collector.settings import HttpSettings
from collector.sieve import Sieve
from collector.sources.jetstream import Place, item_of, place_of, read_frame
from collector.stream import AHEAD, ANOTHER, TOO_OLD, Asked, Lost, Route, missed
from collector.websocket import open_websocket
from tests.doubles.jetstream import NOON, Happened, Jetstream, serving

LEXICONS = sorted((Path(__file__).resolve().parents[2] / "config" / "lexicons").glob("prefilter*.toml"))
NOON_US = 1_784_030_400_000_000


@pytest.fixture(scope="module")
def prefilter() -> Prefilter:
    return Prefilter.of(LEXICONS)


def frame(version: int = 2, **record: Any) -> bytes:
    told = Jetstream()
    told.post(record.pop("text", "Police outside"), record.pop("key", "3lkey"), **record)
    return told.events[0].frame(version)


def place(seconds: float, seq: int = 100, host: str = "one", version: int = 2) -> Place:
    return Place(version, host, seq, NOON_US + int(seconds * 1e6))


@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_say_the_same(version: int) -> None:
    item = item_of(read_frame(frame(version)), b"")
    assert item.external_id == f"at://did:plc:writer/{COLLECTION}/3lkey"
    assert item.text == "Police outside"
    found = place_of(frame(version), "one")
    assert found is not None
    assert found.time_us == NOON_US + 1_000


def test_a_place_is_kept_as_text() -> None:
    assert Place.of(str(place(1.5))) == place(1.5)
    assert Place.of("1720000000000000") is None
    assert Place.of(None) is None


def test_pictures_and_galleries_are_kept_by_address_with_their_words() -> None:
    blob = {"ref": {"$link": "bafkreiabcdefgh"}, "mimeType": "image/jpeg", "size": 1}
    pictures = [{"alt": "a van", "image": blob}, {"alt": "", "image": {"cid": "../../etc"}}]
    for embed in ({"images": pictures}, {"items": pictures}, {"media": {"images": pictures}}):
        item = item_of(read_frame(frame(embed=embed)), b"")
        (picture,) = item.media
        assert picture.kind == "image"
        assert picture.alt == "a van"
        assert picture.url.endswith("/did:plc:writer/bafkreiabcdefgh@jpeg")
        assert item.text == "Police outside"


def test_hashtags_beside_the_text_are_its_authors_words() -> None:
    assert item_of(read_frame(frame(tags=["peckham"])), b"").text == "Police outside\n#peckham"


def test_what_is_said_of_a_picture_or_a_link_lets_a_post_in(prefilter: Prefilter) -> None:
    card = {"external": {"uri": "https://example.org", "title": "Police shot a man", "description": ""}}
    picture = {"images": [{"alt": "police officers kneel on a man", "image": None}]}
    for embed in (card, picture, {"media": card}):
        sieve = Sieve(prefilter)
        sieve.pour([frame(text="look at this", embed=embed)])
        assert len(sieve.kept) == 1


def test_a_record_that_is_not_as_promised_still_gives_its_words() -> None:
    item = item_of(read_frame(frame(embed=[1, 2], langs={"a": 1}, facets="x", reply=7)), b"")
    assert (item.text, item.media, item.lang) == ("Police outside", (), None)


def test_who_asks_not_to_be_shown_is_not_indexable() -> None:
    labels = {"values": [{"val": "!no-unauthenticated"}]}
    assert not item_of(read_frame(frame(labels=labels)), b"").indexable


def profile(hidden: bool, did: str = "did:plc:writer") -> Happened:
    """An account that changes its profile, and asks or asks no more not to be shown to strangers."""
    told = Jetstream()
    labels = {"values": [{"val": "!no-unauthenticated"}] if hidden else []}
    pinned = {"uri": f"at://{did}/{COLLECTION}/3lkey"}
    record = {"displayName": "police", "description": "police", "labels": labels, "pinnedPost": pinned}
    body = {"operation": "update", "collection": "app.bsky.actor.profile", "rkey": "self", "rev": "3lrev"}
    return told.tell("commit", {"did": did, **body, "record": record})


@pytest.mark.parametrize("version", [1, 2])
def test_an_account_that_asks_not_to_be_shown_is_not_until_it_asks_no_more(
    version: int, prefilter: Prefilter, session: Session
) -> None:
    def arrive(*frames: bytes) -> list[str]:
        sieve = Sieve(prefilter)
        sieve.pour(frames)
        collect(session, "bluesky", sieve.batch(None, []), prefilter, author_key=b"k", now=NOON)
        session.commit()
        session.expire_all()
        return sorted(post.text for post in session.exec(select(Post)))

    other = frame(version, key="3other", did="did:plc:another")
    assert arrive(frame(version, key="3l1"), other) == ["Police outside", "Police outside"]
    assert arrive(frame(version, key="3l2"), profile(hidden=True).frame(version)) == ["", "Police outside"]
    assert arrive(frame(version, key="3l3")) == ["", "Police outside"]
    kept = session.exec(select(OptOut)).one()
    assert b"writer" not in kept.author_key
    assert arrive(profile(hidden=False).frame(version), frame(version, key="3l4")) == [
        "", "Police outside", "Police outside",
    ]  # fmt: skip
    assert session.exec(select(OptOut)).all() == []


def test_both_versions_are_asked_for_posts_and_profiles() -> None:
    for url, name in (("wss://one/subscribe", "wantedCollections"), ("wss://one", "collections")):
        address = Route.of(url, packed=False).address(Asked(None, exact=False), None)
        assert parse_qs(urlsplit(address).query)[name] == [COLLECTION, "app.bsky.actor.profile"]


def test_a_date_in_the_future_counts_as_the_moment_it_was_seen() -> None:
    item = item_of(read_frame(frame(createdAt="2099-01-01T00:00:00Z")), b"")
    assert item.published_at == NOON + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "facets", [[{"index": {"byteStart": 900, "byteEnd": 3}, "features": [{"uri": "https://x"}]}]]
)
def test_links_at_impossible_places_are_left(facets: list[Any]) -> None:
    assert item_of(read_frame(frame(facets=facets)), b"").text == "Police outside"


@pytest.mark.parametrize("did", ["did:plc:a/../b", "not a did", "", "did:plc:" + "a" * 2_000])
def test_an_address_that_is_none_is_malformed(did: str) -> None:
    with pytest.raises(ValueError, match="sound address"):
        item_of(read_frame(frame(did=did)), b"")


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff",
        b'{"payload":' + b"[" * 50_000,
        b'{"time_us":' + b"9" * 6_000 + b"}",
    ],
)
def test_what_is_no_frame_is_refused(hostile: bytes) -> None:
    with pytest.raises(ValueError, match="not a frame"):
        read_frame(hostile)


def test_no_document_of_the_json_test_suite_breaks_the_sieve(shared: Path, prefilter: Prefilter) -> None:
    sieve = Sieve(prefilter)
    bodies = [each.read_bytes() for each in sorted((shared / "corpora/jsontestsuite").rglob("*.json"))]
    sieve.pour([*bodies, *(body + b'"app.bsky.feed.post"' for body in bodies), frame()])
    assert len(sieve.kept) == 1
    assert sieve.place("one") is not None


def test_a_bad_frame_at_the_front_does_not_hide_the_place_of_the_next(prefilter: Prefilter) -> None:
    sieve = Sieve(prefilter)
    sieve.pour([b'{"app.bsky.feed.post":"app.bsky.feed.post"'])
    assert sieve.first_place("one") is None
    sieve.pour([frame()])
    assert sieve.first_place("one") is not None


def test_what_is_not_a_post_only_moves_the_place(prefilter: Prefilter) -> None:
    told = Jetstream()
    for collection in ("app.bsky.feed.like", "app.bsky.graph.follow", "app.bsky.feed.postgate"):
        told.other(collection)
    sieve = Sieve(prefilter)
    sieve.pour([event.frame(2) for event in told.events])
    assert len(sieve) == 0
    assert sieve.moved
    assert sieve.place("one") == Place(2, "one", 3, NOON_US + 3_000)


def test_an_unreadable_packed_frame_is_said(prefilter: Prefilter) -> None:
    with pytest.raises(Unreadable):
        Sieve(prefilter).pour([b"\x28\xb5\x2f\xfd nonsense"])


@pytest.mark.parametrize(
    ("asked", "since", "first", "because"),
    [
        (Asked(None, exact=False), None, place(0), None),
        (Asked(100, exact=True), place(0), place(0), None),
        (Asked(100, exact=True), place(0), place(8, seq=101), None),
        (Asked(100, exact=True), place(0), place(3_600, seq=101), TOO_OLD),
        (Asked(1, exact=False), place(0), place(-4, host="two"), ANOTHER),
        (Asked(1, exact=False), place(0), place(-4, version=1), None),
        (Asked(1, exact=False), place(0), place(60, version=1), TOO_OLD),
        (Asked(1, exact=True), place(90_000, version=1), place(0, version=1), AHEAD),
    ],
)
def test_what_must_have_been_missed(
    asked: Asked, since: Place | None, first: Place, because: str | None
) -> None:
    gap = missed(asked, since, first, moved_at=NOON, because=None)
    assert (gap.because if gap else None) == because
    assert gap is None or gap.from_at <= gap.until_at


def test_a_number_before_ours_means_that_the_server_counts_anew() -> None:
    with pytest.raises(Lost):
        missed(Asked(100, exact=True), place(0), place(5, seq=7), moved_at=NOON, because=None)


def test_an_address_must_be_one_of_a_stream() -> None:
    with pytest.raises(Forbidden):
        Route.of("https://example.org", packed=True)
    assert Route.of("wss://example.org/subscribe", packed=True).version == 1


def test_a_private_address_is_not_connected_to() -> None:
    with serving(Jetstream()) as double, pytest.raises(Forbidden):
        open_websocket(double.url, HttpSettings())


def test_a_refusal_says_what_the_server_said() -> None:
    with serving(Jetstream(refuse=[(400, "CursorTooOld")])) as double:
        settings = HttpSettings(allow=(f"127.0.0.1:{double.port}",))
        with pytest.raises(Refused, match="CursorTooOld"):
            open_websocket(f"{double.url}/subscribe", settings)


def raw_server(after_handshake: bytes) -> tuple[HttpSettings, str]:
    """A server that shakes hands and then sends these bytes, a few at a time, and hangs up."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def serve() -> None:
        with server, server.accept()[0] as connection:
            request = connection.recv(10_000).decode()
            key = next(line for line in request.splitlines() if line.lower().startswith("sec-websocket-key"))
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept_key(key.split(": ")[1]).encode() + b"\r\n\r\n"
            )
            with suppress(OSError):  # the client may have heard enough
                for at in range(0, len(after_handshake), 7):
                    connection.sendall(after_handshake[at : at + 7])
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(10_000):
                    pass

    threading.Thread(target=serve, daemon=True).start()
    return HttpSettings(allow=(f"127.0.0.1:{port}",)), f"ws://127.0.0.1:{port}/"


def all_messages(settings: HttpSettings, url: str) -> list[bytes]:
    found: list[bytes] = []
    with open_websocket(url, settings) as opened:
        try:
            while True:
                found += opened.messages(1)
        except Closed:
            return found


def test_frames_in_any_pieces_become_whole_messages() -> None:
    long, longer = b"b" * 300, b"c" * 70_000
    sent = (
        b"\x81\x01a"
        + b"\x81\x7e\x01\x2c" + long
        + b"\x01\x02fr" + b"\x89\x02hi" + b"\x80\x02ag"  # a fragment, a ping between, the rest
        + b"\x82\x7f" + len(longer).to_bytes(8, "big") + longer
        + b"\x88\x02\x03\xe8"
    )  # fmt: skip
    assert all_messages(*raw_server(sent)) == [b"a", long, b"frag", longer]


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"\x81\x7f" + (10**12).to_bytes(8, "big"), TooLarge),
        (b"\x81\x81abcd" + b"masked", Unreadable),
        (b"\xf1\x01a", Unreadable),
    ],
)
def test_what_breaks_the_protocol_ends_the_connection(sent: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        all_messages(*raw_server(sent + b"\x81\x01a"))
