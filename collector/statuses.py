"""Reads one Mastodon status, as the REST interface gives it (Mastodon docs, "Status", read 2026-08)."""

from typing import Any

import msgspec

from collector.batch import Attachment, Item
from collector.dates import from_iso
from collector.entries import short_id, web_address
from collector.plain import plain, tidy


class _Account(msgspec.Struct):
    acct: str = ""
    uri: str | None = None
    url: str | None = None
    noindex: bool | None = None
    indexable: bool | None = None


class _Attached(msgspec.Struct):
    type: str = "unknown"
    url: str | None = None
    remote_url: str | None = None
    description: str | None = None
    meta: dict[str, Any] | None = None


class _Quoted(msgspec.Struct):
    uri: str | None = None


class _Quote(msgspec.Struct):
    quoted_status: _Quoted | None = None


class Status(msgspec.Struct):
    """A status; what we do not read of it is ignored."""

    id: str
    created_at: str | None = None
    edited_at: str | None = None
    uri: str | None = None
    url: str | None = None
    content: str = ""
    spoiler_text: str = ""
    visibility: str = "public"
    language: str | None = None
    in_reply_to_id: str | None = None
    account: _Account = msgspec.field(default_factory=_Account)
    media_attachments: list[_Attached] = []
    reblog: "Status | None" = None
    quote: _Quote | None = None
    reblogs_count: int = 0
    favourites_count: int = 0
    replies_count: int = 0


_KINDS = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}


def read_status(raw: bytes, host: str) -> Item:
    """A status that a server (`host`) showed; of a boost, what is boosted. Raises ValueError, naming the field.

    The id is the status's own address in the network, the same on every server that shows it. What is
    not public, or from an account that asks not to be indexed, comes back as not indexable.
    """
    try:
        status = msgspec.json.decode(raw, type=Status)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    shown = status.reblog or status
    text = plain(shown.content)
    account = shown.account
    return Item(
        external_id=short_id(shown.uri or shown.id),
        scope="" if shown.uri else host,
        platform="mastodon",
        url=web_address(shown.url or shown.uri, f"https://{host}/"),
        text=text,
        published_at=from_iso(shown.created_at),
        published_raw=shown.created_at,
        edited_at=from_iso(shown.edited_at),
        lang=shown.language,
        author=account.uri or account.url or f"{account.acct}@{host}",
        reply_to=shown.in_reply_to_id,
        quote_of=_quoted(shown),
        content_warning=tidy(shown.spoiler_text) or None,
        media=tuple(_media(shown, host)),
        reach=_reach(shown),
        indexable=shown.visibility == "public" and not account.noindex and account.indexable is not False,
        payload=raw,
    )


def _quoted(status: Status) -> str | None:
    return status.quote.quoted_status.uri if status.quote and status.quote.quoted_status else None


def _reach(status: Status) -> dict[str, int]:
    counts = {
        "boosts": status.reblogs_count,
        "likes": status.favourites_count,
        "replies": status.replies_count,
    }
    return {name: count for name, count in counts.items() if 0 < count < 2**53}


def _media(status: Status, host: str) -> list[Attachment]:
    found = []
    for each in status.media_attachments:
        address = web_address(each.url or each.remote_url, f"https://{host}/")
        if address and each.type in _KINDS:
            alt = tidy(each.description or "") or None
            found.append(Attachment(_KINDS[each.type], address, alt=alt, duration_s=_lasts(each)))
    return found


def _lasts(attached: _Attached) -> float | None:
    original = (attached.meta or {}).get("original")
    lasts = original.get("duration") if isinstance(original, dict) else None
    return float(lasts) if isinstance(lasts, int | float) and 0 <= lasts < 10**6 else None
