"""X, searched through its interface v2. Needs a recorded agreement for this use; off.

GET /2/tweets/search/recent, the last seven days, paged by `next_token` (X developer documentation, read 2026-08).
Its developer agreement forbids watching sensitive events and needs an Enterprise plan before anything is shown to
a government user: see docs/data-protection.md.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from collector.batch import Attachment, Batch, CursorPosition, Item, Malformed
from collector.dates import from_iso
from collector.errors import NoKey, Refused
from collector.http import Http
from collector.interfaces import PAGES, ask, counts, explained, rest_until, shape
from collector.plain import tidy
from collector.sources.base import Again, Follows, How, Kind, Needs, Source, Stored

PLATFORM = "x"
FIELDS = {
    "tweet.fields": "created_at,lang,referenced_tweets,public_metrics,attachments,edit_history_tweet_ids,"
    "possibly_sensitive,author_id,note_tweet,withheld",
    "expansions": "attachments.media_keys",
    "media.fields": "url,preview_image_url,type,alt_text,duration_ms,width,height",
}

KIND = Kind(
    how=How.ASKED,
    needs=Needs.AGREEMENT,
    basis="X API v2 under a contract that names this use; never without one, never by scraping",
    retention=None,
    deletions=Follows.READ_AGAIN,
    edits=Follows.READ_AGAIN,
    on=False,
    floor=timedelta(minutes=1),
)
_REMEDIES = {
    400: "Mend the term: X does not take it as it is",
    401: "Check GOLDENHOUR_COLLECT__X_TOKEN: X does not know it",
    403: "X refuses: the plan does not allow this search, or the agreement has ended",
}


class _Reference(msgspec.Struct):
    type: str = ""
    id: str = ""


class _Attached(msgspec.Struct):
    media_keys: list[str] = []


class _Note(msgspec.Struct):
    text: str = ""


class _Withheld(msgspec.Struct):
    country_codes: list[str] = []


class Tweet(msgspec.Struct):
    """A post of X, as far as we need it. `edit_history_tweet_ids` begins with the id it was first written under;
    of a long post `note_tweet` has all words and `text` the first.
    """

    id: str
    text: str = ""
    created_at: str = ""
    lang: str | None = None
    author_id: str | None = None
    possibly_sensitive: bool = False
    referenced_tweets: list[_Reference] = []
    public_metrics: dict[str, Any] = {}
    attachments: _Attached = msgspec.field(default_factory=_Attached)
    edit_history_tweet_ids: list[str] = []
    note_tweet: _Note | None = None
    withheld: _Withheld | None = None


class _Media(msgspec.Struct):
    media_key: str = ""
    type: str = ""
    url: str | None = None
    preview_image_url: str | None = None
    alt_text: str | None = None
    duration_ms: float | None = None
    width: float | None = None
    height: float | None = None


class _Includes(msgspec.Struct):
    media: list[_Media] = []


class _Meta(msgspec.Struct):
    newest_id: str | None = None
    next_token: str | None = None


class Tweets(msgspec.Struct):
    """A page of posts with what they refer to."""

    data: list[msgspec.Raw] = []
    includes: _Includes = msgspec.field(default_factory=_Includes)
    meta: _Meta = msgspec.field(default_factory=_Meta)


class Mark(msgspec.Struct, omit_defaults=True):
    """Where a search stands: newer than `since`; `page` and `newest` are set in the middle of its pages."""

    since: str = ""
    newest: str = ""
    page: str = ""


class X(Source):
    """One search. `url` is https://api.x.com."""

    takes_term = True
    needs_term = True
    together = 100

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """Posts newer than the newest read before, oldest first. Raises FetchError."""
        if "x" not in self.place.keys:
            raise NoKey("X", "X_TOKEN")
        mark = _mark(cursor)
        items: list[Item] = []
        malformed: list[Malformed] = []
        rest = None
        for _ in range(PAGES):
            page, rest = self._page(http, mark, now)
            _read(page, items, malformed)
            mark.newest = max(mark.newest, page.meta.newest_id or "", key=lambda each: (len(each), each))
            mark.page = page.meta.next_token or ""
            if not mark.page:
                mark = Mark(since=mark.newest or mark.since)
                break
            if rest:
                break
        return Batch(
            items=items[::-1],
            malformed=malformed,
            cursor=CursorPosition(position=msgspec.json.encode(mark).decode()),
            more=bool(mark.page),
            rest_until=rest,
        )

    def look_again(self, http: Http, stored: Sequence[Stored], *, now: datetime) -> Again:
        """What GET /2/tweets says now; what it leaves out is deleted, protected or withheld."""
        if "x" not in self.place.keys:
            raise NoKey("X", "X_TOKEN")
        query = {"ids": ",".join(_latest_id(each) for each in stored), **FIELDS}
        headers = {"Authorization": f"Bearer {self.place.keys['x']}"}
        try:
            address = f"{self.place.url.rstrip('/')}/2/tweets"
            page, _answer = ask(http, address, query, Tweets, headers=headers, now=now)
        except Refused as error:
            raise explained(error, _REMEDIES) from error
        items: list[Item] = []
        _read(page, items, [])
        there = {item.external_id for item in items}
        missing = [each.external_id for each in stored if each.external_id not in there]
        return Again(items, dict.fromkeys(missing, "gone from X"))

    def _page(self, http: Http, mark: Mark, now: datetime) -> tuple[Tweets, datetime | None]:
        query = {"query": f"({self.place.term}) -is:retweet", "max_results": "100", **FIELDS}
        query |= {"since_id": mark.since} if mark.since else {}
        query |= {"next_token": mark.page} if mark.page else {}
        address = f"{self.place.url.rstrip('/')}/2/tweets/search/recent"
        headers = {"Authorization": f"Bearer {self.place.keys['x']}"}
        try:
            page, answer = ask(http, address, query, Tweets, headers=headers, now=now)
        except Refused as error:
            raise explained(error, _REMEDIES) from error
        remaining, reset = (
            answer.headers.get("x-rate-limit-remaining"),
            answer.headers.get("x-rate-limit-reset"),
        )
        return page, rest_until(remaining, reset, epoch=True, now=now)


