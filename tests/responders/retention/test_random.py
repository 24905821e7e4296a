"""Whatever the rules, holds and clocks: nothing held is purged, nothing due remains, nothing else goes.

Looked for by content in every column of every table and in every file. GOLDENHOUR_TEST_RETENTION sets how many
combinations are tried (1,000 for the record).
"""

import os
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from config.files import rules_all
from config.settings import HERE
from responders.retention.running import run_retention
from tests.conftest import LOG_KEY
from tests.databases import Databases
from tests.responders.retention.scanning import found
from tests.responders.retention.world import EPOCH, World, random_policy
from triage.certificates import verify_certificates
from triage.chain import verify

CLOCKS = 3
ROUNDS = -(-int(os.environ.get("GOLDENHOUR_TEST_RETENTION", "24")) // CLOCKS)
POSTS = 30
POLICY = rules_all(HERE / "policy" / "retention.toml")


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_nothing_held_goes_nothing_due_stays(seed: int, databases: Databases, tmp_path: Path) -> None:
    random = Random(seed)
    with databases.one() as url:
        engine = create_engine(url, execution_options={"log_key": LOG_KEY})
        world = World(engine, tmp_path / "var", random_policy(POLICY, random), random)
        with Session(engine, expire_on_commit=False) as session:
            world.fill(session, POSTS)
        assert set(found(engine, world.folder)) == set(world.model.things)
        gone: set[int] = set()
        now = EPOCH
        for _ in range(CLOCKS):
            now += timedelta(hours=random.choice((1, 30, 24 * 10, 24 * 60, 24 * 200)))
            world.delete_some(now - timedelta(minutes=20))
            world.release_some(now - timedelta(minutes=10))
            run_retention(world.place, now=now)
            gone = as_the_model_says(world, engine, gone, now)
        with Session(engine) as session:
            assert verify(session, LOG_KEY).breaks == []
            assert verify_certificates(session, LOG_KEY) == []
        engine.dispose()


def as_the_model_says(world: World, engine: Engine, gone: set[int], now: datetime) -> set[int]:
    """Hold what is found against the model. Returns what is gone by now: that need not come back."""
    there = found(engine, world.folder)
    held = {number for number, each in world.model.things.items() if each.held(now)} - gone
    due = {number for number, each in world.model.things.items() if each.due(now)}
    lost_though_held = held - set(there)
    left_though_due = (due - held) & set(there)
    lost_too_early = set(world.model.things) - due - gone - set(there)
    assert not lost_though_held, [world.model.things[each].what for each in lost_though_held]
    assert not left_though_due, [
        (world.model.things[each].what, there[each], each) for each in left_though_due
    ]
    assert not lost_too_early, [world.model.things[each].what for each in lost_too_early]
    return set(world.model.things) - set(there)
