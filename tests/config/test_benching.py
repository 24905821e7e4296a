"""The benchmarks: each says its goals in the same words, and goes the way the service goes."""

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.http import Http
from collector.months import make_months
from config.benches import feeds
from config.benches.firehose import plain_rate
from config.benches.goals import at_least, at_most, report
from config.benches.listening import Memory, listened
from config.benches.network import Network, frames
from config.benches.publishers import Publishers
from config.benches.stream import natural, tell
from config.commands import benching
from config.queues.collect import prefilter_of
from config.service import House, clock
from config.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
KEYS = ["name", "goal", "seen", "reference", "ratio", "met"]


def test_each_goal_and_the_whole_have_the_same_six_keys() -> None:
    slow = at_most("p99", 150, 162.4, "ms")
    quick = at_least("catch-up", 15, 35.7, "times", reference="the plain stack", ratio=35.7)
    measured = report("firehose", [slow, quick], events=400_000)
    assert [list(each) for each in measured["goals"]] == [KEYS, KEYS]
    assert set(KEYS) <= set(measured)
    assert not measured["met"]
    assert measured["goals"][1]["met"]
    assert (measured["name"], measured["goal"], measured["seen"]) == (
        "firehose",
        "p99: at most 150 ms",
        162.4,
    )


def test_a_missed_goal_is_said_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = report("walk", [at_least("from the door to the routing", 3_000, 2_904, "posts/s")])
    monkeypatch.setattr("config.benches.walk.run", lambda _settings, **_options: measured)
    benching.bench("walk", ["posts=20"], as_json=False)
    said = capsys.readouterr()
    assert json.loads(said.out) == measured
    assert said.err == "MISSED  from the door to the routing: at least 3,000 posts/s, seen 2,904\n"
    benching.bench("walk", [], as_json=True)
    assert capsys.readouterr().err == ""


def test_every_benchmark_is_described() -> None:
    described = DOCS.read_text(encoding="utf-8")
    assert "feeds" in benching.names()
    assert [name for name in benching.names() if f"| `{name}` |" not in described] == []


def test_a_sweep_goes_over_tls_through_the_schedule_and_asks_again_with_validators(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    with Publishers(tmp_path) as publishers:
        allow = tuple(f"{feeds.host_of(number, 4)}:{publishers.port}" for number in range(4))
        own = settings.model_copy(update={"http": settings.http.model_copy(update={"allow": allow})})
        feeds.watch(engine, 10, 4, publishers.port)
        http = Http(own.http, tls=publishers.trusted(), resolve=feeds.here)
        with http, feeds.collecting(House(own, engine, clock), http):
            feeds.swept(engine)
        told = publishers.told()
    assert (told.requests, told.unchanged, told.at_once) == (10, 8, 1)
    with engine.connect() as connection:
        seen, _, failed = connection.execute(feeds.SEEN).one()
        moved = connection.scalars(text("SELECT source FROM cursors WHERE body_sha256 IS NOT NULL")).all()
    assert (seen, failed) == (40, 0)
    assert sorted(moved) == ["feed-0", "feed-5"]


def test_what_is_heard_from_memory_is_committed_to_the_last_event(settings: Settings, engine: Engine) -> None:
    made = list(frames(Network(3_000, 0, datetime.now(UTC) - timedelta(hours=1))))
    with Session(engine) as session:
        make_months(session, now=datetime.now(UTC))
        session.commit()
    heard = listened(settings, engine, "memory", len(made), memory=Memory(made))
    assert heard.counts["posts"] == heard.counts["stored"] + heard.counts["dropped"]
    assert len(heard.late_ms) == heard.counts["stored"] > 10
    assert plain_rate(made[:200], settings, engine) > 0


def test_the_made_up_stream_is_what_the_prefilter_lets_in_and_one_in_twenty_an_incident(
    settings: Settings,
) -> None:
    texts = natural(2_000)
    assert len(set(texts)) == 2_000
    assert texts == natural(2_000)
    assert all(prefilter_of(settings).lets_in(texts[:500]))
    told = [incident for _, incident in islice(tell(Random(1)), 2_000)]
    assert sum(told) == 100
