"""Where a stream is opened, from which place on, and what must have been missed when it is heard again."""

from datetime import datetime, timedelta
from typing import NamedTuple, Self
from urllib.parse import urlencode, urlsplit

import zstandard

from collector.batch import Missed
from collector.bluesky import COLLECTION
from collector.errors import FetchError, Forbidden
from collector.http import Http
from collector.moments import moment
from collector.sieve import LARGEST_FRAME
from collector.sources.jetstream import PROFILES, Place

SUBSCRIBE = "/xrpc/network.bsky.jetstream.subscribeEvents"
DICTIONARY = "/xrpc/network.bsky.jetstream.getZstdDictionary"
REWIND = timedelta(seconds=5)  # servers see events in slightly different order
TOLERANCE = timedelta(seconds=10)  # the whole network is never silent for so long

COUNTS_ANEW = "the server does not know our place: it counts anew"
TOO_OLD = "the server no longer had what came after our place"
AHEAD = "our place was ahead of the server's clock"
ANOTHER = "changed to another server"
UNKNOWN = "the stored place could not be read"


class Lost(FetchError):
    """The server does not know our place; it is looked for by time instead."""


class Asked(NamedTuple):
    """What a server is asked for: everything from `cursor` on, or what happens from now on.

    `exact` when the cursor is this server's own, so that it must begin with that very event.
    """

    cursor: int | None
    exact: bool


class Route(NamedTuple):
    """One server, in the version it speaks; `packed` when frames may come compressed."""

    base: str
    host: str
    version: int
    packed: bool

    @classmethod
    def of(cls, url: str, *, packed: bool) -> Self:
        """From an address as in sources.toml; one that ends in /subscribe only speaks version 1."""
        parts = urlsplit(url.strip())
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise Forbidden(f"{url[:200]}: the address of a stream begins with wss://")
        version = 1 if parts.path.rstrip("/").endswith("/subscribe") else 2
        return cls(f"{parts.scheme}://{parts.netloc}", parts.netloc, version, packed)

    def ask(self, place: Place | None, *, by_time: bool) -> Asked:
        """From the stored place on, by its number where this server gave it, else by time with some overlap."""
        if place is None:
            return Asked(None, exact=False)
        if not by_time and (place.host, place.version) == (self.host, self.version):
            return Asked(place.seq, exact=True)
        return Asked(place.time_us - REWIND // timedelta(microseconds=1), exact=False)

    def address(self, asked: Asked, dictionary: bytes | None) -> str:
        """Where to connect. A packed stream needs the server's own dictionary, so version 1 comes unpacked."""
        wanted: list[tuple[str, str | int]] = [("maxMessageSizeBytes", LARGEST_FRAME // 2)]
        if asked.cursor is not None:
            wanted.append(("cursor", asked.cursor))
        if self.version == 1:
            both = [("wantedCollections", COLLECTION), ("wantedCollections", PROFILES)]
            return f"{self.base}/subscribe?{urlencode([*both, *wanted])}"
        wanted += [("kinds", "commit"), ("kinds", "account")]
        wanted += [("collections", COLLECTION), ("collections", PROFILES)]
        if dictionary is not None:
            wanted.append(("zstdDictionary", zstandard.ZstdCompressionDict(dictionary).dict_id()))
        return f"{self.base}{SUBSCRIBE}?{urlencode(wanted)}"


def fetch_dictionary(http: Http, route: Route, *, now: datetime) -> bytes | None:
    """The server's dictionary for packed frames; None where it has none, and the stream comes unpacked."""
    if not route.packed or route.version == 1:
        return None
    try:
        body = http.get(f"{route.base.replace('ws', 'http', 1)}{DICTIONARY}", now=now).body
        zstandard.ZstdCompressionDict(body)
    except (FetchError, zstandard.ZstdError):
        return None
    return body or None


def missed(
    asked: Asked, since: Place | None, first: Place, *, moved_at: datetime | None, because: str | None
) -> Missed | None:
    """What the stream may have held between our last place and the first event heard again.

    `moved_at` is when the place was last moved, by our own clock; `because` says why something is missed
    for certain. Raises Lost when the server has gone back behind a place it gave us.
    """
    start = moment(first.time_us)
    if start is None or moved_at is None:
        return None
    if since is None:
        return Missed(min(moved_at, start), max(moved_at, start), because) if because else None
    end = moment(since.time_us) or moved_at
    if asked.exact and since.version == 2 and first.seq < since.seq:
        raise Lost(COUNTS_ANEW)
    if start < end - REWIND - TOLERANCE:
        return Missed(min(moved_at, start), start, because or AHEAD)
    if because is None and not asked.exact and first.host != since.host:
        because = ANOTHER
    if start > end + TOLERANCE:
        because = because or TOO_OLD
    return Missed(min(end, start), max(end, start), because) if because else None
