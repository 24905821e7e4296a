"""Reads one Mastodon status, as the REST interface gives it (Mastodon docs, "Status", read 2026-08)."""

from collections.abc import Iterator
from typing import Any

import msgspec

from collector.batch import Attachment, Item
from collector.dates import from_iso
from collector.entries import short_id, web_address
from collector.interfaces import lasting, shape
from collector.plain import plain, tidy

MOST_CHOICES = 20  # a server allows four by default, others up to twenty


class _Account(msgspec.Struct):
    acct: str = ""
    uri: str | None = None
    url: str | None = None
    noindex: bool | None = None
    indexable: bool | None = None
    discoverable: bool | None = None
    suspended: bool | None = None


class _Attached(msgspec.Struct):
    type: str = "unknown"
    url: str | None = None
    remote_url: str | None = None
    description: str | None = None
    meta: dict[str, Any] | None = None


class _Quoted(msgspec.Struct):
    id: str = ""
    uri: str | None = None


class _Quote(msgspec.Struct):
    """A quote since Mastodon 4.4: `quoted_status`, or deeper inside a page its id alone; servers of other
    makes give the quoted status itself."""

    state: str = "accepted"
    quoted_status: _Quoted | None = None
    quoted_status_id: str | None = None
    uri: str | None = None


class _Choice(msgspec.Struct):
    title: str = ""


class _Poll(msgspec.Struct):
    options: list[_Choice] = []


class _Card(msgspec.Struct):
    url: str | None = None
    title: str = ""
    description: str = ""
    width: float | None = None
    height: float | None = None


class Status(msgspec.Struct):
    """A status; what we do not read of it is ignored."""

    id: str
    created_at: str | None = None
    edited_at: str | None = None
    uri: str | None = None
    url: str | None = None
    content: str = ""
    spoiler_text: str = ""
    sensitive: bool = False
    visibility: str = "public"
    language: str | None = None
    in_reply_to_id: str | None = None
    account: _Account = msgspec.field(default_factory=_Account)
    media_attachments: list[_Attached] = []
    quote: _Quote | None = None
    poll: _Poll | None = None
    card: _Card | None = None
    reblogs_count: int = 0
    favourites_count: int = 0
    replies_count: int = 0


class _Boost(msgspec.Struct):
    reblog: msgspec.Raw = msgspec.Raw(b"null")


_KINDS = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}


def read_status(raw: bytes, host: str) -> Item:
    """A status that a server (`host`) showed; of a boost, what is boosted, as if it had been shown itself.

    Raises ValueError, naming the field. The id is the status's own address in the network, the same on every
    server that shows it. What is not public, or from an account that asks not to be found, comes back as not
    indexable. The options of a poll are words of its author and stand in the text, one a line.
    """
    try:
        raw = _boosted(raw)
        shown = msgspec.json.decode(raw, type=Status)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    account = shown.account
    choices = (
        f"\n- {tidy(each.title)}" for each in (shown.poll.options if shown.poll else ())[:MOST_CHOICES]
    )
    return Item(
        external_id=short_id(shown.uri or shown.id),
        scope="" if shown.uri else host,
        platform="mastodon",
        url=web_address(shown.url or shown.uri, f"https://{host}/"),
        text=plain(shown.content) + "".join(choices),
        published_at=from_iso(shown.created_at),
        published_raw=shown.created_at,
        edited_at=from_iso(shown.edited_at),
        lang=shown.language,
        author=account.uri or account.url or f"{account.acct}@{host}",
        reply_to=_on(host, shown.in_reply_to_id),
        quote_of=_quoted(shown.quote, host),
        content_warning=tidy(shown.spoiler_text) or ("sensitive" if shown.sensitive else None),
        media=tuple(_media(shown, host)),
        reach=_reach(shown),
        indexable=shown.visibility == "public" and _may_be_found(account),
        payload=raw,
    )


def _boosted(raw: bytes) -> bytes:
    """What a boost boosts, byte for byte, without who boosted it; any other status as it is."""
    inner = bytes(msgspec.json.decode(raw, type=_Boost).reblog)
    return raw if inner == b"null" else inner


def _may_be_found(account: _Account) -> bool:
    """Whether an account lets its public posts be searched. Servers that do not know `indexable` may still say
    that it does not want to be discovered."""
    if account.noindex or account.suspended:
        return False
    return account.discoverable is not False if account.indexable is None else account.indexable


def _on(host: str, number: str | None) -> str | None:
    """The address of a status that is named by its number on one server."""
    return f"https://{host}/api/v1/statuses/{number[:100]}" if number else None


def _quoted(quote: _Quote | None, host: str) -> str | None:
    """What is quoted, when its author allows it; by its own address where the server gives that."""
    if quote is None or quote.state != "accepted":
        return None
    inner = quote.quoted_status
    if inner is None:
        return quote.uri or _on(host, quote.quoted_status_id)
    return inner.uri or _on(host, inner.id)


def _reach(status: Status) -> dict[str, int]:
    counts = {
        "boosts": status.reblogs_count,
        "likes": status.favourites_count,
        "replies": status.replies_count,
    }
    return {name: count for name, count in counts.items() if 0 < count < 2**53}


def _media(status: Status, host: str) -> Iterator[Attachment]:
    for each in status.media_attachments:
        address = web_address(each.url or each.remote_url, f"https://{host}/")
        if address and each.type in _KINDS:
            original = _original(each)
            alt = tidy(each.description or "") or None
            yield Attachment(
                _KINDS[each.type], address, alt, lasting(original.get("duration")), _aspect(original)
            )
    card = status.card
    address = web_address(card.url, f"https://{host}/") if card else None
    if card and address:
        said = tidy(f"{card.title}\n{card.description}") or None
        yield Attachment("link", address, said, aspect=shape(card.width, card.height))


def _original(attached: _Attached) -> dict[str, Any]:
    found = (attached.meta or {}).get("original")
    return found if isinstance(found, dict) else {}


def _aspect(original: dict[str, Any]) -> float | None:
    return shape(original.get("width"), original.get("height")) or shape(original.get("aspect"), 1)
