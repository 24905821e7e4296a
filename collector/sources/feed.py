"""Feeds of named publishers: RSS 0.9 to 2.0, RDF, Atom, JSON Feed."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx

from collector.apart import READER
from collector.batch import Batch, CursorPosition
from collector.errors import BROKEN, Refused, Unreadable
from collector.http import Http
from collector.sources.base import Again, Follows, How, Kind, Needs, Source, Stored, is_gone

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
    spared=True,
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
            if not _conditions(cursor):
                raise Unreadable(
                    f"{_shown(answer.url)}: answered 304 (unchanged) though nothing was sent to compare",
                    remedy=BROKEN,
                )
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
            found = READER.read(answer.body, answer.headers, answer.url)
        except Unreadable as error:
            raise Unreadable(f"{_shown(answer.url)}: {error.cause}", remedy=error.remedy) from error
        return Batch(items=found.items[::-1], malformed=found.malformed, cursor=position)

    def look_again(self, http: Http, stored: Sequence[Stored], *, now: datetime) -> Again:
        """Whether the page of an entry is gone (404, 410). Only asked at the publisher's own site: no feed can
        send us anywhere else."""
        gone = {}
        for each in stored:
            if each.url and _same_site(each.url, self.place.url):
                try:
                    http.get(
                        each.url, headers={"Accept": "text/html, */*;q=0.1", "Range": "bytes=0-0"}, now=now
                    )
                except Refused as error:
                    if is_gone(error):
                        gone[each.external_id] = f"its page answers {error.status}"
                    elif error.status not in (206, 416):
                        raise
        return Again(gone=gone)


def _same_site(link: str, feed: str) -> bool:
    """Whether a link leads to the site of a feed: its host, or one below or beside it."""
    host, ours = urlsplit(link).hostname or "", urlsplit(feed).hostname or ""
    site = re.sub(r"^(?:www\.(?=[^.]+\.)|(?:feeds?|rss|news)\.(?=[^.]+\.[^.]+\.))", "", ours)
    return urlsplit(link).port == urlsplit(feed).port and (host == site or host.endswith(f".{site}"))


def _shown(url: str) -> str:
    """An address for a message, without its query."""
    return url.partition("?")[0][:200]


def _conditions(cursor: CursorPosition) -> dict[str, bytes]:
    """What was sent as ETag and Last-Modified, as a condition. Latin-1 keeps every byte as it was."""
    sent = {"If-None-Match": cursor.etag, "If-Modified-Since": cursor.last_modified}
    return {name: value.encode("latin-1") for name, value in sent.items() if value}


def _exactly(headers: httpx.Headers, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in headers.raw if key.lower() == name), None)
