"""Hashtags on Mastodon servers, and on whatever else speaks the same interface."""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec

from collector.batch import Batch, CursorPosition, Item, Malformed
from collector.dates import from_iso
from collector.errors import Refused, Unreadable
from collector.http import Http
from collector.patience import left_s
from collector.sources.base import Again, Follows, How, Kind, Needs, Source, Stored, is_gone
from collector.statuses import read_status

PAGE = 40  # the most a server gives
PATIENCE_S = 10.0  # the rest waits for the next time, and what came is kept
MOST = 2_000

KIND = Kind(
    how=How.ASKED,
    needs=Needs.NOTHING,
    basis="public hashtag timelines through the server's documented interface; opt-outs are honoured",
    retention=None,
    deletions=Follows.READ_AGAIN,
    edits=Follows.READ_AGAIN,
    on=True,
    floor=timedelta(minutes=1),
)

_LOGIN = "This server shows hashtags only to its own users: choose another server"
_REMEDIES = {
    401: _LOGIN,
    403: _LOGIN,
    422: _LOGIN,
    404: "The address is no Mastodon server, or has no hashtag timelines: check `url` in sources.toml",
    410: "The server is gone: choose another one",
}


class _Page(NamedTuple):
    statuses: list[msgspec.Raw]
    newest: str | None
    rest_until: datetime | None


class Mastodon(Source):
    """Public posts under one hashtag, as one server knows them.

    GET /api/v1/timelines/tag/:tag (Mastodon docs, "timelines", read 2026-08), newest first. `min_id`
    gives the page right after an id, so paging by it leaves no hole; `since_id` would.
    """

    needs_tag = True

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """All posts newer than `cursor`, oldest first; the newest page when there is none. Raises FetchError."""
        items: list[Item] = []
        malformed: list[Malformed] = []
        patience_s = left_s(2 * PATIENCE_S) / 2
        position, started, more = cursor.position, time.monotonic(), True
        page = _Page([], None, None)
        while more and len(items) < MOST and not page.rest_until and _within(patience_s, started):
            page = self._page(http, position, now)
            self._read(page.statuses, items, malformed)
            more = position is not None and page.newest is not None and page.newest != position
            position = page.newest or position
        return Batch(
            items=items,
            malformed=malformed,
            cursor=CursorPosition(position=position),
            more=more,
            rest_until=page.rest_until,
        )

    def look_again(self, http: Http, stored: Sequence[Stored], *, now: datetime) -> Again:
        """Each status by its id on this server: 404 means deleted (Mastodon docs, "statuses", read 2026-08)."""
        items, gone = [], {}
        for each in stored:
            number = _own_id(each.payload)
            if number is None:
                continue
            url = f"{self.place.url.rstrip('/')}/api/v1/statuses/{quote(number, safe='')}"
            try:
                answer = http.get(url, headers={"Accept": "application/json"}, now=now)
                items.append(read_status(answer.body, urlsplit(self.place.url).hostname or ""))
            except Refused as error:
                if not is_gone(error):
                    raise
                gone[each.external_id] = "deleted by its author"
            except ValueError as error:
                raise Unreadable(f"{url}: did not answer with a post ({error})") from error
        return Again(items, gone)

    def _page(self, http: Http, after: str | None, now: datetime) -> _Page:
        query = urlencode({"limit": str(PAGE), **({"min_id": after} if after else {})})
        tag = quote(self.place.tag or "", safe="")
        url = f"{self.place.url.rstrip('/')}/api/v1/timelines/tag/{tag}?{query}"
        try:
            answer = http.get(url, headers={"Accept": "application/json"}, now=now)
            statuses = msgspec.json.decode(answer.body, type=list[msgspec.Raw])
        except Refused as error:
            raise _explained(error) from error
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Unreadable(f"{self.place.url}: did not answer with a list of posts ({error})") from error
        newest = _linked(answer.headers.get("link", "")) or _newest(statuses)
        return _Page(statuses, newest, _rest(answer.headers, now))

    def _read(self, statuses: list[msgspec.Raw], items: list[Item], malformed: list[Malformed]) -> None:
        host = urlsplit(self.place.url).hostname or ""
        for raw in reversed(statuses):
            try:
                items.append(read_status(bytes(raw), host))
            except ValueError as error:
                malformed.append(Malformed(_id(raw) or "a post without an id", str(error)[:200]))


class _Boost(msgspec.Struct):
    id: str
    reblog: "_Boost | None" = None


def _own_id(payload: bytes | None) -> str | None:
    """The id a stored status has on the server that showed it; of a boost, that of what is boosted."""
    try:
        boost: _Boost = msgspec.json.decode(payload or b"", type=_Boost)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return (boost.reblog or boost).id[:100]


def _within(limit_s: float, started: float) -> bool:
    return time.monotonic() - started < limit_s


class _Mark(msgspec.Struct):
    id: str


def _id(raw: msgspec.Raw) -> str | None:
    try:
        mark: _Mark = msgspec.json.decode(raw, type=_Mark)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return mark.id[:100]


def _newest(statuses: list[msgspec.Raw]) -> str | None:
    """The largest id. Ids grow with time; they are numbers written out, so longer ones are larger."""
    found = [(len(each), each) for each in map(_id, statuses) if each]
    return max(found)[1] if found else None


def _linked(link: str) -> str | None:
    """The `min_id` of the server's own link to the page after this one. Only the id is taken from it."""
    for address in map(str, re.findall(r'<([^<>]{1,2000})>\s*;\s*rel="?prev"?', link[:10_000])):
        try:
            found = parse_qs(urlsplit(address).query).get("min_id")
        except ValueError:
            continue
        if found:
            return found[0][:100]
    return None


def _rest(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Until when the server wants no more requests from us, None while it does."""
    if headers.get("x-ratelimit-remaining", "").strip() != "0":
        return None
    reset = from_iso(headers.get("x-ratelimit-reset"))
    return min(reset, now + timedelta(hours=1)) if reset and reset > now else None


def _explained(error: Refused) -> Refused:
    """The same refusal, with what it means on this interface."""
    remedy = _REMEDIES.get(error.status, error.remedy)
    return Refused(error.cause, status=error.status, remedy=remedy, retry_after=error.retry_after)
