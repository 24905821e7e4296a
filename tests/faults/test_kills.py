"""Every process is killed while posts come in: none is lost, none is doubled, and all parts come back."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from collector.batch import Batch, Item
from collector.collect import collect
from config.benches.posts import made_up
from config.database import connect
from config.queues.collect import author_key, prefilter_of
from tests.faults.service import Service, gone, wait_until

pytestmark = pytest.mark.faults

POSTS = 6_000
BATCH = 100
KILLS = ("work-2", "work-1", "postgres", "schedule", "web", "work-1", "postgres", "run", "work-2", "postgres")
ALL_WITHIN_S = 240.0

EACH_ONCE = {
    "posts": "SELECT count(*), count(DISTINCT id) FROM posts",
    "assessments": "SELECT count(*), count(DISTINCT post_id) FROM assessments",
    "routings": "SELECT count(*), count(DISTINCT post_id) FROM routings",
    "sightings": "SELECT count(DISTINCT post_id), count(DISTINCT post_id) FROM sightings",
}
NOTHING = {
    "posts in a case but not counted": "SELECT count(*) FROM (SELECT c.id FROM cases c JOIN memberships m"
    " ON m.case_id = c.id AND m.sure GROUP BY c.id HAVING count(*) <> c.post_count) AS wrong",
    "alerts of a case and desk beyond one": "SELECT count(*) - count(DISTINCT (case_id, desk)) FROM alerts",
    "drafts of a case beyond one": "SELECT count(*) - count(DISTINCT (case_id, template, version)) FROM statements",
    "failures": "SELECT count(*) FROM failures",
    "raised posts without a case": "SELECT count(*) FROM routings WHERE outcome = 'raise' AND case_id IS NULL",
    "alerts that no channel or page has": "SELECT count(*) FROM alerts a WHERE NOT EXISTS"
    " (SELECT 1 FROM deliveries d WHERE d.alert_id = a.id)",
}


def test_nothing_is_lost_or_doubled_when_every_process_is_killed_in_turn(service: Service) -> None:
    items = list(made_up(POSTS, now=datetime.now(UTC)))
    service.start()
    killed = feed_and_kill(service, items)
    assert [name for name, _ in killed] == list(KILLS)
    assert all(gone(pid) for _, pid in killed)
    engine = connect(service.settings)
    try:
        wait_until(lambda: count(engine, EACH_ONCE["routings"]) == (POSTS, POSTS), ALL_WITHIN_S)
        wait_until(lambda: all(count(engine, asked) == (0,) for asked in NOTHING.values()), 60)
    finally:
        told = {name: count(engine, asked) for name, asked in {**EACH_ONCE, **NOTHING}.items()}
        engine.dispose()
    assert told == dict.fromkeys(EACH_ONCE, (POSTS, POSTS)) | dict.fromkeys(NOTHING, (0,))
    wait_until(lambda: set(service.parts()) == {"web", "schedule", "work-1", "work-2", "look"}, 60)
    assert service.stop() == 0
    assert service.log.count("the database server died") >= 2


def feed_and_kill(service: Service, items: Sequence[Item]) -> list[tuple[str, int]]:
    """All items through the door, with the kills spread over them; each batch again until it is committed."""
    batches = [Batch(items=list(items[start : start + BATCH])) for start in range(0, len(items), BATCH)]
    every = len(batches) // len(KILLS)
    killed: list[tuple[str, int]] = []
    prefilter, key = prefilter_of(service.settings), author_key(service.settings)
    engine = connect(service.settings)
    for number, batch in enumerate(batches):
        if number % every == 0 and len(killed) < len(KILLS):
            killed.append(kill(service, KILLS[len(killed)]))
        while True:
            try:
                with Session(engine) as session:
                    collect(session, "bench", batch, prefilter, author_key=key, now=datetime.now(UTC))
                    session.commit()
                break
            except (DBAPIError, psycopg.Error):
                engine.dispose()
                time.sleep(0.2)
        time.sleep(0.1)  # so that the workers are in the middle of something at the next kill
    engine.dispose()
    return killed


def kill(service: Service, name: str) -> tuple[str, int]:
    """Kill it as soon as it is there; `run` is started again as a person would."""
    wait_until(lambda: name in {"postgres", "run", *service.parts()} and service.postgres() is not None, 60)
    pid = service.kill(name)
    if name == "run":
        assert service.process is not None
        service.process.wait()
        service.start()
    return name, pid


def count(engine: Engine, asked: str) -> tuple[int, ...]:
    with engine.connect() as connection:
        return tuple(connection.execute(text(asked)).one())
