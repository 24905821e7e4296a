"""GDELT DOC 2.0: headlines of news pages around the world. Off; headline and link only.

GET /api/v2/doc/doc, mode artlist (documentation read 2026-08). Sheds load with 429 at any time, and says what is
wrong with a query as plain text under 200.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import msgspec

from collector.batch import Batch, CursorPosition, Item, Malformed
from collector.entries import short_id, web_address
from collector.errors import Refused, Unreadable
from collector.http import Http
from collector.interfaces import decoded, explained
from collector.plain import tidy
from collector.sources.base import Follows, How, Kind, Needs, Source

MOST = 250  # the most it gives for one question
FIRST_LOOK = timedelta(days=1)

KIND = Kind(
    how=How.ASKED,
    needs=Needs.NOTHING,
    basis="GDELT DOC 2.0, open for any use with attribution; headline and link only, switched on by decision",
    retention=None,
    deletions=Follows.NEVER,
    edits=Follows.NEVER,
    on=False,
    floor=timedelta(minutes=15),
    headline_only=True,
)
_REMEDIES = {429: "GDELT sheds load without notice: nothing to do, it is asked again ever more rarely"}


class _Article(msgspec.Struct):
    url: str
    title: str = ""
    seendate: str = ""
    language: str = ""


class _Articles(msgspec.Struct):
    articles: list[_Article] = []


class Gdelt(Source):
    """One search. `url` is the address of the interface without its query."""

    takes_term = True
    needs_term = True

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """The headlines seen since the last look, cut into halves while an answer is full. Raises FetchError."""
        since = _moment(cursor.position or "") or now - FIRST_LOOK
        found = self._page(http, since, now, now)
        full = len(found) >= MOST
        items, malformed = _read(found)
        dates = [item.published_at for item in items if item.published_at]
        if full and dates and max(dates) > since:
            return Batch(items=items, malformed=malformed, cursor=_position(max(dates)), more=True)
        return Batch(items=items, malformed=malformed, cursor=_position(max([since, *dates])))

    def _page(self, http: Http, since: datetime, until: datetime, now: datetime) -> list[_Article]:
        """Up to 250 articles, the oldest first, so that a full answer can be gone on from."""
        query = {
            "query": self.place.term or "",
            "mode": "artlist",
            "format": "json",
            "maxrecords": str(MOST),
            "sort": "dateasc",
            "startdatetime": _written(since),
            "enddatetime": _written(until),
        }
        address = self.place.url.partition("?")[0]
        try:
            answer = http.get(f"{address}?{urlencode(query)}", now=now)
        except Refused as error:
            raise explained(error, _REMEDIES) from error
        if answer.body.strip() and not answer.body.lstrip().startswith(b"{"):
            said = tidy(answer.body[:200].decode("utf-8", "replace"))
            raise Unreadable(
                f"{address}: says {said!r}", remedy="Mend the term: GDELT does not take it as it is"
            )
        return decoded(answer.body or b"{}", _Articles, address).articles


def _read(articles: list[_Article]) -> tuple[list[Item], list[Malformed]]:
    items, malformed = [], []
    for each in articles:
        link, title = web_address(each.url, ""), tidy(each.title)
        if link and title:
            items.append(_item(each, link, title))
        else:
            malformed.append(Malformed(tidy(each.url)[:100] or "an article", "has no address or no headline"))
    return items, malformed


def _item(article: _Article, link: str, title: str) -> Item:
    return Item(
        external_id=short_id(link),
        platform="feed",
        url=link,
        title=title,
        text=title,
        published_at=_moment(article.seendate),
        published_raw=article.seendate[:100] or None,
        lang="en" if article.language == "English" else None,
        payload=msgspec.json.encode(article),
    )


def _moment(written: str) -> datetime | None:
    try:
        return datetime.strptime(written, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def _position(at: datetime) -> CursorPosition:
    return CursorPosition(position=at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"))