def _latest_id(stored: Stored) -> str:
    """The id of the wording we have; asked for it, X says how the post stands now."""
    try:
        return msgspec.json.decode(stored.payload or b"", type=Tweet).id
    except (msgspec.DecodeError, RecursionError):
        return stored.external_id


def _mark(cursor: CursorPosition) -> Mark:
    try:
        return msgspec.json.decode(cursor.position or "", type=Mark)
    except msgspec.DecodeError:
        return Mark()


def _read(page: Tweets, items: list[Item], malformed: list[Malformed]) -> None:
    media = {each.media_key: each for each in page.includes.media}
    for raw in page.data:
        try:
            tweet = msgspec.json.decode(raw, type=Tweet)
        except (msgspec.DecodeError, RecursionError) as error:
            malformed.append(Malformed("a post of X", str(error)[:200]))
            continue
        items.append(read_tweet(tweet, bytes(raw), media))


def read_tweet(tweet: Tweet, raw: bytes, media: dict[str, _Media]) -> Item:
    """A post as it stands now, under the id it was first written with."""
    first = tweet.edit_history_tweet_ids[0] if tweet.edit_history_tweet_ids else tweet.id
    written = from_iso(tweet.created_at)
    referred = {each.type: each.id for each in tweet.referenced_tweets}
    reach = tweet.public_metrics
    return Item(
        external_id=first,
        platform=PLATFORM,
        url=f"https://x.com/i/web/status/{tweet.id}",
        text=tidy((tweet.note_tweet and tweet.note_tweet.text) or tweet.text),
        published_at=written,
        published_raw=tweet.created_at[:100] or None,
        edited_at=written if tweet.id != first else None,
        lang=tweet.lang,
        author=tweet.author_id,
        reply_to=referred.get("replied_to"),
        quote_of=referred.get("quoted"),
        content_warning="sensitive" if tweet.possibly_sensitive else None,
        media=tuple(_media([media[key] for key in tweet.attachments.media_keys if key in media])),
        reach=counts(
            likes=reach.get("like_count"),
            reposts=reach.get("retweet_count"),
            views=reach.get("impression_count"),
        ),
        indexable=not tweet.withheld or not {"GB", "XX", "XY"} & set(tweet.withheld.country_codes),
        payload=raw,
    )


def _media(attached: list[_Media]) -> list[Attachment]:
    kinds = {"photo": "image", "video": "video", "animated_gif": "video"}
    found = []
    for each in attached:
        address = each.url or each.preview_image_url
        if each.type in kinds and address and address.startswith("https://"):
            lasts = each.duration_ms / 1000 if each.duration_ms else None
            aspect = shape(each.width, each.height)
            found.append(Attachment(kinds[each.type], address, each.alt_text, lasts, aspect))
    return found
