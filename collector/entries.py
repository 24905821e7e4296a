"""What all feed dialects agree on: an entry's id, its link, its text and what is attached to it."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from collector.batch import Item
from collector.plain import tidy

LONGEST_ID = 1_000


def media_kind(mime: Any, medium: Any, address: Any) -> str | None:
    """image, video or audio by MIME type, Media RSS medium, or the end of the address; None for others."""
    for said in (medium, str(mime or "").partition("/")[0]):
        if said in ("image", "video", "audio"):
            return str(said)
    ending = str(address or "").partition("?")[0].rpartition(".")[2].lower()
    return _ENDINGS.get(ending)


_ENDINGS = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "avif"), "image"),
    **dict.fromkeys(("mp4", "m4v", "mov", "webm", "m3u8"), "video"),
    **dict.fromkeys(("mp3", "m4a", "ogg", "aac"), "audio"),
}


def web_address(link: Any, base: str) -> str | None:
    """A link as an absolute http or https address, None for every other scheme."""
    if not isinstance(link, str) or not link.strip():
        return None
    try:
        found = urljoin(base, tidy(link))
        parts = urlsplit(found)
    except ValueError:
        return None
    return found[:2_000] if parts.scheme in ("http", "https") and parts.netloc else None


def with_title(title: str, body: str) -> str:
    """A text that stands alone: the title as its first line, unless the body says it already."""
    if not title or body.startswith(title):
        return body or title
    return f"{title}\n{body}".strip()


def told_apart(items: Sequence[Item]) -> list[Item]:
    """The items, those by their links that share an id with others of the feed but lead elsewhere: some publishers
    give all their entries one id, and all but one would be taken for known."""
    links: dict[str, set[str | None]] = {}
    for item in items:
        links.setdefault(item.external_id, set()).add(item.url)
    return [
        msgspec.structs.replace(item, external_id=short_id(item.url), scope="")
        if item.url and len(links[item.external_id]) > 1
        else item
        for item in items
    ]


def scope_of(external_id: str, url: str) -> str:
    """Within what an id is unique: everywhere when it is an address or URN, else on the feed's host."""
    whole = re.match(r"(https?://[^/]+/|tag:|urn:|at://)", external_id, re.IGNORECASE)
    return "" if whole else (urlsplit(url).hostname or "")


def short_id(external_id: str) -> str:
    """An id that fits an index: as it is, or the start and a digest of a very long one."""
    external_id = tidy(external_id)
    if len(external_id) <= LONGEST_ID:
        return external_id
    return f"{external_id[:100]}#{hashlib.sha256(external_id.encode()).hexdigest()}"
