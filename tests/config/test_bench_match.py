"""`goldenhour bench match`, small: posts are grouped, and routed beside a store."""

import pytest
from sqlalchemy import Engine, text

from config.benches import match, match_store
from config.benches.match_store import Cost
from config.settings import Settings


def test_new_posts_are_routed_beside_a_store(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BATCH", 10), ("WARMING", 1), ("MEASURED", 2)):
        monkeypatch.setattr(match_store, name, value)
    cost = match_store.cost_in(engine, settings, 300, seed=1)
    assert cost.stored == 300
    fresh = text("SELECT count(*), count(DISTINCT case_id) FROM memberships WHERE sure AND how <> 'words'"
        " AND post_id IN (SELECT id FROM posts WHERE external_id LIKE 'fresh/%')")  # fmt: skip
    with engine.connect() as connection:
        posts, cases = connection.execute(fresh).one()
    assert posts == 30
    assert 1 < cases < posts, "some open a case, some join one"


def test_the_cost_beside_many_is_held_against_that_beside_few(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match, "REFERENCE_POSTS", 100)
    monkeypatch.setattr(
        match, "cost_beside", lambda _settings, stored, **_given: Cost(stored, stored / 10_000, 1.0, 1.0)
    )
    said = match.run(settings, posts=400, stored=20_000)
    [goal] = said["goals"][2:]
    assert (goal["name"], goal["seen"]) == ("routing a post beside 20,000 stored to beside 10,000", 2.0)
    assert not goal["met"]
    assert "stored" not in match.run(settings, posts=400)
