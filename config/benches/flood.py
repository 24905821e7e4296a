"""`bench flood`: 50,000 noisy copies of one report in ten minutes, with five other incidents among them.

They go through the running service at the pace of the clock. What counts is what the desk sees: one case, one alert
for each desk, few growth updates, and the others told in time.
"""

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.batch import Batch, Item
from collector.collect import collect
from config.benches.flooding import OTHERS, Told, flood
from config.benches.goals import at_least, at_most, report
from config.benches.walk import free_port, routed, service
from config.database import connect
from config.queues.collect import author_key, prefilter_of
from config.settings import Settings

TICKS_S = 35  # growth is measured every 30 seconds
ACCOUNTS = 3  # posts an account sends, on average

SEEN = text("""
    SELECT m.case_id, count(*) AS posts FROM memberships m JOIN posts p ON p.id = m.post_id
    WHERE m.sure AND p.external_id LIKE 'flood/%' GROUP BY m.case_id ORDER BY posts DESC
""")
ALERTS = text("""
    SELECT count(*) FILTER (WHERE growth = 0) AS first, count(DISTINCT growth) FILTER (WHERE growth > 0) AS updates
    FROM alerts WHERE case_id = :case
""")
TOLD = text("""
    SELECT p.external_id, extract(epoch FROM min(a.raised_at) - min(p.collected_at)) AS after_s, m.case_id
    FROM posts p JOIN memberships m ON m.post_id = p.id AND m.sure
    JOIN alerts a ON a.case_id = m.case_id AND a.growth = 0
    WHERE p.external_id LIKE 'other/%' GROUP BY p.external_id, m.case_id
""")


def run(
    settings: Settings,
    *,
    posts: int = 50_000,
    minutes: int = 10,
    seed: int = 1,
    workers: int = 2,
    **_other: Any,
) -> dict[str, Any]:
    """Cases, alerts and updates the flood made, and after how long the others were told."""
    told = list(flood(posts, Random(seed)))
    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        own = settings.model_copy(
            update={
                "data": Path(folder) / "var",
                "database_url": None,
                "secret_file": None,
                "workers": workers,
            }
        )
        with service(own, Path(folder), free_port()):
            engine = connect(own, pool=2)
            began_s = time.monotonic()
            stored = pour(own, engine, told, over_s=60.0 * minutes)
            poured_s = time.monotonic() - began_s
            behind_s = routed(engine, stored) - began_s - poured_s
            time.sleep(TICKS_S)
            found = seen(engine)
            engine.dispose()
    return report(
        "flood",
        [
            at_most("cases of the flood", 1, found["cases"], ""),
            at_most("alerts of its case for each desk", 1, found["alerts_a_desk"], ""),
            at_most("growth updates", 3, found["updates"], ""),
            at_least("other incidents told by themselves", len(OTHERS), found["others_told"], ""),
            at_most("the slowest of them, after it was stored", 60, found["slowest_s"], "s"),
        ],
        posts=posts,
        stored=stored,
        poured_s=round(poured_s, 1),
        behind_s=round(behind_s, 1),
        **{name: found[name] for name in ("in_the_case", "elsewhere", "alerts")},
        reference=None,
        ratio=None,
    )


def pour(settings: Settings, engine: Engine, told: Sequence[Told], *, over_s: float) -> int:
    """Everything through the door, each post at its second; how many were stored."""
    prefilter, key = prefilter_of(settings), author_key(settings)
    began_s, sent, stored = time.monotonic(), 0, 0
    while sent < len(told):
        due = (
            min(len(told), round(len(told) * (time.monotonic() - began_s + 1) / over_s))
            if over_s
            else len(told)
        )
        now = datetime.now(UTC)
        items = [item_of(each, now) for each in told[sent:due]]
        with Session(engine) as session:
            stored += collect(session, "bench", Batch(items=items), prefilter, author_key=key, now=now).stored
            session.commit()
        sent = due
        time.sleep(max(0.0, 1 - (time.monotonic() - began_s) % 1) if over_s else 0)
    return stored


def item_of(told: Told, now: datetime) -> Item:
    """A post as a source brings it; accounts of the flood send a few each."""
    name = f"flood/{told.number}" if told.other is None else f"other/{told.other}"
    account = f"writer-{told.number // ACCOUNTS * 7919 % 100_003}" if told.other is None else name
    return Item(
        external_id=name,
        platform="bench",
        text=told.text,
        payload=told.text.encode(),
        url=f"https://posts.example/{name}",
        published_at=now,
        author=account,
        lang="en",
    )


def seen(engine: Engine) -> dict[str, Any]:
    """What the desk sees."""
    with engine.connect() as connection:
        cases = connection.execute(SEEN).all()
        largest = cases[0].case_id if cases else None
        alerts = connection.execute(ALERTS, {"case": largest}).one()
        desks = connection.execute(
            text("SELECT count(DISTINCT desk) FROM alerts WHERE case_id = :case AND growth = 0"),
            {"case": largest},
        ).scalar_one()
        others = [row for row in connection.execute(TOLD) if row.case_id != largest]
    return {
        "cases": len(cases),
        "in_the_case": cases[0].posts if cases else 0,
        "elsewhere": sum(row.posts for row in cases[1:]),
        "alerts": alerts.first,
        "alerts_a_desk": alerts.first / desks if desks else 0,
        "updates": alerts.updates,
        "others_told": len({row.external_id for row in others}),
        "slowest_s": round(max((float(row.after_s) for row in others), default=0.0), 1),
    }
