"""Every process is killed while posts come in from sources that fail: none is lost, none is doubled, each gap is said.

`make campaign` plays it in full: 100 kills over 50,000 posts. The seed is printed; GOLDENHOUR_TEST_SEED sets it.
"""

import os
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from config.database import connect
from tests.doubles.wire import FAULTS
from tests.faults.campaign import BACK_WITHIN_S, KINDS, Blow, Sample, Watch, ask, mark_of, play, tally_of
from tests.faults.service import Service, wait_until
from tests.faults.world import ECHO_BACK, SHARES, World, made_world, number_of

pytestmark = pytest.mark.faults

SEED = int(os.environ.get("GOLDENHOUR_TEST_SEED", "20261120"))
KILLS = int(os.environ.get("GOLDENHOUR_TEST_KILLS", "7"))
POSTS = int(os.environ.get("GOLDENHOUR_TEST_POSTS", "4000"))
ALL_WITHIN_S = 240.0 + POSTS / 100

EACH_ONCE = {
    "posts": "SELECT count(*), count(DISTINCT external_id) FROM posts",
    "assessments": "SELECT count(*), count(DISTINCT post_id) FROM assessments",
    "routings": "SELECT count(*), count(DISTINCT post_id) FROM routings",
    "sightings": "SELECT count(DISTINCT post_id), count(DISTINCT post_id) FROM sightings",
    "stored, as tallied": "SELECT sum(stored), sum(seen - known - dropped - malformed) FROM tallies",
}
NOTHING = {
    "posts in a case but not counted": "SELECT count(*) FROM (SELECT c.id FROM cases c JOIN memberships m"
    " ON m.case_id = c.id AND m.sure GROUP BY c.id HAVING count(*) <> c.post_count) AS wrong",
    "alerts of a case and desk beyond one": "SELECT count(*) - count(DISTINCT (case_id, desk, growth)) FROM alerts",
    "drafts of a case beyond one": "SELECT count(*) - count(DISTINCT (case_id, template, version)) FROM statements",
    "failures beside malformed items": "SELECT count(*) FROM failures WHERE mended_at IS NULL"
    " AND (stage <> 'collect' OR remedy NOT LIKE 'Nothing to do: the item was left out%')",
    "raised posts without a case": "SELECT count(*) FROM routings WHERE outcome = 'raise' AND case_id IS NULL",
    "alerts that no channel or page has": "SELECT count(*) FROM alerts a WHERE NOT EXISTS"
    " (SELECT 1 FROM deliveries d WHERE d.alert_id = a.id)",
    "tallies that do not add up": "SELECT count(*) FROM tallies WHERE seen <> stored + known + dropped + malformed",
}
FAILED = "SELECT stage, error, count(*) FROM failures GROUP BY 1, 2"
BY_SOURCE = "SELECT source, external_id FROM posts"
CURSORS = "SELECT source, position, etag FROM cursors"
GAPS = "SELECT source, from_at, until_at FROM gaps ORDER BY from_at"


def test_nothing_is_lost_or_doubled_and_each_gap_is_said_while_everything_is_killed(tmp_path: Path) -> None:
    began = time.monotonic()
    print(f"seed {SEED}")
    with made_world(POSTS, SEED) as world, ExitStack() as opened:
        service = Service(
            tmp_path,
            sources=world.sources,
            GOLDENHOUR_HTTP__ALLOW=world.allowed,
            GOLDENHOUR_COLLECT__LONGEST_BACKOFF_S="1",
            GOLDENHOUR_COLLECT__LEASE_S="8",
        )
        opened.callback(service.end)
        service.start()
        usual = set(service.parts())
        before = connect(service.settings)
        opened.callback(before.dispose)
        wait_until(lambda: world.stream.open_now == 1, 60)
        world.begin()
        wait_until(lambda: world.reached(marks(before)), 60)
        watch = Watch(service, world)
        watch.start()
        blows = play(service, world, kills=KILLS, seed=SEED)
        world.calm()
        wait_until(
            lambda: ask(service, "SELECT 1") == 1, BACK_WITHIN_S
        )  # the last kill may have been its own
        engine = connect(service.settings)
        opened.callback(engine.dispose)
        missing = all_came(engine, world)
        samples = watch.end()
        told = {name: one(engine, asked) for name, asked in EACH_ONCE.items()}
        wait_until(
            lambda: not standing(engine), ALL_WITHIN_S, lambda: (standing(engine), rows(engine, FAILED))
        )
        expected = world.next - sum(map(len, missing.values()))
        report(blows, world, missing, gaps=len(rows(engine, GAPS)), took_s=time.monotonic() - began)
        assert told == dict.fromkeys(EACH_ONCE, (expected, expected))
        what_is_missing_is_said(engine, world, missing)
        cursors_are_honest(world, samples, missing)
        engine.dispose()
        wait_until(lambda: set(service.parts()) == usual, 60)
        assert service.stop() == 0
    each_fault_fired(blows, world)


