"""Google News searches as feeds. Undocumented and meant for readers: off, and headline and link only.

The link is opaque and leads to Google; it is shown as it is and never taken apart.
"""

from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec

from collector.batch import Batch, CursorPosition, Item
from collector.http import Http
from collector.sources.base import Follows, How, Kind, Needs, Source
from collector.sources.feed import Feed

KIND = Kind(
    how=How.ASKED,
    needs=Needs.NOTHING,
    basis="Google News search feed, by its terms for personal feed readers: headline and link only, on by decision",
    retention=None,
    deletions=Follows.NEVER,
    edits=Follows.SHOWN_AGAIN,
    on=False,
    floor=timedelta(minutes=10),
    headline_only=True,
)


class GoogleNews(Source):
    """One search over the last day. `url` is the address of the search feed without its query."""

    takes_term = True
    needs_term = True

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """The headlines shown now. Raises FetchError."""
        query = {"q": f"{self.place.term} when:1d", "hl": "en-GB", "gl": "GB", "ceid": "GB:en"}
        place = self.place._replace(url=f"{self.place.url.partition('?')[0]}?{urlencode(query)}")
        batch = Feed(place).fetch(http, cursor, now=now)
        return msgspec.structs.replace(batch, items=[headline(item) for item in batch.items])


def headline(item: Item) -> Item:
    """An item with its headline, link and time and nothing else, also as evidence."""
    kept = {"title": item.title, "url": item.url, "published": item.published_raw}
    return Item(
        external_id=item.external_id,
        platform=item.platform,
        scope=item.scope,
        url=item.url,
        title=item.title,
        text=item.title or "",
        published_at=item.published_at,
        published_raw=item.published_raw,
        lang=item.lang,
        payload=msgspec.json.encode(kept),
    )
