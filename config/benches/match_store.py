"""What it costs to bring a post to its case beside a store of posts: through the database, as routing does it.

The store is filled set by set (config/benches/desk_scene.py). Then new tellings of made-up incidents are routed in
batches; the first ones, in which the memory is filled and the caches warm, do not count.
"""

import hashlib
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Engine, insert, text
from sqlmodel import Session

from classifier.records import Assessment, IncidentType
from collector.records import Post, post_id
from config.benches.desk_scene import fill
from config.benches.memory import cpu_of, tree
from config.benches.tellings import tell
from config.database import open_database
from config.settings import Settings
from triage.lifecycle import read_lifecycle
from triage.memory import Memory
from triage.route import route
from triage.rules import read_rules

POSTS_A_CASE = 20
BATCH, WARMING, MEASURED = 500, 4, 12


class Cost(NamedTuple):
    """`ms` of processor time a post, ours and the database's, in the calmest quarter of the batches; how long filling
    took, and the memory's first look.
    """

    stored: int
    ms: float
    filled_s: float
    looked_s: float


def cost_beside(settings: Settings, stored: int, *, seed: int = 1) -> Cost:
    """The cost of routing one post while so many are stored, in a database made for this."""
    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        own = settings.model_copy(
            update={"data": Path(folder) / "var", "database_url": None, "secret_file": None}
        )
        with open_database(own) as engine:
            return cost_in(engine, own, stored, seed=seed)


def cost_in(engine: Engine, settings: Settings, stored: int, *, seed: int) -> Cost:
    """The same in an empty database that is there."""
    began_s, now = time.monotonic(), datetime.now(UTC)
    lifecycle = read_lifecycle(settings.file("tracks.toml"))
    cases = max(stored // POSTS_A_CASE, 1)
    fill(engine, lifecycle, settings.web, posts=stored, cases=cases, people=1, now=now)
    filled_s = time.monotonic() - began_s
    memory = Memory.of(settings.file("matching/rarity.bin"), settings.triage)
    rules = read_rules(settings.file("rules.toml"))
    took: list[float] = []
    for number, posts in enumerate(_batches(engine, seed, now)):
        began_s = _cpu()
        with Session(engine) as session:
            route(session, posts, rules, memory, lifecycle, now=now + timedelta(seconds=number))
            session.commit()
        took.append(_cpu() - began_s)
    calm = statistics.quantiles(took[WARMING:], n=4)[0]
    return Cost(stored, 1000 * calm / BATCH, filled_s, took[0])


def _cpu() -> float:
    """Seconds of processor time that this process and the database have used, with what ended meanwhile."""
    return sum(cpu_of(pid, with_ended=True) for pid in tree((os.getpid(),)))


def _batches(engine: Engine, seed: int, now: datetime) -> Iterator[list[UUID]]:
    """Assessed posts that wait to be routed, batch by batch; stored before the clock runs."""
    number, told = 0, tell(20 * BATCH * (WARMING + MEASURED), random.Random(seed))
    for _ in range(WARMING + MEASURED):
        rows: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for said, incident in told:
            number += 1
            if incident != number - 1 or said.startswith(("Just saw", "Witnesses say", "Video from")):
                rows.append(_rows(said, number, now))
            if len(rows) == BATCH:
                break
        with Session(engine) as session:
            session.execute(insert(Post), [post for post, _ in rows])
            session.execute(insert(Assessment), [said for _, said in rows])
            session.commit()
            session.execute(text("ANALYZE assessments"))
        yield [post["id"] for post, _ in rows]


def _rows(said: str, number: int, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    named = f"fresh/{number}"
    post = Post(
        id=post_id("feed", named), collected_at=now, source="bench-1", platform="feed", external_id=named,
        url=f"https://posts.example/{named}", text=said, published_at=now + timedelta(milliseconds=number),
        payload_sha256=hashlib.sha256(said.encode()).digest(), let_in_by="bench",
    )  # fmt: skip
    assessed = Assessment(
        post_id=post.id, model="bench", at=now, incident=0.9, incident_any=0.95, type=IncidentType.USE_OF_FORCE,
        types={}, severity=0.3,
    )  # fmt: skip
    return post.model_dump(), assessed.model_dump()
