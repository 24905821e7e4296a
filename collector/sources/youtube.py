"""YouTube: the feeds of known channels without a key; searches and the comments of one video with a key.

A place whose address ends in videos.xml is a channel's feed. Any other is the base address of the Data API v3
(https://www.googleapis.com/youtube/v3), asked for a `term`; the term `comments:ID` reads the comments of a
video. Terms of the interface: stored data is refreshed or gone within 30 days, films are not downloaded.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from collector.batch import Attachment, Batch, CursorPosition, Item, Malformed
from collector.dates import from_iso
from collector.errors import NoKey, Refused
from collector.http import Http
from collector.interfaces import PAGES, ask, explained
from collector.quotas import Meter
from collector.sources.base import Again, Follows, How, Kind, Needs, Source, Stored
from collector.sources.feed import Feed
from collector.youtube import (
    COMMENT,
    PLATFORM,
    VIDEO_ID,
    Page,
    Search,
    read_comment,
    read_single_comment,
    read_video,
    watch_url,
)

COMMENTS = "comments:"
API = "https://www.googleapis.com/youtube/v3"
FIRST_LOOK = timedelta(days=1)
T = TypeVar("T")

KIND = Kind(
    how=How.ASKED,
    needs=Needs.NOTHING,
    basis="channel feeds; YouTube Data API v3 under its terms with a key: refreshed by day 25, gone by day 30",
    retention=timedelta(days=30),
    deletions=Follows.READ_AGAIN,
    edits=Follows.READ_AGAIN,
    on=True,
    floor=timedelta(minutes=10),
)

_REMEDIES = {
    400: "Check GOLDENHOUR_COLLECT__YOUTUBE_KEY: YouTube does not know it",
    403: "The key may not do this, or its daily allowance is used up: look at the key's quota page",
    404: "The video is gone or takes no comments: disable the source",
}
_OUTAGE = "Wait: YouTube's feeds fail for days at a time and come back. Only if the channel itself is gone, disable it"


class Mark(msgspec.Struct, omit_defaults=True):
    """Where a search stands: asked for what is newer than `after`; `page` is set in the middle of its pages."""

    after: str
    newest: str = ""
    page: str | None = None


class YouTube(Source):
    """A channel's feed, a search, or the comments of one video."""

    takes_term = True
    together = 50

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """What is new, oldest first. Raises FetchError."""
        if not self.place.term:
            return self._feed(http, cursor, now)
        if "youtube" not in self.place.keys:
            raise NoKey("YouTube's search", "YOUTUBE_KEY")
        video = self.place.term.removeprefix(COMMENTS)
        if video != self.place.term:
            return self._comments(http, video, cursor, now)
        return self._search(http, cursor, now)

    def _feed(self, http: Http, cursor: CursorPosition, now: datetime) -> Batch:
        try:
            batch = Feed(self.place).fetch(http, cursor, now=now)
        except Refused as error:
            outage = {status: _OUTAGE for status in (404, 500, 503)}
            raise explained(error, outage) from error
        return msgspec.structs.replace(batch, items=[_as_video(item) for item in batch.items])

    def _search(self, http: Http, cursor: CursorPosition, now: datetime) -> Batch:
        """Pages of search.list, newest first, and what videos.list says of what they found.

        The mark moves on when the last page is read, or stands in the middle of the pages.
        """
        mark = _mark(cursor, now)
        items: list[Item] = []
        malformed: list[Malformed] = []
        for _ in range(PAGES):
            found = self._ask(
                http,
                "search",
                {
                    "part": "snippet",
                    "type": "video",
                    "order": "date",
                    "maxResults": "50",
                    "regionCode": "GB",
                    "q": self.place.term or "",
                    "publishedAfter": mark.after,
                    **({"pageToken": mark.page} if mark.page else {}),
                },
                Search,
                now,
            )
            mark.newest = max([mark.newest, *(each.snippet.published_at for each in found.items)])
            if found.videos():
                query = {"part": "snippet,statistics,contentDetails,status", "id": ",".join(found.videos())}
                shown = self._ask(http, "videos", query, Page, now)
                _read(shown.items, read_video, items, malformed)
            mark.page = found.next_page_token
            if not mark.page:
                mark = Mark(after=_just_after(mark.newest) or mark.after)
                break
        position = CursorPosition(position=msgspec.json.encode(mark).decode())
        more = mark.page is not None
        return Batch(items=items[::-1], malformed=malformed, cursor=position, more=more)

    def _comments(self, http: Http, video: str, cursor: CursorPosition, now: datetime) -> Batch:
        """Pages of commentThreads.list, newest first, back to the newest one read before."""
        until = from_iso(cursor.position) if cursor.position else None
        items: list[Item] = []
        malformed: list[Malformed] = []
        page: str | None = None
        for _ in range(PAGES):
            query = {"part": "snippet", "videoId": video, "order": "time", "maxResults": "100"}
            paged = query | ({"pageToken": page} if page else {})
            found = self._ask(http, "commentThreads", paged, Page, now)
            _read(found.items, read_comment, items, malformed)
            page = found.next_page_token
            oldest = items[-1].published_at if items else None
            if not page or (until and oldest and oldest <= until):
                break
        dates = [item.published_at for item in items if item.published_at]
        newest = max([*dates, *([until] if until else [])], default=None)
        position = CursorPosition(position=newest.isoformat()) if newest else None
        return Batch(items=items[::-1], malformed=malformed, cursor=position)

    def look_again(self, http: Http, stored: Sequence[Stored], *, now: datetime) -> Again:
        """What videos.list and comments.list say now; what they leave out is removed or private.

        Without a key nothing can be said: then what is stored goes by itself after 30 days.
        """
        if "youtube" not in self.place.keys:
            return Again(looked=False)
        base = API if self.place.url.partition("?")[0].endswith("videos.xml") else self.place.url
        items: list[Item] = []
        comments = [each.external_id for each in stored if each.external_id.startswith(COMMENT)]
        videos = [each.external_id for each in stored if VIDEO_ID.fullmatch(each.external_id)]
        if videos:
            query = {"part": "snippet,statistics,contentDetails,status", "id": ",".join(videos)}
            _read(self._ask(http, "videos", query, Page, now, base).items, read_video, items, [])
        if comments:
            query = {"part": "snippet", "id": ",".join(each.removeprefix(COMMENT) for each in comments)}
            _read(self._ask(http, "comments", query, Page, now, base).items, read_single_comment, items, [])
        there = {item.external_id for item in items}
        gone = dict.fromkeys(
            [each for each in (*videos, *comments) if each not in there], "removed from YouTube"
        )
        return Again(items, gone)

    def _ask(
        self,
        http: Http,
        method: str,
        query: Mapping[str, str],
        kind: type[T],
        now: datetime,
        base: str | None = None,
    ) -> T:
        meter = self.place.meter or Meter()
        meter.spend("youtube search" if method == "search" else "youtube", now=now)
        address = f"{(base or self.place.url).rstrip('/')}/{method}"
        try:
            return ask(
                http, address, query, kind, headers={"X-Goog-Api-Key": self.place.keys["youtube"]}, now=now
            )[0]
        except Refused as error:
            raise explained(error, _REMEDIES) from error


