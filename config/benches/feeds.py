"""`bench feeds`: a whole sweep of many feeds over TLS, by the way they really go.

The schedule picks what is due and leaves jobs, the lane works through them, the guarded client asks with the
validators of the last time, what is new is parsed, sieved and stored in a real PostgreSQL. The publishers live in a
process of their own. The reference is what one would write first, over a sample of the same feeds: httpx and
feedparser one after the other, all read, nothing stored.
"""

import os
import resource
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import feedparser
import httpx
from procrastinate import App
from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.bulk import put_rows
from collector.http import Http
from collector.months import make_months
from collector.records import Cursor, SourceRow
from config.benches.goals import at_most, report
from config.benches.memory import cpu_of, name_of, tree
from config.benches.publishers import DOMAIN, KNOWN, Publishers
from config.cli import Complaint
from config.database import open_database
from config.lanes import Lanes
from config.log import set_up
from config.queues.collect import tasks
from config.service import House, clock, connector, register
from config.settings import Settings
from config.ticks import Tick, collect_due, scheduler

LONGEST_S, MOST_CPU_S, USUAL = 900, 120, 10_000
SAMPLE = 500
POOL = 10  # connections, as each part of the service has
STALLS_AFTER_S = 60.0

LEFT = text("SELECT count(*) FROM sources WHERE last_success_at IS NULL")
SEEN = text(
    "SELECT coalesce(sum(seen), 0), coalesce(sum(stored), 0), (SELECT count(*) FROM sources WHERE failures > 0)"
    " FROM tallies"
)


def run(settings: Settings, *, feeds: int = USUAL, hosts: int = 2_000, **_other: Any) -> dict[str, Any]:
    """Wall time and CPU seconds of one sweep, ours without the publishers' and PostgreSQL's."""
    with (
        tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as name,
        Publishers(Path(name)) as publishers,
    ):
        allow = tuple(f"{host_of(number, hosts)}:{publishers.port}" for number in range(hosts))
        own = settings.model_copy(
            update={
                "data": Path(name) / "var",
                "database_url": None,
                "secret_file": None,
                "http": settings.http.model_copy(update={"allow": allow}),
            }
        )
        trusted = publishers.trusted()
        with open_database(own, pool=POOL) as engine, Http(own.http, tls=trusted, resolve=here) as http:
            watch(engine, feeds, hosts, publishers.port)
            set_up(own.log_level, "bench")
            publishers.told()
            before = _spent(publishers.pid)
            began_s = time.monotonic()
            with collecting(House(own, engine, clock), http):
                swept(engine)
            took_s = time.monotonic() - began_s
            spent = {whose: used - before[whose] for whose, used in _spent(publishers.pid).items()}
            told = publishers.told()
            with engine.connect() as connection:
                seen, stored, failed = connection.execute(SEEN).one()
        plain = _plain_rate(publishers.port, trusted, feeds)
    ours = spent.pop("ours")
    goals = [
        at_most("a sweep's processor time", MOST_CPU_S * feeds / USUAL, round(ours, 1), "CPU-s"),
        at_most("a sweep's time", LONGEST_S * feeds / USUAL, round(took_s, 1), "s"),
        at_most("requests at once to a host", 1, told.at_once, ""),
        at_most("feeds that failed", 0, failed, ""),
    ]
    return report(
        "feeds",
        goals,
        feeds=feeds,
        hosts=hosts,
        sweep_s=round(took_s, 1),
        cpu_s=round(ours, 1),
        cpu_ms_per_feed=round(ours / feeds * 1000, 2),
        cpu_s_of_others={name: round(used, 1) for name, used in spent.items()},
        requests=told.requests,
        connections=told.connections,
        resumed=told.resumed,
        unchanged_share=round(told.unchanged / max(told.requests, 1), 3),
        most_at_once_on_a_host=told.at_once,
        failed=failed,
        items=int(seen),
        stored=int(stored),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        reference="httpx and feedparser, one by one, unconditionally, nothing stored",
        reference_feeds_per_cpu_s=round(plain, 1),
        feeds_per_cpu_s=round(feeds / ours, 1),
        ratio=round(feeds / ours / plain, 2),
    )


def host_of(number: int, hosts: int) -> str:
    return f"h{number % hosts}.{DOMAIN}"


def here(host: str, port: int, **_how: Any) -> list[tuple[Any, ...]]:
    """The bench's resolver: all publishers are on this machine, nobody else is known."""
    if not host.endswith(f".{DOMAIN}"):
        raise socket.gaierror(socket.EAI_NONAME, "not one of the bench's publishers")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def watch(engine: Engine, feeds: int, hosts: int, port: int) -> None:
    """The sources with what an earlier sweep would have left: they have all been read once, and are due."""
    now = datetime.now(UTC)
    with Session(engine) as session:
        make_months(session, now=now)
        rows = [
            {
                "name": f"feed-{number}",
                "kind": "feed",
                "url": f"https://{host_of(number, hosts)}:{port}/feeds/{number}",
                "every_s": 900,
                "boroughs": [],
                "grade": "B",
                "basis": "made up",
                "enabled": True,
                "due_at": now - timedelta(minutes=1),
                "failures": 0,
            }
            for number in range(feeds)
        ]
        put_rows(session, SourceRow, rows)
        put_rows(session, Cursor, [{"source": row["name"], "etag": KNOWN, "moved_at": now} for row in rows])
        session.commit()


@contextmanager
def collecting(house: House, http: Http) -> Iterator[None]:
    """The schedule's tick and the lane `collect`, as the service runs them. What they log goes nowhere."""
    app = App(connector=connector(house.settings))
    for name, task in tasks(house, http).items():
        register(app, house, "collect", name, task)
    lanes = Lanes(app, ["collect"], collect=house.settings.collect.fetches_at_once)
    ticks = scheduler(house, (Tick("sources due", 1, collect_due),))
    working = Thread(target=lanes.work, name="collect")
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        working.start()
        ticks.start()
        try:
            yield
        finally:
            ticks.shutdown()
            lanes.stop()
            working.join()


def swept(engine: Engine) -> None:
    """Return when every feed was read. Raises Complaint when nothing moves for a minute."""
    left, moved_s = -1, time.monotonic()
    while left:
        with engine.connect() as connection:
            now = connection.execute(LEFT).scalar_one()
        if now != left:
            left, moved_s = now, time.monotonic()
        elif time.monotonic() - moved_s > STALLS_AFTER_S:
            raise Complaint(f"the sweep stands still with {left:,} feeds to go")
        time.sleep(0.5)


def _spent(publishers: int) -> dict[str, float]:
    """Processor seconds so far: the publishers', PostgreSQL's, and ours with those of our children."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = {"ours": used.ru_utime + used.ru_stime, "publishers": cpu_of(publishers), "postgres": 0.0}
    for pid in tree((os.getpid(),)) - {os.getpid(), publishers}:
        whose = "ours" if name_of(pid).startswith("python") else "postgres"
        spent[whose] += cpu_of(pid, with_ended=True)
    return spent


def _plain_rate(port: int, trusted: ssl.SSLContext, feeds: int) -> float:
    """Feeds a CPU-second of the plain way, a connection each as with so many hosts."""
    began_s = time.process_time()
    sample = min(SAMPLE, feeds)
    with httpx.Client(verify=trusted, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        for number in range(sample):
            named = {"sni_hostname": f"h0.{DOMAIN}"}
            answer = client.get(f"https://127.0.0.1:{port}/feeds/{number}", extensions=named)
            feedparser.parse(answer.content)
    return sample / (time.process_time() - began_s)
