"""Reddit, searched through its Data API. Needs an approved application and a recorded agreement; off.

GET /search, newest first, paged by `after` (Reddit API documentation, read 2026-08). What its author or a
moderator removed comes back as [deleted] or [removed], and is withdrawn here.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from collector.batch import Attachment, Batch, CursorPosition, Deletion, Item, Malformed
from collector.entries import media_kind, web_address, with_title
from collector.errors import NoKey, Refused
from collector.http import Http
from collector.interfaces import PAGES, ask, counts, decoded, explained, lasting, rest_until, shape
from collector.plain import tidy
from collector.sources.base import Again, Follows, How, Kind, Needs, Source, Stored

PLATFORM = "reddit"
GONE = frozenset({"[deleted]", "[removed]"})

KIND = Kind(
    how=How.ASKED,
    needs=Needs.AGREEMENT,
    basis="Reddit Data API under its Responsible Builder Policy, by written approval only; deleted content is dropped",
    retention=None,
    deletions=Follows.READ_AGAIN,
    edits=Follows.READ_AGAIN,
    on=False,
    floor=timedelta(minutes=2),
)
_REMEDIES = {
    401: "Check GOLDENHOUR_COLLECT__REDDIT_ID and __REDDIT_SECRET: Reddit does not know them",
    403: "Reddit refuses the application: its approval may have been withdrawn",
}


class _Token(msgspec.Struct):
    access_token: str


class _Film(msgspec.Struct):
    fallback_url: str = ""
    duration: float | None = None
    width: float | None = None
    height: float | None = None


class _Media(msgspec.Struct):
    reddit_video: _Film | None = None


class Link(msgspec.Struct):
    """A post of Reddit, as far as we need it."""

    name: str
    title: str = ""
    selftext: str = ""
    permalink: str = ""
    url: str = ""
    author: str = ""
    created_utc: float = 0.0
    edited: bool | float = False
    score: int = 0
    num_comments: int = 0
    is_video: bool = False
    is_self: bool = True
    media: _Media | None = None
    crosspost_parent: str | None = None
    over_18: bool = False
    removed_by_category: str | None = None

    @property
    def gone(self) -> bool:
        return self.selftext in GONE or self.author in GONE or self.removed_by_category is not None


class _Child(msgspec.Struct):
    data: msgspec.Raw


class _Listed(msgspec.Struct):
    children: list[_Child] = []
    after: str | None = None


class Listing(msgspec.Struct):
    """A page of Reddit."""

    data: _Listed = msgspec.field(default_factory=_Listed)


class Reddit(Source):
    """One search. `url` is https://oauth.reddit.com."""

    takes_term = True
    needs_term = True
    together = 100

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """Posts newer than the newest read before, oldest first. Raises FetchError."""
        headers = {"Authorization": f"Bearer {token_of(http, self.place.url, self.place.keys, now)}"}
        until = float(cursor.position) if cursor.position else (now - timedelta(days=1)).timestamp()
        items: list[Item] = []
        gone: list[Deletion] = []
        malformed: list[Malformed] = []
        after, newest, rest = None, until, None
        for _ in range(PAGES):
            query = {
                "q": self.place.term or "",
                "sort": "new",
                "type": "link",
                "limit": "100",
                "raw_json": "1",
            }
            paged = query | ({"after": after} if after else {})
            try:
                page, answer = ask(http, f"{self.place.url}/search", paged, Listing, headers=headers, now=now)
            except Refused as error:
                raise explained(error, _REMEDIES) from error
            oldest = _read(page, items, gone, malformed)
            newest = max([newest, *(item.published_at.timestamp() for item in items if item.published_at)])
            rest = rest_until(
                answer.headers.get("x-ratelimit-remaining"),
                answer.headers.get("x-ratelimit-reset"),
                epoch=False,
                now=now,
            )
            after = page.data.after
            if not after or rest or oldest is None or oldest <= until:
                break
        return Batch(
            items=items[::-1],
            deletions=gone,
            malformed=malformed,
            cursor=CursorPosition(position=repr(newest)),
            rest_until=rest,
        )

    def look_again(self, http: Http, stored: Sequence[Stored], *, now: datetime) -> Again:
        """What /api/info says now; what it leaves out, or shows as deleted or removed, is gone."""
        headers = {"Authorization": f"Bearer {token_of(http, self.place.url, self.place.keys, now)}"}
        query = {"id": ",".join(each.external_id for each in stored), "raw_json": "1"}
        try:
            page, _answer = ask(http, f"{self.place.url}/api/info", query, Listing, headers=headers, now=now)
        except Refused as error:
            raise explained(error, _REMEDIES) from error
        items: list[Item] = []
        _read(page, items, [], [])
        there = {item.external_id for item in items}
        missing = [each.external_id for each in stored if each.external_id not in there]
        return Again(items, dict.fromkeys(missing, "removed from Reddit"))


def token_of(http: Http, url: str, keys: object, now: datetime) -> str:
    """A token for an hour, by the credentials of the application. Raises FetchError."""
    known = keys if isinstance(keys, dict) else {}
    if not {"reddit_id", "reddit_secret"} <= set(known):
        raise NoKey("Reddit", "REDDIT_ID", "REDDIT_SECRET")
    named = b64encode(f"{known['reddit_id']}:{known['reddit_secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {named}", "Content-Type": "application/x-www-form-urlencoded"}
    address = f"{url.rstrip('/').replace('//oauth.', '//www.')}/api/v1/access_token"
    try:
        answer = http.post(address, b"grant_type=client_credentials", headers=headers, now=now)
    except Refused as error:
        raise explained(error, _REMEDIES) from error
    return decoded(answer.body, _Token, address).access_token


def _read(page: Listing, items: list[Item], gone: list[Deletion], malformed: list[Malformed]) -> float | None:
    """Read one page; when its oldest post was written, in seconds since 1970."""
    oldest = None
    for child in page.data.children:
        raw = bytes(child.data)
        try:
            link = msgspec.json.decode(raw, type=Link)
        except (msgspec.DecodeError, RecursionError) as error:
            malformed.append(Malformed("a post of Reddit", str(error)[:200]))
            continue
        oldest = link.created_utc
        if link.gone:
            gone.append(Deletion(PLATFORM, "removed from Reddit", external_id=link.name))
        else:
            items.append(read_link(link, raw))
    return oldest


def read_link(link: Link, raw: bytes) -> Item:
    """A post that is still there."""
    title, where = tidy(link.title), f"https://www.reddit.com{link.permalink}"
    return Item(
        external_id=link.name,
        platform=PLATFORM,
        url=where,
        title=title or None,
        text=with_title(title, tidy(link.selftext)),
        published_at=_moment(link.created_utc),
        published_raw=str(link.created_utc),
        edited_at=_moment(link.edited) if link.edited is not True and link.edited else None,
        author=link.author or None,
        quote_of=link.crosspost_parent,
        content_warning="NSFW" if link.over_18 else None,
        media=tuple(_attached(link)),
        reach=counts(score=max(0, link.score), comments=link.num_comments),
        payload=raw,
    )


def _attached(link: Link) -> Iterator[Attachment]:
    """The film of a post, or the page or picture it links to."""
    address = web_address(link.url, "")
    film = link.media.reddit_video if link.media else None
    if film is not None and address:
        shown = web_address(film.fallback_url, "") or address
        lasts, aspect = lasting(film.duration), shape(film.width, film.height)
        yield Attachment("video", shown, duration_s=lasts, aspect=aspect)
    elif address and (link.is_video or not link.is_self):
        yield Attachment("video" if link.is_video else media_kind(None, None, address) or "link", address)


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
