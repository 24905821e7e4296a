"""Reads JSON Feed 1.0 and 1.1 (jsonfeed.org, read 2026-08)."""

import hashlib
import re
from typing import Any

import msgspec

from collector.batch import Attachment, Item, Malformed
from collector.bounds import MOST_ENTRIES
from collector.dates import from_iso
from collector.entries import media_kind, scope_of, short_id, web_address, with_title
from collector.errors import Unreadable
from collector.plain import plain, tidy


class _Enclosed(msgspec.Struct):
    url: str
    mime_type: str | None = None
    duration_in_seconds: float | None = None


class _Author(msgspec.Struct):
    name: str | None = None


class _Entry(msgspec.Struct):
    id: str | int | float | None = None
    url: str | None = None
    external_url: str | None = None
    title: str | None = None
    content_html: str | None = None
    content_text: str | None = None
    summary: str | None = None
    image: str | None = None
    date_published: str | None = None
    date_modified: str | None = None
    language: str | None = None
    author: _Author | None = None
    authors: list[_Author] = []
    attachments: list[_Enclosed] = []


class _Top(msgspec.Struct):
    version: str
    items: list[msgspec.Raw]
    language: str | None = None


# An escape in JSON: a pair of halves, half a character alone (group 1), or any other
_ESCAPED = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)")


def is_json(body: bytes) -> bool:
    """Whether a feed's body is JSON rather than XML."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))


def read_json_feed(body: bytes, url: str) -> tuple[list[Item], list[Malformed]]:
    """The first 500 items in the feed's order, and those that could not be read. Raises Unreadable."""
    try:
        top = msgspec.json.decode(_ESCAPED.sub(_whole, body.removeprefix(b"\xef\xbb\xbf")), type=_Top)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(f"the answer is JSON but no JSON Feed ({error})") from error
    if "jsonfeed.org" not in top.version:
        raise Unreadable("the answer is JSON but no JSON Feed (another `version`)")
    items, malformed = [], []
    for number, raw in enumerate(top.items[:MOST_ENTRIES], 1):
        try:
            items.append(_item(msgspec.json.decode(raw, type=_Entry), bytes(raw), url, top.language))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            malformed.append(Malformed(f"item {number}", str(error)[:200]))
    return items, malformed


def _whole(escaped: re.Match[bytes]) -> bytes:
    """An escape as it stands; instead of half a character, which costs a strict reader the whole feed, a mark."""
    return b"\\ufffd" if escaped[1] else escaped[0]


def _item(entry: _Entry, payload: bytes, url: str, language: str | None) -> Item:
    title = tidy(entry.title or "")
    body = tidy(entry.summary or entry.content_text or "") or plain(entry.content_html or "")
    link = web_address(entry.url or entry.external_url, url)
    if not (title or body or link or entry.id):
        raise ValueError("says nothing: no title, text, link or id")
    written = entry.date_published or entry.date_modified
    external_id = str(entry.id or "").strip() or link or hashlib.sha256(payload).hexdigest()
    return Item(
        external_id=short_id(external_id),
        scope=scope_of(external_id, url),
        platform="feed",
        url=link,
        title=title or None,
        text=with_title(title, body),
        published_at=from_iso(written),
        published_raw=tidy(written)[:100] if written else None,
        lang=entry.language or language,
        author=_author(entry),
        media=_media(entry, url),
        payload=payload,
    )


def _author(entry: _Entry) -> str | None:
    named = [*entry.authors, *([entry.author] if entry.author else [])]
    return next((each.name for each in named if each.name), None)


def _media(entry: _Entry, url: str) -> tuple[Attachment, ...]:
    listed: list[tuple[Any, Any, float | None]] = [(entry.image, "image/", None)] if entry.image else []
    listed += [(each.url, each.mime_type, each.duration_in_seconds) for each in entry.attachments]
    found = [(media_kind(mime, None, at), web_address(at, url), lasts) for at, mime, lasts in listed]
    return tuple(Attachment(kind, at, duration_s=lasts) for kind, at, lasts in found if kind and at)
