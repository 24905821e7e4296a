"""Reads one feed: RSS 0.9 to 2.0, RDF, Atom or JSON Feed, from bytes to items. No network here."""

import hashlib
import html
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin

import feedparser

from collector.batch import Attachment, Item, Malformed
from collector.bounds import MOST_ENTRIES, bounded, places_of_entries
from collector.dates import from_utc, read_by_hand, read_named_zone
from collector.entries import media_kind, scope_of, short_id, told_apart, web_address, with_title
from collector.errors import Unreadable
from collector.jsonfeed import is_json, read_json_feed
from collector.plain import plain, tidy

for reads in (read_by_hand, read_named_zone):
    feedparser.registerDateHandler(reads)

_REFERENCE = re.compile(
    rb"&#(?:(\d{6,})|x([\da-f]{6,}));?", re.IGNORECASE
)  # to a character that may not be one
_CODE = re.compile(rb"(?:<|&lt;)\s*/?\s*(?:script|style|applet)\b", re.IGNORECASE)


class Feed(NamedTuple):
    """What a feed holds: at most `MOST_ENTRIES` items, in the feed's order, and those that could not be read."""

    items: list[Item]
    malformed: list[Malformed]


def read_feed(body: bytes, headers: Mapping[str, str], url: str) -> Feed:
    """The items of a feed that was fetched from `url`, with the headers it came with.

    Titles and texts are plain text; links are absolute http or https addresses, or None. An item's text
    begins with its title. Raises Unreadable for what is no feed, and for feeds built to exhaust a reader.
    """
    if not body.strip():
        raise Unreadable("the answer is empty", remedy="Wait; if it stays, look for the feed's new address")
    if is_json(body):
        items, malformed = read_json_feed(body, url)
        return Feed(told_apart(items), malformed)
    body = _REFERENCE.sub(_real, bounded(body))
    parsed = _parse(body, headers, url)
    if not parsed.entries and not parsed.version:
        raise Unreadable(_what_else(body))
    language = _text(parsed.feed, "language")
    items, malformed = [], []
    for number, (entry, payload) in enumerate(_with_payloads(parsed.entries, body), 1):
        try:
            items.append(_item(entry, payload, url, language))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            malformed.append(Malformed(f"entry {number}", str(error)[:200]))
    return Feed(told_apart(items), malformed)


def _real(reference: re.Match[bytes]) -> bytes:
    """A reference to a character, as it stands; of one beyond all characters, which breaks parsers, to none."""
    digits, base = (reference[1], 10) if reference[1] else (reference[2], 16)
    digits = digits.lstrip(b"0") or b"0"
    return reference[0] if len(digits) < 8 and int(digits, base) <= sys.maxunicode else b"&#65533;"


def _parse(body: bytes, headers: Mapping[str, str], url: str) -> Any:
    known = {name.lower(): value for name, value in headers.items()}
    known["content-location"] = urljoin(url, known.get("content-location", "")) or url
    try:
        return feedparser.parse(
            io.BytesIO(body),
            response_headers=known,
            sanitize_html=_CODE.search(body) is not None,  # takes three times as long
            resolve_relative_uris=False,
        )
    except MemoryError:
        raise
    except Exception as error:  # a third party's parser over a stranger's bytes
        raise Unreadable(f"the feed cannot be parsed ({type(error).__name__})") from error


def _item(entry: Any, payload: bytes, url: str, language: str | None) -> Item:
    title = _plain(entry.get("title_detail"), entry.get("title"))
    body = _body(entry)
    link = web_address(_text(entry, "link"), url)
    if not entry:
        raise ValueError("says nothing")
    external_id = _text(entry, "id") or link or _text(entry, "link") or hashlib.sha256(payload).hexdigest()
    written = _text(entry, "published") or _own(entry, "updated") or _text(entry, "created")
    parsed = _own(entry, "published_parsed") or _own(entry, "updated_parsed") or _own(entry, "created_parsed")
    return Item(
        external_id=short_id(external_id),
        scope=scope_of(external_id, url),
        platform="feed",
        url=link,
        title=title or None,
        text=with_title(title, body),
        published_at=from_utc(parsed),
        published_raw=tidy(written)[:100] if written else None,
        lang=_own(entry.get("title_detail") or {}, "language") or language,
        author=_text(entry, "author"),
        media=tuple(_media(entry, url)),
        payload=payload,
    )


def _body(entry: Any) -> str:
    """The summary, else the first content that says something."""
    summary = _plain(entry.get("summary_detail"), entry.get("summary"))
    if summary:
        return summary
    for content in entry.get("content") or ():
        found = _plain(content, content.get("value"))
        if found:
            return found
    return ""


def _plain(detail: Any, value: Any) -> str:
    if not isinstance(value, str):
        return ""
    if isinstance(detail, dict) and detail.get("type") == "text/plain":
        return tidy(html.unescape(value))
    return plain(value)


def _media(entry: Any, url: str) -> Iterator[Attachment]:
    """Enclosures and Media RSS contents that are pictures, films or sound, each address once."""
    seen = set()
    found = [*(entry.get("enclosures") or ()), *(entry.get("media_content") or ())]
    for each in found:
        kind = media_kind(each.get("type"), each.get("medium"), each.get("href") or each.get("url"))
        address = web_address(each.get("href") or each.get("url"), url)
        if kind and address and address not in seen:
            seen.add(address)
            yield Attachment(kind, address, duration_s=_seconds(each.get("duration")))
    for each in entry.get("media_thumbnail") or ():
        address = web_address(each.get("url"), url)
        if address and not seen:
            seen.add(address)
            yield Attachment("image", address)


def _text(entry: Any, key: str) -> str | None:
    value = entry.get(key) if hasattr(entry, "get") else None
    return value.strip() or None if isinstance(value, str) else None


def _own(entry: Any, key: str) -> Any:
    """A value under its own name: feedparser answers `updated` with `published` when there is none."""
    return dict.get(entry, key)


def _seconds(duration: Any) -> float | None:
    try:
        found = float(duration)
    except (TypeError, ValueError):
        return None
    return found if 0 <= found < 10**6 else None


def _with_payloads(entries: list[Any], body: bytes) -> Iterator[tuple[Any, bytes]]:
    """Each entry with its own bytes as they came, or as they were read where those cannot be told apart."""
    places = places_of_entries(body)
    exact = len(places) == len(entries)
    for number, entry in enumerate(entries[:MOST_ENTRIES]):
        if exact:
            start, end = places[number]
            yield entry, body[start:end]
        else:
            yield entry, json.dumps(entry, default=str, ensure_ascii=True).encode()


def _what_else(body: bytes) -> str:
    start = body[:2_000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start:
        login = re.search(rb"<input[^<>]{0,500}type\s*=\s*[\"']?password", body[:200_000], re.IGNORECASE)
        return f"the address answers with {'a login' if login else 'a web'} page, not a feed"
    return "the answer is not a feed"
