"""Feeds that others have recorded, each fetched with its own headers and stored: what is kept is what feedparser,
the reader that most others are measured by, reads itself.
"""

import io
import re
import time
from collections.abc import Iterator, Sequence
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import feedparser
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.batch import Batch, CursorPosition, Item
from collector.collect import collect
from collector.dates import from_utc, read_by_hand, read_named_zone
from collector.errors import FetchError
from collector.http import Http
from collector.records import Post
from collector.settings import HttpSettings
from collector.sources.base import Place
from collector.sources.feed import Feed
from tests.collector.test_collect import KEY
from tests.conftest import NOON
from tests.doubles.feeds import answer, publishing

FLOOR = 0.995
HEADER = re.compile(rb"Header:\s+([\w-]+):[ \t]*(.*)")


class Everything:
    """A prefilter that lets everything in."""

    sample = 0  # refuses nothing

    def lets_in(self, texts: Sequence[str]) -> list[str | None]:
        return ["everything"] * len(texts)


class Kept(NamedTuple):
    """What came of one file, in the feed's order, and where it was fetched from."""

    path: Path
    url: str
    items: list[Item]


@pytest.fixture
def kept(shared: Path, engine: Engine) -> Iterator[tuple[list[Kept], float]]:
    """Both collections, collected; and how many seconds that took."""
    folders = ("corpora/feedparser/tests", "corpora/api-fixtures/rss-atom/testdata")
    files = [path for folder in folders for path in sorted((shared / folder).rglob("*.xml"))]
    with publishing() as publisher:
        for number, path in enumerate(files):
            body = path.read_bytes()
            headers = [name + b": " + value.strip() for name, value in HEADER.findall(body[:2_000])]
            publisher.feed(str(number)).failing = answer(body, *headers)
        started = time.perf_counter()
        with Http(HttpSettings(allow=(publisher.authority,))) as http, Session(engine) as session:
            found = [_fetched(http, path, publisher.url(str(number))) for number, path in enumerate(files)]
            batch = Batch(items=[item for each in found for item in each.items])
            collect(session, "recorded", batch, Everything(), author_key=KEY, now=NOON)
            session.commit()
        yield found, time.perf_counter() - started


def _fetched(http: Http, path: Path, url: str) -> Kept:
    try:
        batch = Feed(Place(path.name, url)).fetch(http, CursorPosition(), now=NOON)
    except FetchError:
        return Kept(path, url, [])
    return Kept(path, url, batch.items[::-1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_recorded_feed_is_kept_as_feedparser_reads_it(
    kept: tuple[list[Kept], float], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, took_s = kept
    assert len(found) > 2_600
    assert took_s < 60
    monkeypatch.setattr(feedparser.datetimes, "_date_handlers", _its_own_date_handlers())
    with Session(engine) as session:
        posts = {post.external_id: post for post in session.exec(select(Post))}
    compared, differing = 0, []
    for path, url, items in found:
        entries = _read_by_feedparser(path, url)
        compared += max(len(items), len(entries))
        if len(items) != len(entries):
            differing += [f"{path.name}: {len(entries)} entries, {len(items)} kept"] * abs(
                len(items) - len(entries)
            )
        for item, entry in zip(items, entries, strict=False):
            differs = [*_differences(item, entry)]
            differing += [f"{path.name}: {'; '.join(differs)}"] if differs else []
            assert item.external_id in posts, "it was read and not stored"
    listed = "\n".join(differing)
    assert compared > 1_300
    assert 1 - len(differing) / compared >= FLOOR, f"{len(differing)} of {compared} differ:\n{listed}"


def _its_own_date_handlers() -> list[Any]:
    """Feedparser as others have it, without what we taught it."""
    return [
        each for each in feedparser.datetimes._date_handlers if each not in (read_by_hand, read_named_zone)
    ]


def _read_by_feedparser(path: Path, url: str) -> list[Any]:
    body = path.read_bytes()
    headers = {
        name.decode().lower(): value.decode("latin-1").strip() for name, value in HEADER.findall(body[:2_000])
    }
    read = feedparser.parse(io.BytesIO(body), response_headers={"content-location": url, **headers})
    return [entry for entry in read.entries if entry]


def _differences(item: Item, entry: Any) -> Iterator[str]:
    """Where an item says something else than an entry; space and markup apart."""
    body = str(entry.get("summary") or (entry.content[0].value if entry.get("content") else ""))
    link = (entry.get("link") or "").strip()
    parsed = [dict.get(entry, f"{name}_parsed") for name in ("published", "updated", "created")]
    written = from_utc(next((each for each in parsed if each), None))
    if _words(item.title) != _words(entry.get("title")):
        yield f"title {item.title!r}, not {entry.get('title')!r}"
    if _words(body) not in (_words(item.text), _words(item.text.removeprefix(item.title or ""))):
        yield f"text {item.text[:100]!r}, not {body[:100]!r}"
    if (item.url or "") != (link if link.lower().startswith("http") else ""):
        yield f"link {item.url!r}, not {link!r}"
    if item.external_id != (dict.get(entry, "id") or link or item.external_id):
        yield f"id {item.external_id!r}, not {entry.get('id')!r}"
    if written is not None and item.published_at != written:
        yield f"time {item.published_at}, not {written}"


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def _words(markup: str | None) -> str:
    """The letters of a text without markup and space, however often it was escaped."""
    for _ in range(2):
        reader = _Text()
        reader.feed(unescape(markup or ""))
        reader.close()
        markup = "".join(reader.found)
    return re.sub(r"\s+", "", markup or "")
