"""Readers: a file in one of the formats we take, as units that are read one by one, so that a bad one stops nothing.

posts     a JSON object a line (or an array of them): id, text, published, url, source, or names used alike
csv       the same as columns
feed      RSS, Atom, JSON Feed
mastodon  a status as JSON a line, or an array of them
jetstream a frame of Bluesky's stream a line, of either version
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

import msgspec

from collector.batch import Deletion, Item
from collector.bluesky import COLLECTION, PLATFORM, asks_not_to_be_shown
from collector.bounds import MOST_ENTRIES
from collector.errors import Unreadable
from collector.feeds import read_feed
from collector.posts import read_post
from collector.sources.jetstream import PROFILES, item_of, read_frame
from collector.statuses import read_status
from collector.unwrapping import DAMAGED, HEAD, NotReadable

FORMATS = ("posts", "csv", "feed", "mastodon", "jetstream")
LONGEST_LINE = 4_000_000
LARGEST_DOCUMENT = 200_000_000
BAD = "bad"

_NAMES = {
    "id",
    "text",
    "title",
    "description",
    "summary",
    "content",
    "url",
    "link",
    "published",
    "created_at",
}
_STATUS = re.compile(rb'"(?:visibility|spoiler_text|in_reply_to_id|reblogs_count)"\s*:')
_FRAME = re.compile(rb'^\s*\{\s*"(?:\$type"\s*:\s*"(?:message|error)"|payload"|did"|time_us"|kind")')


class Read(NamedTuple):
    """What a unit holds: an item, or what an item's author took back, or nothing for us."""

    item: Item | None = None
    source: str | None = None
    deletions: tuple[Deletion, ...] = ()


class Unit(NamedTuple):
    """One thing of a file, not yet read. `where` names it for people: "line 7"."""

    where: str
    raw: bytes
    kind: str

    def read(self) -> Read:
        """Raises ValueError or RecursionError when it cannot be read, saying why."""
        return _READ[self.kind](self.raw)


def units(stream: io.BufferedReader, chosen: str | None = None) -> Iterator[Unit]:
    """The units of an unpacked stream, in order; where it breaks off, one bad unit says so.

    Raises NotReadable when the format cannot be recognised.
    """
    try:
        head = stream.peek(HEAD)[:HEAD]
        if head.startswith(b"\xef\xbb\xbf"):
            stream.read(3)
            head = head[3:]
        yield from _in_format(stream, head, chosen) if head.strip() else ()
    except DAMAGED as error:
        yield Unit("the rest", f"the file is damaged or ends too early ({error})".encode(), BAD)


def _in_format(stream: io.BufferedReader, head: bytes, chosen: str | None) -> Iterator[Unit]:
    found = chosen or recognised(head)
    if found == "csv":
        return _rows(stream)
    if found == "feed":
        return _entries(stream)
    if head.lstrip()[:1] == b"[":
        return _elements(stream, chosen)
    return _lines(stream, chosen)


def recognised(head: bytes) -> str:
    """Which format a file that begins like this is in; lines of JSON are "posts", whatever they hold."""
    start = head.lstrip()
    if start.startswith(b"<"):
        return "feed"
    if start.startswith(b"{") and b"jsonfeed.org/version" in head[:2_000]:
        return "feed"
    if start.startswith((b"{", b"[")) or re.search(rb"^\s*\{", head, re.MULTILINE):
        return "posts"
    names = {each.strip(b' "\r').lower().decode("ascii", "replace") for each in _cells(start.split(b"\n")[0])}
    if names & _NAMES:
        return "csv"
    raise NotReadable(
        f"the format is not recognised; name it with --format, which takes {', '.join(FORMATS)}"
    )


def _cells(line: bytes) -> list[bytes]:
    return re.split(rb"[,;\t]", line)


