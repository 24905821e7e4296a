"""Threads, searched through Meta's interface. Needs App Review and a recorded agreement; off.

GET /v1.0/keyword_search (Threads API documentation, read 2026-08): the newest posts of a term, paged by cursors.
Terms that Meta calls sensitive bring back nothing, without saying so.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from collector.batch import Attachment, Batch, CursorPosition, Item, Malformed
from collector.dates import from_iso
from collector.entries import web_address
from collector.errors import NoKey, Refused
from collector.http import Http
from collector.interfaces import PAGES, ask, explained
from collector.plain import tidy
from collector.sources.base import Again, Follows, How, Kind, Needs, Source, Stored, is_gone

PLATFORM = "threads"
FIELDS = "id,text,media_type,media_url,permalink,timestamp,username,is_reply,is_quote_post,alt_text"

KIND = Kind(
    how=How.ASKED,
    needs=Needs.AGREEMENT,
    basis="Threads API keyword search after App Review; Meta's terms forbid surveillance: only by agreement",
    retention=None,
    deletions=Follows.READ_AGAIN,
    edits=Follows.READ_AGAIN,
    on=False,
    floor=timedelta(minutes=5),
)
_REMEDIES = {
    400: "Check GOLDENHOUR_COLLECT__THREADS_TOKEN and the term: Meta says 400 for both",
    401: "Renew GOLDENHOUR_COLLECT__THREADS_TOKEN",
    403: "The token lacks threads_keyword_search: App Review decides on it",
}
_MEDIA = {"IMAGE": "image", "VIDEO": "video"}


class Thread(msgspec.Struct):
    """A post of Threads, as far as we need it."""

    id: str
    text: str = ""
    media_type: str = ""
    media_url: str | None = None
    permalink: str | None = None
    timestamp: str = ""
    username: str | None = None
    alt_text: str | None = None


class _Cursors(msgspec.Struct):
    after: str | None = None


class _Paging(msgspec.Struct):
    cursors: _Cursors = msgspec.field(default_factory=_Cursors)


class Found(msgspec.Struct):
    """A page of a search."""

    data: list[msgspec.Raw] = []
    paging: _Paging = msgspec.field(default_factory=_Paging)


class Threads(Source):
    """One search. `url` is https://graph.threads.net."""

    takes_term = True
    needs_term = True

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """Posts newer than the newest read before, oldest first. Raises FetchError."""
        if "threads" not in self.place.keys:
            raise NoKey("Threads", "THREADS_TOKEN")
        headers = {"Authorization": f"Bearer {self.place.keys['threads']}"}
        since = cursor.position or str(int((now - timedelta(days=1)).timestamp()))
        query = {"q": self.place.term or "", "search_type": "RECENT", "fields": FIELDS, "limit": "50"}
        items: list[Item] = []
        malformed: list[Malformed] = []
        after: str | None = None
        address = f"{self.place.url.rstrip('/')}/v1.0/keyword_search"
        for _ in range(PAGES):
            paged = query | {"since": since} | ({"after": after} if after else {})
            try:
                page, _answer = ask(http, address, paged, Found, headers=headers, now=now)
            except Refused as error:
                raise explained(error, _REMEDIES) from error
            _read(page.data, items, malformed)
            after = page.paging.cursors.after if page.data else None
            if not after:
                break
        seconds = [int(item.published_at.timestamp()) for item in items if item.published_at]
        position = CursorPosition(position=str(max([int(since), *seconds])))
        return Batch(items=items[::-1], malformed=malformed, cursor=position)

    def look_again(self, http: Http, stored: Sequence[Stored], *, now: datetime) -> Again:
        """Each post by its id; one that is not there is deleted or not public any more."""
        headers = {"Authorization": f"Bearer {self.place.keys.get('threads', '')}"}
        items: list[Item] = []
        gone = {}
        for each in stored:
            address = f"{self.place.url.rstrip('/')}/v1.0/{quote(each.external_id, safe='')}"
            try:
                page, answer = ask(http, address, {"fields": FIELDS}, Thread, headers=headers, now=now)
                items.append(read_thread(page, answer.body))
            except Refused as error:
                if not is_gone(error):
                    raise explained(error, _REMEDIES) from error
                gone[each.external_id] = "gone from Threads"
        return Again(items, gone)


def _read(raws: list[msgspec.Raw], items: list[Item], malformed: list[Malformed]) -> None:
    for raw in raws:
        try:
            items.append(read_thread(msgspec.json.decode(raw, type=Thread), bytes(raw)))
        except (msgspec.DecodeError, RecursionError) as error:
            malformed.append(Malformed("a post of Threads", str(error)[:200]))


def read_thread(thread: Thread, raw: bytes) -> Item:
    """A post as the search gives it."""
    address = web_address(thread.media_url, "") if thread.media_url else None
    kind = _MEDIA.get(thread.media_type)
    return Item(
        external_id=thread.id,
        platform=PLATFORM,
        url=web_address(thread.permalink, ""),
        text=tidy(thread.text),
        published_at=from_iso(thread.timestamp),
        published_raw=thread.timestamp[:100] or None,
        author=thread.username,
        media=(Attachment(kind, address, thread.alt_text),) if kind and address else (),
        payload=raw,
    )
