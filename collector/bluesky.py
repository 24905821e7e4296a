"""Reads one Bluesky post, as its author's record holds it (lexicons app.bsky.feed.post and app.bsky.embed.*, read
2026-08): its words, and what it shows beside them.
"""

import re
from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from collector.batch import Attachment
from collector.entries import web_address
from collector.interfaces import shape
from collector.plain import clean, shortened

PLATFORM = "bluesky"
COLLECTION = "app.bsky.feed.post"
KEY_LENGTH = 13  # of a record key that is a TID, as those of posts are (atproto.com/specs/tid, read 2026-08)
UNSHOWN = frozenset({"!hide", "!no-unauthenticated"})  # labels by which an author asks not to be shown
_BY_HANDLE = re.compile(
    rf"https://(?:www\.)?bsky\.app/profile/(?!did:)[\w.-]+/post/(?P<key>[2-7a-z]{{{KEY_LENGTH}}})/?(?:[?#].*)?"
)
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


class Bare(msgspec.Struct, rename="camel"):
    """The same when the rest of a record is not as the lexicon says: its words still count."""

    text: str = ""
    created_at: str = ""


def words(record: Record) -> str:
    """All that a reader of the post sees: its text, the card of its link, what its pictures show."""
    if record.embed is None and not record.tags:
        return record.text
    return "\n".join([record.text, *tags_of(record), *_beside(record.embed)])


def key_of(address: str) -> str | None:
    """The record key in the address of a post that names its author by handle; handles change."""
    found = _BY_HANDLE.fullmatch(address)
    return found["key"] if found else None


def asks_not_to_be_shown(record: Record | None) -> bool:
    """Whether a post or a whole account carries a label by which its author asks that."""
    if record is None or record.labels is None:
        return False
    return any(each.val in UNSHOWN for each in record.labels.values)


def tags_of(record: Record) -> Iterator[str]:
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


def with_links(record: Record) -> str:
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


def quoted(embed: _Embed | None) -> str | None:
    """The post an embed quotes; lists and feeds are embedded in the same way."""
    found = uri_of(embed.record) if embed is not None else None
    return found if found and f"/{COLLECTION}/" in found else None


def uri_of(reference: _Reference | None) -> str | None:
    """The at:// address a reference names, also one wrapped once more, as beside media."""
    if reference is None:
        return None
    found = reference.uri or (reference.record.uri if reference.record else "")
    return clean(found)[:1_000] if found.startswith("at://") else None


def media_of(embed: _Embed | None, did: str) -> Iterator[Attachment]:
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