def _lines(stream: io.BufferedReader, kind: str | None) -> Iterator[Unit]:
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        where = f"line {number}"
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (more := stream.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
                pass
            yield Unit(where, f"longer than {LONGEST_LINE // 1_000_000} million bytes".encode(), BAD)
        elif line.strip():
            yield Unit(where, line.strip(), kind or _kind_of(line))


def _elements(stream: io.BufferedReader, kind: str | None) -> Iterator[Unit]:
    """The elements of one JSON array; the lines of what only begins like one."""
    body = stream.read(LARGEST_DOCUMENT + 1)
    if len(body) > LARGEST_DOCUMENT:
        too_large = f"larger than {LARGEST_DOCUMENT // 1_000_000} million bytes: write one object a line"
        yield Unit("the document", too_large.encode(), BAD)
        return
    try:
        elements = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _lines(io.BufferedReader(cast("io.RawIOBase", io.BytesIO(body))), kind)
        return
    for number, element in enumerate(elements, 1):
        raw = bytes(element)
        yield Unit(f"element {number}", raw, kind or _kind_of(raw))


def _kind_of(raw: bytes) -> str:
    if _FRAME.match(raw[:200]):
        return "jetstream"
    return "mastodon" if _STATUS.search(raw) and b'"account"' in raw else "posts"


def _rows(stream: io.BufferedReader) -> Iterator[Unit]:
    """Each row as the JSON object it stands for."""
    head = stream.peek(HEAD)[:HEAD].split(b"\n")[0]
    separator = max((b",", b";", b"\t"), key=head.count).decode()
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    csv.field_size_limit(LONGEST_LINE)
    rows = csv.reader(text, delimiter=separator)
    names = [each.strip().lower() for each in next(rows, [])]
    while True:
        where = f"line {rows.line_num + 1}"
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield Unit(where, str(error).encode(), BAD)
            continue
        if row is None:
            return
        if row:
            yield _row(where, names, row)


def _row(where: str, names: list[str], row: list[str]) -> Unit:
    if len(row) > len(names):
        return Unit(where, b"more cells than the first line has names", BAD)
    try:
        return Unit(where, msgspec.json.encode(dict(zip(names, row, strict=False))), "posts")
    except UnicodeError:
        return Unit(where, b"not UTF-8", BAD)


def _entries(stream: io.BufferedReader) -> Iterator[Unit]:
    """A feed's entries. What is left out because the feed is too long is named, too."""
    body = stream.read(LARGEST_DOCUMENT)
    try:
        feed = read_feed(body, {}, "")
    except Unreadable as error:
        yield Unit("the feed", error.cause.encode(), BAD)
        return
    for number, item in enumerate(feed.items, 1):
        yield Unit(f"entry {number}", msgspec.msgpack.encode(item), "item")
    if len(feed.items) + len(feed.malformed) >= MOST_ENTRIES:
        yield Unit("entries from 501 on", b"a feed is read up to 500 entries: cut it into several files", BAD)
    for bad in feed.malformed:
        yield Unit(bad.which, bad.why.encode("utf-8", "replace"), BAD)


def _read_bad(raw: bytes) -> Read:
    raise ValueError(raw.decode("utf-8", "replace"))


def _read_item(raw: bytes) -> Read:
    return Read(msgspec.msgpack.decode(raw, type=Item))


def _read_posts(raw: bytes) -> Read:
    return Read(*read_post(raw))


def _read_mastodon(raw: bytes) -> Read:
    return Read(read_status(raw, "unknown.invalid"), "mastodon")


def _read_jetstream(raw: bytes) -> Read:
    change = read_frame(raw)
    if change.operation == "gone" and change.did:
        gone = Deletion(PLATFORM, f"its account is {change.words}", prefix=f"at://{change.did}/")
        return Read(source=PLATFORM, deletions=(gone,))
    if change.collection == PROFILES and change.did and asks_not_to_be_shown(change.record):
        hidden = Deletion(PLATFORM, "its author asks not to be shown", prefix=f"at://{change.did}/")
        return Read(source=PLATFORM, deletions=(hidden,))
    if change.collection != COLLECTION:
        return Read(source=PLATFORM)
    if change.operation == "delete":
        because = "deleted by its author"
        return Read(None, PLATFORM, (Deletion(PLATFORM, because, external_id=change.uri),))
    return Read(item_of(change, raw), PLATFORM)


_READ: dict[str, Callable[[bytes], Read]] = {
    "posts": _read_posts,
    "mastodon": _read_mastodon,
    "jetstream": _read_jetstream,
    "item": _read_item,
    BAD: _read_bad,
}


def in_words(error: Exception) -> str:
    """Why a unit could not be read."""
    if isinstance(error, RecursionError):
        return "nested without end"
    return "not UTF-8" if isinstance(error, UnicodeError) else str(error)[:200]
