"""`bench desk`: a million posts, fifty thousand cases, twenty people at the desk, two hundred posts a second coming in.

The whole service runs on a database of its own, filled for this. After that, fifty people claim and acknowledge the
same five hundred cases at once.
"""

import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from config.benches.desk_readers import Storm, read, storm
from config.benches.desk_scene import fill
from config.benches.goals import at_least, at_most, report
from config.benches.posts import made_up
from config.benches.walk import LEFT, feed, free_port, service
from config.database import connect, open_database
from config.settings import Settings
from triage.lifecycle import read_lifecycle

LIMITS_MS = {"queue": 300, "case": 300, "search": 1_000, "action": 200}
BATCHES_A_S = 4
WARM_WITHIN_S = 120.0
GRABBED = text("""
    SELECT cases.number, people.username, (SELECT array_agg(who) FROM log_entries
        WHERE case_id = cases.id AND what = 'acknowledged') AS acknowledged
    FROM cases LEFT JOIN people ON people.id = claimed_by
    WHERE cases.number = ANY(:numbers)
""")
FREE = text(
    "SELECT number FROM cases WHERE status = 'detected' AND claimed_by IS NULL ORDER BY number DESC LIMIT :many"
)


def run(
    settings: Settings, *, posts: int = 1_000_000, cases: int = 50_000, readers: int = 20, seconds: int = 60,
    arriving: int = 200, think_ms: int = 3_000, people: int = 50, grabbed: int = 500, **_other: Any,
) -> dict[str, Any]:  # fmt: skip
    """The 95th of 100 answers by kind of page, what went wrong, and whether a claim was lost or given twice."""
    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        own = settings.model_copy(
            update={"data": Path(folder) / "var", "database_url": None, "secret_file": None}
        )
        began_s = time.monotonic()
        lifecycle = read_lifecycle(settings.file("tracks.toml"))
        with open_database(own) as engine:
            cookies = fill(
                engine, lifecycle, own.web, posts=posts, cases=cases, people=max(readers, people),
                now=datetime.now(UTC),
            )  # fmt: skip
        filled_s = time.monotonic() - began_s
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        with service(own, Path(folder), port):
            engine = connect(own, pool=4)
            warm(own, engine)
            arrivals = Arrivals(own, engine, arriving, seconds)
            arrivals.start()
            seen = read(base, cookies[:readers], cases=cases, seconds=seconds, think_s=think_ms / 1000)
            arrivals.join()
            with engine.connect() as connection:
                numbers = list(connection.execute(FREE, {"many": grabbed}).scalars())
            came = storm(base, cookies[:people], numbers)
            wrong = wrongs(engine, came, numbers)
            engine.dispose()
    goals = [at_most(f"{kind}, p95", most, seen.p95(kind), "ms") for kind, most in LIMITS_MS.items()]
    errors = dict(seen.errors + came.errors)
    return report(
        "desk",
        [
            *goals,
            at_most("errors", 0, sum(errors.values()), ""),
            at_least("posts arriving", 0.95 * arriving, round(arrivals.stored / max(arrivals.took_s, 1)), "posts/s"),
            at_most("cases claimed twice or by nobody", 0, wrong["claims"], ""),
            at_most("acknowledgements lost", 0, wrong["acknowledgements"], ""),
        ],
        posts=posts,
        cases=cases,
        readers=readers,
        answers={kind: len(took) for kind, took in seen.took_ms.items()},
        median_ms={kind: round(sorted(took)[len(took) // 2], 1) for kind, took in seen.took_ms.items()},
        errors=errors,
        grabbed=len(numbers),
        filled_s=round(filled_s, 1),
        reference=None,
        ratio=None,
    )  # fmt: skip


def warm(settings: Settings, engine: Engine) -> None:
    """Bring a few posts through, so that the workers have read their model and the known cases. At most two minutes."""
    feed(settings, engine, list(made_up(50, now=datetime.now(UTC), seed=13)))
    ends_s = time.monotonic() + WARM_WITHIN_S
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while connection.execute(LEFT).scalar_one() and time.monotonic() < ends_s:
            time.sleep(0.2)


def wrongs(engine: Engine, came: Storm, numbers: list[int]) -> dict[str, int]:
    """Cases where what the database holds is not what exactly one person was told."""
    with engine.connect() as connection:
        rows = {row.number: row for row in connection.execute(GRABBED, {"numbers": numbers})}
    claims = sum(
        [f"officer-{each}" for each in came.claimed[number]] != [rows[number].username] for number in numbers
    )
    # a case that gets graver meanwhile is answered anew: whoever was told so stands in the log, and nobody else
    lost = sum(
        sorted(f"officer-{each}" for each in came.acknowledged[number])
        != sorted(rows[number].acknowledged or [])
        for number in numbers
    )
    return {"claims": claims, "acknowledgements": lost}


class Arrivals(threading.Thread):
    """Posts that come in at a steady rate, through the door."""

    def __init__(self, settings: Settings, engine: Engine, per_s: int, seconds: int) -> None:
        super().__init__(name="arrivals")
        self.settings, self.engine = settings, engine
        self.items = list(made_up(per_s * seconds, now=datetime.now(UTC), seed=11))
        self.each = max(per_s // BATCHES_A_S, 1)
        self.stored, self.took_s = 0, 0.0

    def run(self) -> None:
        began_s = time.monotonic()
        for start in range(0, len(self.items), self.each):
            due_s = began_s + start / self.each / BATCHES_A_S
            time.sleep(max(due_s - time.monotonic(), 0))
            self.stored += feed(self.settings, self.engine, self.items[start : start + self.each])
        self.took_s = time.monotonic() - began_s
