"""`bench walk`: made-up posts from the door to their routing, through the running service, on two cores.

The reference is spaCy's bare tokenizer over the same posts on one core, in the same run.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import Any

import spacy
from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.batch import Batch, Item
from collector.collect import collect
from config.benches.goals import at_least, at_most, report
from config.benches.memory import Watch, cpu_of, name_of, tree
from config.benches.posts import made_up
from config.cli import Complaint
from config.database import connect
from config.queues.collect import author_key, prefilter_of
from config.settings import Settings
from config.supervise import goldenhour
from triage.records import Desk

CORES = 2
BATCH = 500
STARTS_WITHIN_S = 60.0
STALLS_AFTER_S = 60.0
DESKS = "".join(  # whose channels know no quiet hours: a measurement at night is one by day
    f'[[desk]]\nname = "{each}"\ntitle = "{each}"\nchannel = "bench-{each}"\n' for each in Desk
)

COUNTS = text("SELECT (SELECT count(*) FROM assessments), (SELECT count(*) FROM routings)")
LEFT = text("SELECT count(*) FROM procrastinate_jobs WHERE queue_name IN ('assess', 'route')")


def run(settings: Settings, *, posts: int = 60_000, workers: int = 2, **_other: Any) -> dict[str, Any]:
    """Posts a second from the first stored to the last routed, and the peak of all processes' memory."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    items = list(made_up(posts, now=datetime.now(UTC)))
    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        own = settings.model_copy(
            update={
                "data": Path(folder) / "var",
                "database_url": None,
                "secret_file": None,
                "workers": workers,
            }
        )
        with service(own, Path(folder), free_port()) as served:
            engine = connect(own, pool=2)
            memory = Watch(served.pid, os.getpid())
            memory.start()
            before = _cpu(served.pid)
            began_s = time.monotonic()
            stored = feed(own, engine, items)
            fed_s = time.monotonic() - began_s
            routed_s = routed(engine, stored) - began_s
            spent = {name: round(used - before.get(name, 0.0), 1) for name, used in _cpu(served.pid).items()}
            peak = memory.end()
            decided = _decided(engine)
            engine.dispose()
    reference = _tokenizer(items)
    rate = stored / routed_s
    return report(
        "walk",
        [
            at_least("from the door to the routing", 3_000, round(rate), "posts/s"),
            at_most("memory of all processes", 1_610, round(peak / 1e6), "MB (1.5 GiB)"),
        ],
        posts=posts,
        stored=stored,
        posts_per_s=round(rate),
        fed_s=round(fed_s, 1),
        routed_s=round(routed_s, 1),
        **decided,
        cpu_s=spent,
        peak_mb=round(peak / 1e6),
        peak_mb_by_part={name: round(share / 1e6) for name, share in memory.peak_by_name.items()},
        cores=CORES,
        reference="spaCy bare tokenizer, one core",
        reference_posts_per_s=round(reference),
        ratio=round(rate / reference, 2),
    )


@contextmanager
def service(
    settings: Settings, folder: Path, port: int, *, sources: str = "", more: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """`goldenhour run` on a data folder of its own, watching `sources` alone; `more` is set in its environment."""
    (folder / "config").mkdir()
    (folder / "config" / "sources.toml").write_text(sources, encoding="ascii")
    (folder / "config" / "desks.toml").write_text(DESKS, encoding="ascii")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GOLDENHOUR_")}
    environment |= {
        "GOLDENHOUR_DATA": str(settings.data),
        "GOLDENHOUR_CONFIG": str(folder / "config"),
        "GOLDENHOUR_WEB__PORT": str(port),
        "GOLDENHOUR_WORKERS": str(settings.workers),
        "GOLDENHOUR_LOG_LEVEL": "error",
        "GOLDENHOUR_BACKUP__NIGHTLY": "false",  # nor is the night's work what is measured
        **(more or {}),
    }
    served = subprocess.Popen(
        goldenhour("run"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        env=environment,
    )
    try:
        if served.stdout is None or not served.stdout.readline():
            raise Complaint("the service did not start, so there is nothing to measure")
        yield served
    finally:
        served.terminate()
        served.wait(30)
        if served.stdout is not None:
            served.stdout.close()


def feed(settings: Settings, engine: Engine, items: list[Item]) -> int:
    """Everything through the door, in batches; how many posts were stored."""
    prefilter, key = prefilter_of(settings), author_key(settings)
    stored = 0
    for start in range(0, len(items), BATCH):
        batch = Batch(items=items[start : start + BATCH])
        with Session(engine) as session:
            found = collect(session, "bench", batch, prefilter, author_key=key, now=datetime.now(UTC))
            session.commit()
        stored += found.stored
    return stored


def routed(engine: Engine, stored: int) -> float:
    """The moment when the last post is routed. Raises Complaint when nothing moves for a minute."""
    seen, moved_s = -1, time.monotonic()
    while True:
        with engine.connect() as connection:
            left = connection.execute(LEFT).scalar_one()  # rows are counted once, at the end
        now_s = time.monotonic()
        if left == 0:
            break
        if left != seen:
            seen, moved_s = left, now_s
        elif now_s - moved_s > STALLS_AFTER_S:
            raise Complaint(f"nothing moves: {left} jobs wait")
        time.sleep(0.05)
    with engine.connect() as connection:
        assessed, routed = connection.execute(COUNTS).one()
    if not stored == assessed == routed:
        raise Complaint(f"{stored} posts stored, {assessed} assessed, {routed} routed: they must be as many")
    return now_s


def _decided(engine: Engine) -> dict[str, Any]:
    """What became of the posts: their mix decides what they cost."""
    with engine.connect() as connection:
        outcomes = connection.execute(text("SELECT outcome, count(*) FROM routings GROUP BY outcome")).all()
        counted = text("SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM alerts)")
        cases, alerts = connection.execute(counted).one()
    return {"routed": {name: count for name, count in outcomes}, "cases": cases, "alerts": alerts}


def _cpu(service: int) -> dict[str, float]:
    """Processor seconds so far by part, the feeding process among them."""
    spent: dict[str, float] = {}
    for pid in tree((service, os.getpid())):
        name = "feed" if pid == os.getpid() else name_of(pid)
        spent[name] = spent.get(name, 0.0) + cpu_of(pid, with_ended=True)
    return spent


def _tokenizer(items: list[Item]) -> float:
    nlp = spacy.blank("en")
    texts = [item.text for item in items]
    began_s = time.perf_counter()
    for each in texts:
        nlp.make_doc(each)
    return len(texts) / (time.perf_counter() - began_s)


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
