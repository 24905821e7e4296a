"""Who wrote a post of a case is sealed under a key outside the database, and nobody else's author at all."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlmodel import Session, select

from collector.authors import READERS, author_in
from collector.batch import Batch, Deletion, Item
from collector.collect import id_of
from collector.evidence import note_custody
from collector.evidence_records import SealedAuthor
from collector.vault import Keyring, VaultError, add_key, seal_authors
from tests.collector.test_collect import item, take
from tests.collector.test_fields import STATUS, frame
from tests.conftest import NOON

DID = "did:plc:lantern"
SINCE = NOON - timedelta(days=1)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "var" / "vault"


def skeet(key: str = "1") -> Item:
    external_id = f"at://{DID}/app.bsky.feed.post/{key}"
    return item(external_id=external_id, platform="bluesky", author=DID, payload=frame())


def in_custody(session: Session, *items: Item) -> None:
    note_custody(session, [id_of(each) for each in items], "collected", who="collector", now=NOON)


def test_authors_of_posts_in_cases_are_sealed_and_no_others(session: Session, keys: Path) -> None:
    cased, loose = skeet("1"), skeet("2")
    take(session, Batch(items=[cased, loose]))
    in_custody(session, cased)
    ring = Keyring.of(keys)
    assert [seal_authors(session, ring, since=SINCE, now=NOON) for _ in range(2)] == [1, 0]
    session.commit()
    (sealed,) = session.exec(select(SealedAuthor)).all()
    assert sealed.post_id == id_of(cased)
    assert DID.encode() not in sealed.sealed
    assert Keyring.of(keys).open(sealed) == DID


def test_a_sealed_author_goes_with_the_post(session: Session, keys: Path) -> None:
    gone, stays = skeet("1"), skeet("2")
    take(session, Batch(items=[gone, stays]))
    in_custody(session, gone, stays)
    seal_authors(session, Keyring.of(keys), since=SINCE, now=NOON)
    take(session, Batch(deletions=[Deletion("bluesky", "deleted by its author", gone.external_id)]))
    assert [each.post_id for each in session.exec(select(SealedAuthor)).all()] == [id_of(stays)]


def sealed_with(ring: Keyring, author: str = DID) -> SealedAuthor:
    post = uuid4()
    key_id, body = ring.seal(post, author)
    return SealedAuthor(post_id=post, key_id=key_id, sealed=body, sealed_at=NOON)


def test_a_new_key_seals_and_the_old_one_still_opens(keys: Path) -> None:
    old = sealed_with(Keyring.of(keys))
    add_key(keys)
    ring = Keyring.of(keys)
    new = sealed_with(ring)
    assert new.key_id != old.key_id
    assert (ring.open(old), ring.open(new)) == (DID, DID)
    keys.write_text(keys.read_text().splitlines()[1])
    with pytest.raises(VaultError, match=old.key_id):
        Keyring.of(keys).open(old)


def test_the_same_author_is_sealed_differently_each_time_and_opens_for_its_post_only(keys: Path) -> None:
    ring = Keyring.of(keys)
    one, other = sealed_with(ring), sealed_with(ring)
    assert one.sealed != other.sealed
    one.sealed = other.sealed
    with pytest.raises(VaultError, match="changed"):
        ring.open(one)


def test_the_key_file_is_ours_alone(keys: Path) -> None:
    Keyring.of(keys)
    assert keys.stat().st_mode & 0o777 == 0o600
    keys.chmod(0o640)
    with pytest.raises(VaultError, match="chmod 600"):
        Keyring.of(keys)


@pytest.mark.parametrize("body", ["", "a b", "one", "a " + "00" * 31, "a b c"])
def test_a_damaged_key_file_is_refused(body: str, keys: Path) -> None:
    keys.parent.mkdir()
    keys.touch(0o600)
    keys.write_text(body)
    with pytest.raises(VaultError, match=str(keys)):
        Keyring.of(keys)


@pytest.mark.parametrize(
    ("platform", "payload", "author"),
    [
        ("bluesky", frame(), DID),
        ("mastodon", json.dumps(STATUS).encode(), "https://far.example/users/lantern"),
        ("mastodon", json.dumps({"id": "1", "reblog": STATUS}).encode(), "https://far.example/users/lantern"),
        ("youtube", b'{"id":"video-00001","snippet":{"channelId":"UC1"}}', "UC1"),
        ("youtube", b'{"id":"c1","snippet":{"authorChannelId":{"value":"UC2"}}}', "UC2"),
        ("reddit", b'{"name":"t3_1","author":"lantern"}', "lantern"),
        ("x", b'{"id":"1","author_id":"99"}', "99"),
        ("threads", b'{"id":"1","username":"lantern"}', "lantern"),
        ("mail", b"From: Lantern <lantern@example.org>\r\nSubject: x\r\n\r\nhello", "lantern@example.org"),
        ("feed", b"<item><author>A Reporter</author></item>", None),
        ("file", b"{}", None),
    ],
)
def test_the_author_is_read_from_the_payload(platform: str, payload: bytes, author: str | None) -> None:
    assert author_in(platform, payload) == author


@pytest.mark.parametrize("platform", READERS)
@pytest.mark.parametrize("payload", [b"", b"{", b"null", b"\xff\xfe", b"[" * 50_000, b'{"id":7}'])
def test_an_odd_payload_has_no_author(platform: str, payload: bytes) -> None:
    assert author_in(platform, payload) is None
