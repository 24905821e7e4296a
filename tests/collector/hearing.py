"""The product's own listener in a thread, against servers of ours, and what it left in the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.http import Http
from collector.listen import Hearing, listen
from collector.prefilter import Prefilter
from collector.records import Cursor, Gap, Grade, Post, SourceRow
from collector.settings import HttpSettings
from tests.doubles.jetstream import NOON, Jetstream, wait_until

LEXICONS = sorted((Path(__file__).resolve().parents[2] / "config" / "lexicons").glob("prefilter*.toml"))
PREFILTER = Prefilter.of(LEXICONS)
OURS = "Police on top of a man outside the station, number {}"
NOT_OURS = "Lovely weather for the allotment, number {}"


@contextmanager
def listening(
    engine: Engine, *servers: Jetstream, heard: list[Hearing] | None = None, packed: bool = False
) -> Iterator[None]:
    """The product's own listener in a thread, against these servers, for as long as the block lasts."""
    stop = threading.Event()
    allow = tuple(f"127.0.0.1:{server.port}" for server in servers)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with Http(HttpSettings(allow=allow, total_s=2)) as http:
                listen(
                    engine,
                    "bluesky",
                    [server.url for server in servers],
                    prefilter=PREFILTER,
                    http=http,
                    author_key=b"k" * 32,
                    stop=stop,
                    clock=lambda: NOON + timedelta(seconds=1),
                    heard=(heard.append if heard is not None else lambda _hearing: None),
                    packed=packed,
                )
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("collector.listen.LONGEST_PAUSE_S", 0.1)  # servers of ours need no rest
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(20)
    assert not thread.is_alive()
    assert not failed


def trained() -> bytes:
    samples: list[Any] = [
        b'{"$type":"message","payload":{"did":"did:plc:%d","text":"police"}}' % each for each in range(2000)
    ]
    return zstandard.train_dictionary(2048, samples).as_bytes()


def watched(failures: int = 0, error: str | None = None) -> SourceRow:
    return SourceRow(
        name="bluesky",
        kind="jetstream",
        url="wss://example.org",
        every_s=0,
        grade=Grade.F,
        basis="public stream",
        due_at=NOON,
        failures=failures,
        error=error,
    )


def stored(engine: Engine) -> list[Post]:
    with Session(engine, expire_on_commit=False) as session:
        return list(session.exec(select(Post).order_by(col(Post.external_id))))


def place(engine: Engine) -> str:
    with Session(engine) as session:
        cursor = session.get(Cursor, "bluesky")
        return str(cursor.position) if cursor else ""


def gaps(engine: Engine) -> list[Gap]:
    with Session(engine, expire_on_commit=False) as session:
        return list(session.exec(select(Gap)))


def reached(engine: Engine, seq: int) -> Any:
    return lambda: place(engine).split(" ")[2:3] == [str(seq)]


def open_connections(double: Jetstream, number: int = 1) -> Any:
    return lambda: len(double.opened) >= number


def begin(engine: Engine, double: Jetstream) -> None:
    """Have the place stored: the listener has heard the first event once."""
    with listening(engine, double):
        wait_until(open_connections(double, len(double.opened) + 1))
        double.post(NOT_OURS.format("first"), "first")
        wait_until(lambda: place(engine))
