"""Fetches a video or picture that is lawfully at hand: attached to a public post, from where its platform keeps it.

A Bluesky video comes as a playlist (HLS, RFC 8216): of its variants one is chosen, and its parts are put one
after the other into one file. That this was done is said in `steps`.
"""

import os
import re
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

from collector.errors import FetchError, Forbidden, TooLarge, TooSlow, Unreadable
from collector.http import Http
from collector.plain import clean

PLATFORMS = ("mastodon", "bluesky")  # whose interfaces give the file itself; of others it is never fetched
KINDS = ("video", "image")
ENOUGH_LINES = 480  # of pixels, in the variant that is chosen
MOST_PARTS = 600
LARGEST_PLAYLIST = 1_000_000
HEAD = 512

NOT_A_FILE = "Open the post on its platform: the file may ask for a login, or be gone"
_VARIANT = re.compile(r"#EXT-X-STREAM-INF:(.*)")
_LINES = re.compile(r"\bRESOLUTION=\d+x(\d+)")
_MAP = re.compile(r'#EXT-X-MAP:.*\bURI="([^"]+)"')


class Fetched(NamedTuple):
    """A file as it came: the address it came from and its headers, and what was done to put it together."""

    url: str
    headers: dict[str, str]
    steps: list[str]


def fetch_file(http: Http, url: str, into: Path, *, now: datetime) -> Fetched:
    """Fetch what this address gives into a new file. Raises FetchError, also for an empty answer and for a web
    page where a file was promised."""
    with into.open("xb") as file:
        if urlsplit(url).path.endswith(".m3u8"):
            return _fetch_parts(http, url, file, now)
        try:
            answer = http.get_file(url, file, now=now)
        except TooLarge as error:
            raise _too_large(error) from error
        file.flush()
        _refuse_pages(into, answer.headers.get("content-type", ""), answer.url)
        return Fetched(answer.url, _kept(answer.headers), [])


def _refuse_pages(path: Path, kind: str, url: str) -> None:
    with path.open("rb") as file:
        head = file.read(HEAD).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    where = _shown(url)
    if not os.path.getsize(path):
        raise Unreadable(f"{where}: answered with an empty file", remedy=NOT_A_FILE)
    if kind.startswith("text/html") or head.startswith(
        (b"<!doctype", b"<html", b"<head", b"<body", b"<script")
    ):
        raise Unreadable(
            f"{where}: answered with a web page instead of a file, such as a login wall", remedy=NOT_A_FILE
        )
    if kind.startswith(("application/json", "application/xml", "text/")):
        raise Unreadable(f"{where}: answered with {kind[:40]} instead of a file", remedy=NOT_A_FILE)


def _fetch_parts(http: Http, url: str, file: IO[bytes], now: datetime) -> Fetched:
    until_s = time.monotonic() + http.settings.file_s
    address, lines, headers = _playlist(http, url, now)
    steps = ["put together from the parts of its playlist"]
    variants = _variants(lines)
    if variants:
        height, chosen = _enough(variants)
        address, lines, headers = _playlist(http, _beside(address, chosen), now)
        steps.append(
            f"of {len(variants)} variants the one with {height} lines" if height else "the first variant"
        )
    for part in _parts(lines):
        if time.monotonic() > until_s:
            raise TooSlow(f"{_shown(url)}: its parts did not all come in time")
        answer = http.get(_beside(address, part), now=now)
        if not answer.body or answer.headers.get("content-type", "").startswith("text/html"):
            raise Unreadable(f"{_shown(url)}: a part of it is empty or a web page", remedy=NOT_A_FILE)
        file.write(answer.body)
        if file.tell() > http.settings.largest_file_bytes:
            raise _too_large(TooLarge(f"{_shown(url)}: its parts are more than we take"))
    return Fetched(address, headers, steps)


def _playlist(http: Http, url: str, now: datetime) -> tuple[str, list[str], dict[str, str]]:
    answer = http.get(url, now=now)
    lines = answer.body[:LARGEST_PLAYLIST].decode("utf-8", "replace").split("\n")
    if len(answer.body) > LARGEST_PLAYLIST or lines[0].strip() != "#EXTM3U":
        said = "an empty file" if not answer.body else "something else"
        raise Unreadable(
            f"{_shown(url)}: answered with {said} where a playlist was promised", remedy=NOT_A_FILE
        )
    return answer.url, [line.strip() for line in lines], _kept(answer.headers)


def _variants(lines: Sequence[str]) -> list[tuple[int, str]]:
    """The variants of a playlist of playlists: how many lines of pixels each has (0: unknown), and its address."""
    found = []
    for number, line in enumerate(lines[:-1]):
        named = _VARIANT.fullmatch(line)
        if named and lines[number + 1] and not lines[number + 1].startswith("#"):
            high = _LINES.search(named[1])
            found.append((int(high[1]) if high else 0, lines[number + 1]))
    return found


def _enough(variants: Sequence[tuple[int, str]]) -> tuple[int, str]:
    """The smallest variant that shows enough, else the largest."""
    sharp = [each for each in variants if each[0] >= ENOUGH_LINES]
    return min(sharp) if sharp else max(variants, key=lambda each: each[0])


def _parts(lines: Sequence[str]) -> list[str]:
    """The addresses of the parts, in order. Raises Unreadable for what is live, encrypted or too long."""
    if any(line.startswith("#EXT-X-KEY") and "METHOD=NONE" not in line for line in lines):
        raise Unreadable("its playlist is encrypted", remedy=NOT_A_FILE)
    if "#EXT-X-ENDLIST" not in lines or any(line.startswith("#EXT-X-BYTERANGE") for line in lines):
        raise Unreadable("its playlist has no end, or cuts its parts by bytes", remedy=NOT_A_FILE)
    start = [found[1] for line in lines if (found := _MAP.match(line))]
    parts = [line for line in lines if line and not line.startswith("#")]
    if not parts or len(parts) > MOST_PARTS:
        raise Unreadable(f"its playlist names {len(parts)} parts", remedy=NOT_A_FILE)
    return [*start[:1], *parts]


def _beside(address: str, named: str) -> str:
    """An address that a playlist names. Raises Forbidden when it leads to another host."""
    target = urljoin(address, named)
    if urlsplit(target).netloc != urlsplit(address).netloc:
        raise Forbidden(f"{_shown(address)}: its playlist leads to another host", remedy=NOT_A_FILE)
    return target


def _too_large(error: FetchError) -> TooLarge:
    return TooLarge(
        error.cause, remedy="Upload a shorter part of it; the limit is GOLDENHOUR_HTTP__LARGEST_FILE_BYTES"
    )


def _kept(headers: httpx.Headers) -> dict[str, str]:
    """The headers of an answer, without cookies and bounded."""
    listed = [(name, value) for name, value in headers.items() if name != "set-cookie"]
    return {clean(name)[:100]: clean(value)[:1_000] for name, value in listed[:100]}


def _shown(url: str) -> str:
    return url.partition("?")[0][:200]
