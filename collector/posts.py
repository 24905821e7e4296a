"""A post as a line of JSON: the plain form in which people keep and exchange collections."""

import hashlib
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from collector.batch import Item
from collector.dates import EARLIEST, from_iso
from collector.entries import scope_of, short_id, web_address
from collector.plain import tidy

IDS = ("id", "id_str", "external_id", "uri", "guid")
TEXTS = ("text", "full_text", "content", "body", "message")
TITLES = ("title", "headline")
SUMMARIES = ("description", "summary", "standfirst")
TIMES = ("published", "published_at", "created_at", "date", "datetime", "time", "timestamp", "pubdate")
LINKS = ("url", "link", "permalink", "href")
SOURCES = ("source", "outlet", "feed", "publisher")
AUTHORS = ("author", "user", "username", "account")
LANGUAGES = ("lang", "language")

# An escaped backslash, an escaped pair of halves, or one half alone.
_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_PLATFORM = re.compile(r"[a-z][a-z0-9_-]{0,29}")


def read_post(raw: bytes) -> tuple[Item, str | None]:
    """The post, and the source it names. Raises ValueError, saying what is wrong.

    Needs a text, or a title. Ids that are no addresses are only unique within their source, and count as
    the same post only with the same words: collections number their posts from 1, each its own.
    """
    row = _decoded(raw)
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    row = {str(name).lower(): value for name, value in row.items()}
    title, text = _words(row)
    source = _short(_first(row, SOURCES), 100)
    link = web_address(_first(row, LINKS), "")
    given = _id(row)
    written = _first(row, TIMES)
    external_id = given or link or hashlib.sha256(f"{written}\0{text}".encode()).hexdigest()
    platform = _platform(row, external_id)
    item = Item(
        external_id=short_id(external_id),
        scope=_scope(external_id, source, text),
        platform=platform,
        url=link,
        title=title,
        text=text,
        published_at=_time(written),
        published_raw=str(written)[:100] if isinstance(written, str | int | float) else None,
        lang=_short(_first(row, LANGUAGES), 35),
        author=_short(_first(row, AUTHORS), 300),
        payload=raw,
    )
    return item, source


def _decoded(raw: bytes) -> Any:
    """The JSON value, with half characters replaced: other programs write them and no reader takes them."""
    if b"\\ud" in raw or b"\\uD" in raw:
        raw = _ESCAPES.sub(lambda found: found[0] if len(found[0]) != 6 else b"\\ufffd", raw)
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not JSON ({error})") from error


def _words(row: dict[str, Any]) -> tuple[str | None, str]:
    title = _short(_first(row, TITLES), 1_000)
    text = tidy(_first(row, TEXTS) or "")
    if text:
        return title, text
    summary = tidy(_first(row, SUMMARIES) or "")
    if not (title or summary):
        raise ValueError(
            f"says nothing: none of {', '.join((*TEXTS[:1], *TITLES[:1], *SUMMARIES[:1]))} is a text"
        )
    return title, " — ".join(part for part in (title, summary) if part)


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The first of these that is a text with something in it, or for times and ids a number."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and names in (TIMES, IDS):
            return value
    return None


def _id(row: dict[str, Any]) -> str | None:
    found = _first(row, IDS)
    if isinstance(found, float) and not math.isfinite(found):
        raise ValueError("its id is not a number")
    return tidy(str(found)) or None if found is not None else None


def _platform(row: dict[str, Any], external_id: str) -> str:
    named = row.get("platform")
    if isinstance(named, str) and _PLATFORM.fullmatch(named.lower()):
        return named.lower()
    if external_id.startswith("at://"):
        return "bluesky"
    return "feed" if external_id.startswith(("http://", "https://")) else "file"


def _scope(external_id: str, source: str | None, text: str) -> str:
    if not scope_of(external_id, "https://file.invalid/"):
        return ""
    return f"{source or ''}#{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _time(written: Any) -> datetime | None:
    """ISO 8601, RFC 822, or seconds or milliseconds since 1970; None for anything else."""
    if isinstance(written, str):
        found = from_iso(written.strip()[:100])
        if found is not None:
            return found
        if written.strip().isdecimal():
            return _counted(float(written.strip()[:20]))
        try:
            parsed = parsedate_to_datetime(written[:100])
        except (ValueError, TypeError, OverflowError):
            return None
        parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        return parsed if parsed >= EARLIEST else None
    return _counted(float(written)) if isinstance(written, int | float) and abs(written) < 1e15 else None


def _counted(seconds: float) -> datetime | None:
    seconds = seconds / 1000 if seconds > 1e11 else seconds
    return datetime.fromtimestamp(seconds, UTC) if 0 <= seconds < 2**33 else None


def _short(value: Any, longest: int) -> str | None:
    return tidy(value)[:longest] or None if isinstance(value, str) else None
