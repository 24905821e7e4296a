"""`bench firehose`: a made-up network over a local WebSocket, through the real listener, into a real database.

The reference is what one would write first: json.loads and one regular expression over the same events, on
one core, in the same run. With `live=RATE` the events come at that rate, and the time from an event to the
commit that holds it is measured.
"""

import json
import re
import resource
import statistics
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Any

from sqlalchemy import Engine, event, text
from sqlmodel import Session

from collector.http import Http
from collector.listen import listen
from collector.months import make_months
from config.benches.network import Network, Server, frames
from config.cli import Complaint
from config.database import open_database
from config.queues.collect import author_key, prefilter_of
from config.settings import Settings

REFERENCE_EVENTS = 20_000
STALLS_AFTER_S = 60.0
SOURCE = "bench"

PLACE = text("SELECT split_part(position, ' ', 3)::bigint FROM cursors WHERE source = :source")
TALLY = text("SELECT sum(seen), sum(stored), sum(dropped), sum(malformed) FROM tallies")
LATENESS = text("SELECT collected_at, published_at FROM posts WHERE collected_at = ANY(:at)")


def run(
    settings: Settings, *, events: int = 400_000, live: int = 0, seconds: int = 20, **_other: Any
) -> dict[str, Any]:
    """Events a second from the first byte to the last commit; or, `live`, how late they were committed."""
    count = live * seconds if live else events
    network = Network(count, live, datetime.now(UTC) - timedelta(hours=1))
    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder, Server(network) as server:
        allow = (f"127.0.0.1:{server.port}",)
        own = settings.model_copy(
            update={
                "data": Path(folder) / "var",
                "database_url": None,
                "secret_file": None,
                "http": settings.http.model_copy(update={"allow": allow}),
            }
        )
        with open_database(own) as engine:
            with Session(engine) as session:
                make_months(session, now=datetime.now(UTC))
                session.commit()
            watch = _Commits(engine)
            began_s, began_cpu_s = time.monotonic(), time.process_time()
            with _listening(own, engine, f"ws://127.0.0.1:{server.port}", watch):
                _arrived(engine, count)
                took_s, cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
            with engine.connect() as connection:
                seen, stored, dropped, malformed = connection.execute(TALLY).one()
            late = watch.lateness(engine) if live else {}
    reference = _plain_rate(network, settings)
    return {
        "bench": "firehose",
        "events": count,
        "events_per_s": round(count / took_s),
        "events_per_cpu_s": round(count / cpu_s),
        "posts": int(seen),
        "stored": int(stored),
        "dropped": int(dropped),
        "malformed": int(malformed),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **({"live_per_s": live, "cpu_share": round(cpu_s / took_s, 3), **late} if live else {}),
        "reference": "json.loads and one regular expression of the same words, one core",
        "reference_events_per_cpu_s": round(reference),
        "ratio": round(count / cpu_s / reference, 1),
    }


class _Commits:
    """When each commit was done, by the moment its rows are dated with."""

    def __init__(self, engine: Engine) -> None:
        self.dated: datetime | None = None
        self.done: dict[datetime, datetime] = {}
        event.listen(engine, "checkin", self._checked_in)

    def clock(self) -> datetime:
        self.dated = datetime.now(UTC)
        return self.dated

    def _checked_in(self, *_: object) -> None:
        if self.dated is not None:
            self.done.setdefault(self.dated, datetime.now(UTC))

    def lateness(self, engine: Engine) -> dict[str, float]:
        """From the event's own time to the end of the commit, in milliseconds."""
        done = dict(self.done)
        with engine.connect() as connection:
            rows = connection.execute(LATENESS, {"at": list(done)}).all()
        late = sorted((done[row.collected_at] - row.published_at) / timedelta(milliseconds=1) for row in rows)
        if not late:
            raise Complaint("no post was stored, so there is nothing to measure")
        return {
            "p50_ms": round(statistics.median(late), 1),
            "p99_ms": round(late[int(len(late) * 0.99)], 1),
        }


@contextmanager
def _listening(settings: Settings, engine: Engine, url: str, watch: _Commits) -> Iterator[None]:
    stop = Event()
    with Http(settings.http) as http:
        thread = Thread(
            target=listen,
            args=(engine, SOURCE, [url]),
            kwargs={
                "prefilter": prefilter_of(settings),
                "http": http,
                "author_key": author_key(settings),
                "stop": stop,
                "clock": watch.clock,
                "flush_s": settings.collect.flush_s,
                "packed": False,
            },
            daemon=True,
        )
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)


def _arrived(engine: Engine, last: int) -> None:
    """Return when the last event's place is committed. Raises Complaint when nothing moves for a minute."""
    seen, moved_s = -1, time.monotonic()
    while seen < last:
        with engine.connect() as connection:
            now = connection.execute(PLACE, {"source": SOURCE}).scalar() or 0
        if now > seen:
            seen, moved_s = now, time.monotonic()
        elif time.monotonic() - moved_s > STALLS_AFTER_S:
            raise Complaint(f"the stream stands still at event {seen:,} of {last:,}")
        time.sleep(0.05)


def _plain_rate(network: Network, settings: Settings) -> float:
    """Events a CPU-second of the plain way."""
    words: set[str] = set()
    for path in settings.files("lexicons/prefilter*.toml"):
        for rule in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", []):
            words.update(re.escape(word.strip("*")) for word in rule["words"])
    ours = re.compile(rf"\b(?:{'|'.join(sorted(words, key=len, reverse=True))})\b", re.IGNORECASE)
    made = list(islice(frames(network), min(network.events, REFERENCE_EVENTS)))
    began_s, found = time.process_time(), 0
    for frame in made:
        payload = json.loads(frame)["payload"]
        said = payload.get("record", {}).get("text")
        found += bool(said and ours.search(said))
    return len(made) / (time.process_time() - began_s)
