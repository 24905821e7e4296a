"""`goldenhour bench desk`, small: it fills a desk at which people can work, and says what they saw."""

from datetime import UTC, datetime

from sqlalchemy import Engine, text

from config.benches.desk_readers import read
from config.benches.desk_scene import fill
from tests.make import LIFECYCLE
from tests.served import serve
from triage.settings import WebSettings
from triage.web.app import desk


def test_the_bench_fills_a_desk_that_people_can_work_at(engine: Engine) -> None:
    now = datetime.now(UTC)
    cookies = fill(engine, LIFECYCLE, WebSettings(), posts=1_000, cases=50, people=2, now=now)
    with engine.connect() as connection:
        counted = "SELECT (SELECT count(*) FROM posts), (SELECT count(*) FROM cases), (SELECT count(*) FROM routings)"
        assert tuple(connection.execute(text(counted)).one()) == (1_000, 50, 1_000)
        first = text("SELECT count(*) FROM cases WHERE first_due_at IS NOT NULL AND status = 'detected'")
        assert connection.execute(first).scalar_one() == 25
    with serve(desk(engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE)) as base:
        seen = read(base, cookies, cases=50, seconds=600, think_s=0, most=12)
    assert seen.errors == {}
    assert set(seen.took_ms) == {"queue", "case", "search", "action"}
    assert seen.p95("nothing") == float("inf")
    assert 0 < seen.p95("queue") < float("inf")
