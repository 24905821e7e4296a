"""A listener that is watched: the real one, over a real WebSocket or from memory, into a real database."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import NamedTuple, Self

from sqlalchemy import Engine, text

from collector.batch import Batch
from collector.http import Http
from collector.listen import Frames, listen
from collector.settings import HttpSettings
from collector.sources.jetstream import Place
from collector.websocket import open_websocket
from config.benches.memory import resident_mb
from config.cli import Complaint
from config.queues.collect import author_key, prefilter_of
from config.settings import Settings

STALLS_AFTER_S = 60.0
GULP = 500  # frames handed over from memory at a time, about what one read of a busy socket brings

TALLY = text(
    "SELECT sum(seen), sum(stored), sum(dropped), sum(malformed) FROM tallies WHERE source = :source"
)
LATENESS = text("SELECT collected_at, published_at FROM posts WHERE source = :source")


class Listened(NamedTuple):
    """How listening went: seconds from its start to the last commit, our CPU seconds, what became of the posts, how
    much memory grew after the first tenth, and how late each stored post was committed (milliseconds, sorted)."""

    took_s: float
    cpu_s: float
    counts: dict[str, int]
    grew_mb: float
    late_ms: list[float]

    def late(self, share: float) -> float:
        """How late the last of this share of the posts was."""
        if not self.late_ms:
            raise Complaint("no post was stored, so there is nothing to measure")
        return round(self.late_ms[int(len(self.late_ms) * share)], 1)


class Memory:
    """A stream that is here already."""

    def __init__(self, made: Sequence[bytes]) -> None:
        self.made, self.at = made, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def messages(self, timeout_s: float) -> list[bytes]:
        gulp = list(self.made[self.at : self.at + GULP])
        self.at += len(gulp)
        if not gulp:
            time.sleep(timeout_s)
        return gulp


def listened(
    settings: Settings, engine: Engine, source: str, last: int, *, port: int = 0, memory: Memory | None = None
) -> Listened:
    """Listen until event number `last` is committed, to a server on this machine or from memory."""
    watch, stop = _Watch(last), Event()
    http_settings = settings.http.model_copy(update={"allow": (f"127.0.0.1:{port}",)})

    def connect(url: str, known: HttpSettings) -> AbstractContextManager[Frames]:
        return memory or open_websocket(url, known)

    with Http(http_settings) as http:
        thread = Thread(
            target=listen,
            args=(engine, source, [f"ws://127.0.0.1:{port}"]),
            kwargs={
                "prefilter": prefilter_of(settings),
                "http": http,
                "author_key": author_key(settings),
                "stop": stop,
                "clock": lambda: datetime.now(UTC),
                "flush_s": settings.collect.flush_s,
                "packed": False,
                "brought": watch.brought,
                "connect": connect,
            },
            daemon=True,
        )
        began_s, began_cpu_s = time.monotonic(), time.process_time()
        thread.start()
        try:
            watch.wait()
            cpu_s = time.process_time() - began_cpu_s
        finally:
            stop.set()
            thread.join(10)
    with engine.connect() as connection:
        sums = connection.execute(TALLY, {"source": source}).one()
        rows = connection.execute(LATENESS, {"source": source}).all()
    counts = dict(zip(("posts", "stored", "dropped", "malformed"), map(int, sums), strict=True))
    late = sorted(
        (watch.done[row.collected_at] - row.published_at) / timedelta(milliseconds=1) for row in rows
    )
    return Listened(watch.moved_s - began_s, cpu_s, counts, watch.grew_mb, late)


class _Watch:
    """Hears of each commit: when it was done, by the moment its rows are dated with, and how far it reached."""

    def __init__(self, last: int) -> None:
        self.last, self.seen = last, 0
        self.moved_s = time.monotonic()
        self.ended = Event()
        self.done: dict[datetime, datetime] = {}
        self.settled_mb: float | None = None
        self.grew_mb = 0.0

    def brought(self, _source: str, batch: Batch, at: datetime) -> None:
        self.done[at] = datetime.now(UTC)
        self.moved_s = time.monotonic()
        place = Place.of(batch.cursor.position) if batch.cursor else None
        self.seen = place.seq if place else self.seen
        now_mb = resident_mb()
        if self.settled_mb is not None:
            self.grew_mb = max(self.grew_mb, now_mb - self.settled_mb)
        elif self.seen >= self.last / 10:
            self.settled_mb = now_mb
        if self.seen >= self.last:
            self.ended.set()

    def wait(self) -> None:
        """Return when the last event is committed. Raises Complaint when nothing moves for a minute."""
        while not self.ended.wait(1.0):
            if time.monotonic() - self.moved_s > STALLS_AFTER_S:
                raise Complaint(f"the stream stands still at event {self.seen:,} of {self.last:,}")