def all_came(engine: Engine, world: World) -> dict[str, set[int]]:
    """Wait until every source is read to its end and all is routed; the numbers that never came, by source."""
    wait_until(lambda: world.reached(marks(engine)), ALL_WITHIN_S)
    wait_until(lambda: one(engine, EACH_ONCE["routings"]) == one(engine, EACH_ONCE["posts"]), ALL_WITHIN_S)
    came: dict[str, set[int]] = {name: set() for name in SHARES}
    for source, external_id in rows(engine, BY_SOURCE):
        came[source].add(number_of(external_id))
    return {name: {each.number for each in said} - came[name] for name, said in world.published.items()}


def what_is_missing_is_said(engine: Engine, world: World, missing: dict[str, set[int]]) -> None:
    """Each number that never came was published within a gap of its source, and the gaps are as they were."""
    assert missing["social"] == set()
    said = rows(engine, GAPS)
    times = {each.at for each in world.published["stream"]} | {each.at for each in world.stream.events}
    for name, published in world.published.items():
        gaps = [(from_at, until_at) for source, from_at, until_at in said if source == name]
        if name == "stream":  # from the last event that was stored to the first that its server still had
            assert all(from_at in times and until_at in times for from_at, until_at in gaps)
            within = {each.number for each in published for start, end in gaps if start < each.at < end}
            assert missing[name] <= within
            assert len(within - missing[name]) <= ECHO_BACK * len(gaps)
        else:  # a feed is dated by the second
            within = {each.number for each in published for start, end in gaps if start <= each.at <= end}
            assert missing[name] <= within
    assert missing["stream"]
    assert missing["paper-0"] | missing["paper-1"]


def cursors_are_honest(world: World, samples: set[Sample], missing: dict[str, set[int]]) -> None:
    """Whenever one looked, all up to the cursor was stored, but for what a gap had been written for."""
    assert {each.source for each in samples} == set(SHARES)
    for each in samples:
        numbers = set(world.up_to(each.source, each.mark)) - missing[each.source]
        late = numbers & world.echoed if each.source == "stream" else set()  # forgotten, then told once more
        assert len(numbers - late) <= each.stored <= len(numbers), each


def each_fault_fired(blows: list[Blow], world: World) -> None:
    """Every kill hit a live process, many in the middle of something; the sources failed in every way."""
    kinds = Counter(blow.kind for blow in blows)
    assert len(blows) == KILLS
    assert all(blow.hit for blow in blows)
    assert all(kinds[kind] >= KILLS // len(KINDS) for kind in KINDS)
    assert sum(blow.mid_act for blow in blows) >= KILLS // 3
    assert sum((blow.behind or 0) > 0 for blow in blows) >= KILLS // 3
    assert world.counts["windows of the stream passed"] >= KILLS // len(KINDS)
    assert world.counts["windows of a paper passed"] >= 1
    assert set(FAULTS) <= set(world.fired)
    if KILLS >= 50:
        assert {blow.kind for blow in blows if blow.mid_act} == set(KINDS)
        assert world.fired["dropped"] >= KILLS // 20


def report(
    blows: list[Blow], world: World, missing: dict[str, set[int]], *, gaps: int, took_s: float
) -> None:
    print(
        f"{len(blows)} kills in {took_s:.0f} s: {tally_of(blows)}; {world.next} posts,"
        f" missing { ({name: len(each) for name, each in missing.items()}) }, {gaps} gaps;"
        f" sources' faults {dict(world.fired)}; {dict(world.counts)}"
    )


def standing(engine: Engine) -> dict[str, Any]:
    """What is to be nothing, and is not."""
    return {name: each for name, asked in NOTHING.items() if (each := one(engine, asked)) != (0,)}


def marks(engine: Engine) -> dict[str, int]:
    return {source: mark_of(source, position, etag) for source, position, etag in rows(engine, CURSORS)}


def rows(engine: Engine, asked: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(asked))]


def one(engine: Engine, asked: str) -> tuple[Any, ...]:
    (row,) = rows(engine, asked)
    return row
