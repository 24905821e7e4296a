"""Asking a platform's interface: a place of it, one fetch, one look again."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from collector.batch import Batch, CursorPosition
from collector.http import Http
from collector.sources import open_source
from collector.sources.base import Again, Place, Stored
from tests.conftest import NOON
from tests.doubles.interface import Interface

KEYS = {"youtube": "k", "reddit_id": "i", "reddit_secret": "s", "x": "t", "threads": "t"}
SEARCHED = ("youtube", "google_news", "gdelt", "reddit", "x", "threads")


def place(interface: Interface, path: str = "", **given: Any) -> Place:
    return Place("p", interface.url + path, **{"term": "stop and search", "keys": KEYS, **given})


def fetch(kind: str, where: Place, http: Http, position: str | None = None) -> Batch:
    return open_source(kind, where).fetch(http, CursorPosition(position), now=NOON)


def again(kind: str, where: Place, http: Http, *stored: Stored) -> Again:
    return open_source(kind, where).look_again(http, stored, now=NOON)


def kept(external_id: str, payload: bytes = b"", url: str | None = None) -> Stored:
    return Stored(uuid4(), external_id, url, payload)


def at(minutes: int) -> str:
    return (NOON - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
