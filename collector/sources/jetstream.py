"""Bluesky's public posts as they are written: the frames of Jetstream, and what they say to us.

Version 2 is network.bsky.jetstream.subscribeEvents (lexicon read 2026-08): frames of the subprotocol
xrpc.v1.json, a sequence number as cursor, inclusive and of that one server. Version 1 is /subscribe: other
frames, microseconds as cursor, silently moved when too old. Both deliver at least once. This kind stays
open: `collector/listen.py` keeps it, nothing here touches the network.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from collector.batch import Attachment, Item
from collector.dates import from_iso
from collector.entries import web_address
from collector.interfaces import shape
from collector.moments import microseconds, moment
from collector.plain import clean, shortened
from collector.sources.base import Follows, How, Kind, Needs

PLATFORM = "bluesky"
COLLECTION = "app.bsky.feed.post"
POST = b'"app.bsky.feed.post"'  # in every frame about a post, and in no other: likes name it with a slash
COMMITS = (b'#commit"', b'"kind":"commit"')
GONE = frozenset({"takendown", "suspended", "deleted", "deactivated"})
UNSHOWN = frozenset({"!hide", "!no-unauthenticated"})  # labels by which an author asks not to be shown

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
_CID = re.compile(r"[A-Za-z0-9]{8,256}")


class _Blob(msgspec.Struct):
    ref: dict[str, str] = {}
    cid: str = ""


class _Shape(msgspec.Struct):
    width: float = 0
    height: float = 0


class _Picture(msgspec.Struct, rename="camel"):
    alt: str = ""
    image: _Blob | None = None
    aspect_ratio: _Shape | None = None


class _Card(msgspec.Struct):
    uri: str = ""
    title: str = ""
    description: str = ""


class _Reference(msgspec.Struct):
    uri: str = ""
    record: "_Reference | None" = None


class _Embed(msgspec.Struct, rename="camel"):
    """app.bsky.embed.images, gallery, video, external, record and recordWithMedia in one."""

    images: list[_Picture] = []
    items: list[_Picture] = []
    video: _Blob | None = None
    alt: str = ""
    aspect_ratio: _Shape | None = None
    external: _Card | None = None
    record: _Reference | None = None
    media: "_Embed | None" = None


class _Answer(msgspec.Struct):
    parent: _Reference | None = None


class _Span(msgspec.Struct, rename="camel"):
    byte_start: int = 0
    byte_end: int = 0


class _Feature(msgspec.Struct):
    uri: str = ""


class _Facet(msgspec.Struct):
    index: _Span | None = None
    features: list[_Feature] = []


class _Label(msgspec.Struct):
    val: str = ""


class _Labels(msgspec.Struct):
    values: list[_Label] = []


class Record(msgspec.Struct, rename="camel"):
    """A post as its author's record holds it, as far as we need it."""

    text: str = ""
    created_at: str = ""
    langs: list[str] = []
    tags: list[str] = []
    reply: _Answer | None = None
    embed: _Embed | None = None
    facets: list[_Facet] = []
    labels: _Labels | None = None


class _Bare(msgspec.Struct, rename="camel"):
    """The same when the rest of a record is not as the lexicon says: its words still count."""

    text: str = ""
    created_at: str = ""


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
_decode_bare = msgspec.json.Decoder(_Frame[_Bare]).decode
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


def words(record: Record) -> str:
    """All that a reader of the post sees: its text, the card of its link, what its pictures show."""
    if record.embed is None and not record.tags:
        return record.text
    return "\n".join([record.text, *_tags(record), *_beside(record.embed)])


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
        text=shortened(clean("\n".join([_with_links(record), *_tags(record)])).strip()),
        edited_at=seen if edited else None,
        published_at=min(written, seen) if written and seen else written or seen,
        published_raw=clean(record.created_at)[:100] or None,
        lang=clean(",".join(record.langs[:3])) or None,
        author=change.did,
        reply_to=_uri(record.reply.parent) if record.reply else None,
        quote_of=_quoted(record.embed),
        content_warning=clean(", ".join(each for each in labels if each not in UNSHOWN))[:200] or None,
        media=tuple(_media(record.embed, change.did)),
        payload=frame,
        indexable=not UNSHOWN.intersection(labels),
        let_in_by=let_in_by,
    )


def _tags(record: Record) -> Iterator[str]:
    """The hashtags a post has beside those in its text."""
    yield from (f"#{tag}" for tag in record.tags[:8])


def _beside(embed: _Embed | None) -> Iterator[str]:
    """What stands beside a post's text: what is said of its link, its pictures, its film."""
    for each in _parts(embed):
        if each.external is not None:
            yield _said(each.external)
        yield from (said for said in (each.alt, *(part.alt for part in (*each.images, *each.items))) if said)


def _parts(embed: _Embed | None) -> Iterator[_Embed]:
    """An embed, and what it carries beside a quote."""
    if embed is not None:
        yield embed
        if embed.media is not None:
            yield embed.media


def _said(card: _Card) -> str:
    return "\n".join(part for part in (card.title, card.description) if part)


def _with_links(record: Record) -> str:
    """The text with each shortened link in full. Places are counted in bytes of UTF-8."""
    if not record.facets:
        return record.text
    written = record.text.encode("utf-8", "replace")
    links = [(each.index, feature.uri) for each in record.facets for feature in each.features if each.index]
    for span, uri in sorted(links, key=lambda link: -link[0].byte_start):
        shown = written[span.byte_start : span.byte_end].rstrip(".…".encode())
        if uri.startswith("http") and len(uri) <= 500 and 0 <= span.byte_start < span.byte_end and shown:
            full = uri.encode("utf-8", "replace")
            said = full if shown in full else shown + b" (" + full + b")"
            written = written[: span.byte_start] + said + written[span.byte_end :]
    return written.decode("utf-8", "replace")


def _quoted(embed: _Embed | None) -> str | None:
    """The post an embed quotes; lists and feeds are embedded in the same way."""
    found = _uri(embed.record) if embed is not None else None
    return found if found and f"/{COLLECTION}/" in found else None


def _uri(reference: _Reference | None) -> str | None:
    """The at:// address a reference names, also one wrapped once more, as beside media."""
    if reference is None:
        return None
    found = reference.uri or (reference.record.uri if reference.record else "")
    return clean(found)[:1_000] if found.startswith("at://") else None


def _media(embed: _Embed | None, did: str) -> Iterator[Attachment]:
    for each in _parts(embed):
        for picture in (*each.images, *each.items):
            cid = _cid(picture.image)
            if cid:
                address = f"https://cdn.bsky.app/img/feed_fullsize/plain/{did}/{cid}@jpeg"
                yield Attachment("image", address, _alt(picture.alt), aspect=_aspect(picture.aspect_ratio))
        cid = _cid(each.video)
        if cid:
            address = f"https://video.bsky.app/watch/{quote(did, safe='')}/{cid}/playlist.m3u8"
            yield Attachment("video", address, _alt(each.alt), aspect=_aspect(each.aspect_ratio))
        link = web_address(each.external.uri, "") if each.external is not None else None
        if each.external is not None and link:
            yield Attachment("link", link, _alt(_said(each.external)))


def _alt(said: str) -> str | None:
    return shortened(clean(said).strip()) or None


def _aspect(given: _Shape | None) -> float | None:
    return shape(given.width, given.height) if given else None


def _cid(blob: _Blob | None) -> str | None:
    found = (blob.ref.get("$link") or blob.cid) if blob else ""
    return found if _CID.fullmatch(found) else None
