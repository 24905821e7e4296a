"""Feeds of named publishers: RSS 0.9 to 2.0, RDF, Atom, JSON Feed."""

import hashlib
from datetime import datetime, timedelta

import httpx

from collector.batch import Batch, CursorPosition
from collector.errors import Unreadable
from collector.feeds import read_feed
from collector.http import Http
from collector.sources.base import Follows, How, Kind, Needs, Source

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json;q=0.9, application/xml;q=0.8, */*;q=0.1"
)

KIND = Kind(
    how=How.ASKED,
    needs=Needs.NOTHING,
    basis="feeds that publishers offer for reading; headline, summary and link are kept",
    retention=None,
    deletions=Follows.READ_AGAIN,
    edits=Follows.SHOWN_AGAIN,
    on=True,
    floor=timedelta(minutes=5),
)


class Feed(Source):
    """One publisher's public feed.

    Asked with the validators the server gave last time (RFC 9110, 13.1), byte for byte. A server that
    ignores them and sends the same body again is noticed by the body's digest: nothing is read twice.
    """

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:
        """All entries of the feed if it changed since `cursor`, else an empty batch. Raises FetchError."""
        answer = http.get(self.place.url, headers={"Accept": ACCEPT, **_conditions(cursor)}, now=now)
        if answer.status == 304:
            return Batch()
        digest = hashlib.sha256(answer.body).digest()
        position = CursorPosition(
            etag=_exactly(answer.headers, b"etag"),
            last_modified=_exactly(answer.headers, b"last-modified"),
            body_sha256=digest,
        )
        if digest == cursor.body_sha256:
            return Batch(cursor=position)
        try:
            found = read_feed(answer.body, answer.headers, answer.url)
        except Unreadable as error:
            where = answer.url.partition("?")[0]
            raise Unreadable(f"{where}: {error.cause}", remedy=error.remedy) from error
        return Batch(items=found.items[::-1], malformed=found.malformed, cursor=position)


def _conditions(cursor: CursorPosition) -> dict[str, bytes]:
    """What was sent as ETag and Last-Modified, as a condition. Latin-1 keeps every byte as it was."""
    sent = {"If-None-Match": cursor.etag, "If-Modified-Since": cursor.last_modified}
    return {name: value.encode("latin-1") for name, value in sent.items() if value}


def _exactly(headers: httpx.Headers, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in headers.raw if key.lower() == name), None)