def _mark(cursor: CursorPosition, now: datetime) -> Mark:
    try:
        return msgspec.json.decode(cursor.position or "", type=Mark)
    except msgspec.DecodeError:
        return Mark(after=_rfc3339(now - FIRST_LOOK))


def _just_after(newest: str) -> str | None:
    at = from_iso(newest)
    return _rfc3339(at + timedelta(seconds=1)) if at else None


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(
    raws: list[msgspec.Raw], read: Callable[[bytes], Item], items: list[Item], malformed: list[Malformed]
) -> None:
    for raw in raws:
        try:
            items.append(read(bytes(raw)))
        except ValueError as error:
            malformed.append(Malformed("an item of YouTube", str(error)[:200]))


def _as_video(item: Item) -> Item:
    """A feed's entry as the video it is about; the same id as from the interface."""
    found = re.fullmatch(r"yt:video:(.+)", item.external_id)
    if not found or not VIDEO_ID.fullmatch(found[1]):
        return item
    film = Attachment("video", watch_url(found[1]))
    pictures = tuple(each for each in item.media if each.kind == "image")
    return msgspec.structs.replace(
        item,
        platform=PLATFORM,
        external_id=found[1],
        scope="",
        url=watch_url(found[1]),
        media=(film, *pictures),
    )
