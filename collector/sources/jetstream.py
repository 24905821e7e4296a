"""Bluesky's public posts as they are written: the frames of Jetstream, and what they say to us.

Version 2 is network.bsky.jetstream.subscribeEvents (lexicon read 2026-08): frames of the subprotocol
xrpc.v1.json, a sequence number as cursor, inclusive and of that one server. Version 1 is /subscribe: other
frames, microseconds as cursor, silently moved when too old. Both deliver at least once. This kind stays
open: `collector/listen.py` keeps it, nothing here touches the network.
"""

import re
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

import msgspec

from collector.batch import Item
from collector.bluesky import (
    COLLECTION,
    PLATFORM,
    UNSHOWN,
    Bare,
    Record,
    asks_not_to_be_shown,
    media_of,
    quoted,
    tags_of,
    uri_of,
    with_links,
)
from collector.dates import from_iso
from collector.moments import microseconds, moment
from collector.plain import clean, shortened
from collector.sources.base import Follows, How, Kind, Needs

PROFILES = "app.bsky.actor.profile"
POST = b'"app.bsky.feed.post"'  # in every frame about a post, and in no other: likes name it with a slash
PROFILE = b'"app.bsky.actor.profile"'
COMMITS = (b'#commit"', b'"kind":"commit"')
GONE = frozenset({"takendown", "suspended", "deleted", "deactivated"})

KIND = Kind(
    how=How.OPEN,
    needs=Needs.NOTHING,
    basis="Bluesky's public Jetstream; deletions and takedowns are honoured",
    retention=None,
    deletions=Follows.EVENTS,
    edits=Follows.EVENTS,
    on=True,
    schemes=("ws", "wss"),
)

_DID = re.compile(r"did:[a-z]{1,20}:[A-Za-z0-9._:%-]{1,512}")
_KEY = re.compile(r"[A-Za-z0-9._~:-]{1,512}")


R = TypeVar("R")


class _Status(msgspec.Struct):
    active: bool = True
    status: str | None = None


class _Commit(msgspec.Struct, Generic[R]):
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    rev: str = ""
    record: R | None = None


class _Payload(_Commit[R], Generic[R]):
    seq: int = 0
    did: str = ""
    time: str = ""
    account: _Status | None = None
    name: str = ""
    message: str = ""


class _Frame(msgspec.Struct, Generic[R]):
    """A frame of either version."""

    payload: _Payload[R] | None = None  # version 2
    did: str = ""  # version 1, from here on
    time_us: int = 0
    commit: _Commit[R] | None = None
    account: _Status | None = None
    error: str = ""
    message: str = ""


class _Where(msgspec.Struct):
    seq: int = 0
    time: str = ""


class _Head(msgspec.Struct):
    payload: _Where | None = None
    time_us: int = 0


_decode = msgspec.json.Decoder(_Frame[Record]).decode
_decode_bare = msgspec.json.Decoder(_Frame[Bare]).decode
_decode_head = msgspec.json.Decoder(_Head).decode


class Change(NamedTuple):
    """What one frame says. `operation` is create, update or delete for a post; gone, back, info or error else.

    `words` is the notice's name or the account's new status, `rev` the revision of the author's repository.
    """

    operation: str
    did: str = ""
    key: str = ""
    collection: str = ""
    time: str | int = 0
    record: Record | None = None
    words: str = ""
    rev: str = ""

    @property
    def uri(self) -> str:
        return f"at://{self.did}/{COLLECTION}/{self.key}"

    @property
    def at(self) -> datetime | None:
        return from_iso(self.time) if isinstance(self.time, str) else moment(self.time)


class Place(NamedTuple):
    """A place in the stream: of one server, in one version. As text it is the source's cursor."""

    version: int
    host: str
    seq: int
    time_us: int

    def __str__(self) -> str:
        return f"v{self.version} {self.host} {self.seq} {self.time_us}"

    @classmethod
    def of(cls, written: str | None) -> "Place | None":
        """None for no cursor, and for one that is not ours."""
        found = re.fullmatch(r"v([12]) (\S{1,300}) (\d{1,18}) (\d{1,18})", written or "")
        return cls(int(found[1]), found[2], int(found[3]), int(found[4])) if found else None


def place_of(frame: bytes, host: str) -> Place | None:
    """Where in the stream a frame stands; None for notices, which stand nowhere. Raises ValueError."""
    try:
        head = _decode_head(frame)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not a frame ({error})") from error
    if head.payload is not None:
        at = from_iso(head.payload.time)
        return Place(2, host, head.payload.seq, microseconds(at)) if head.payload.seq > 0 and at else None
    return Place(1, host, head.time_us, head.time_us) if head.time_us > 0 else None


def read_frame(frame: bytes) -> Change:
    """What a frame says. Raises ValueError for what is not JSON or not a frame of Jetstream."""
    try:
        try:
            found = _decode(frame)
        except msgspec.ValidationError:
            found = msgspec.convert(msgspec.to_builtins(_decode_bare(frame)), _Frame[Record])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not a frame ({error})") from error
    inner, commit, account, time = found.payload, found.commit, found.account, found.time_us or ""
    did = found.did
    if inner is not None:
        commit, account, time, did = inner, inner.account, inner.time, inner.did
    if account is not None:
        gone = not account.active and account.status in GONE
        return Change("gone" if gone else "back", did, time=time, words=account.status or "")
    if commit is not None and commit.operation:
        return Change(
            commit.operation, did, commit.rkey, commit.collection, time, commit.record, rev=commit.rev
        )
    if found.error:
        return Change("error", words=found.error)
    if inner is not None and inner.name:
        return Change("info", words=inner.name)
    return Change("other", did, time=time)


def item_of(change: Change, frame: bytes, *, let_in_by: str | None = None) -> Item:
    """The post of a create or update. Raises ValueError when it has no sound address or no record."""
    record = change.record
    if record is None:
        raise ValueError("a post without a record")
    if not _DID.fullmatch(change.did) or not _KEY.fullmatch(change.key):
        raise ValueError("a post without a sound address")
    edited = change.operation == "update"
    if edited and change.at is None:
        raise ValueError("an edit without a time")
    labels = [each.val for each in record.labels.values] if record.labels else []
    written = from_iso(record.created_at)
    seen = change.at
    return Item(
        external_id=change.uri,
        platform=PLATFORM,
        url=f"https://bsky.app/profile/{change.did}/post/{change.key}",
        text=shortened(clean("\n".join([with_links(record), *tags_of(record)])).strip()),
        edited_at=seen if edited else None,
        published_at=min(written, seen) if written and seen else written or seen,
        published_raw=clean(record.created_at)[:100] or None,
        lang=clean(",".join(record.langs[:3])) or None,
        author=change.did,
        reply_to=uri_of(record.reply.parent) if record.reply else None,
        quote_of=quoted(record.embed),
        content_warning=clean(", ".join(each for each in labels if each not in UNSHOWN))[:200] or None,
        media=tuple(media_of(record.embed, change.did)),
        payload=frame,
        indexable=not asks_not_to_be_shown(record),
        let_in_by=let_in_by,
    )
