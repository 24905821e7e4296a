"""A run that is killed goes on where it was; what it did is certified; months are dropped around what is held."""

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import Session, select

from collector.hold_records import HeldCopy
from collector.months import make_months
from collector.records import Post, PostKey, Sighting
from config.files import rules_all
from config.settings import HERE
from responders.retention.ledger import after, reapply, write_ledger
from responders.retention.plan import plan
from responders.retention.posts import DuePosts, take_away
from responders.retention.running import LOCK, Busy, run_retention
from tests.collector.test_held import hold
from tests.conftest import LOG_KEY, NOON
from tests.make import make_case, make_post
from tests.responders.retention.scanning import found
from tests.responders.retention.world import EPOCH, World
from triage.certificates import verify_certificates
from triage.chain import verify
from triage.hold_records import Hold
from triage.records import Membership, Routing
from triage.retention_records import DisposalCertificate, PostTombstone, RetentionRun

POLICY = rules_all(HERE / "policy" / "retention.toml")
LATER = EPOCH + timedelta(days=40)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> World:
    made = World(engine, tmp_path / "var", POLICY, Random(7))
    with Session(engine, expire_on_commit=False) as session:
        made.fill(session, 20)
    return made


def killed_at(world: World, commit: int) -> bool:
    """Run, and be killed at that commit. Whether there was one."""
    left = [commit]

    def count(_connection: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    event.listen(world.engine, "commit", count)
    try:
        run_retention(world.place, now=LATER)
    except Killed:
        return True
    finally:
        event.remove(world.engine, "commit", count)
    return False


def test_killed_at_any_commit_it_goes_on_and_loses_nothing_else(world: World) -> None:
    commit = 2
    while killed_at(world, commit):
        commit += 3
    there = set(found(world.engine, world.folder))
    held = {number for number, each in world.model.things.items() if each.held(LATER)}
    due = {number for number, each in world.model.things.items() if each.due(LATER)}
    assert there >= (set(world.model.things) - due) | held
    assert there & (due - held) == set()
    with Session(world.engine) as session:
        runs = session.exec(select(RetentionRun)).all()
        assert [each.ended_at for each in runs] == [LATER] * len(runs)
        certificates = session.exec(select(DisposalCertificate)).all()
        assert all(each.seal for each in certificates)
        purged = sum(
            each.items
            for each in certificates
            if each.class_name in ("unread", "unflagged", "minor", "grave")
        )
        assert purged == len(session.exec(select(PostTombstone)).all())
        assert verify(session, LOG_KEY).breaks == []
        assert verify_certificates(session, LOG_KEY) == []


def test_run_again_it_finds_nothing_more(world: World) -> None:
    assert any(each.items for each in run_retention(world.place, now=LATER))
    assert [each for each in run_retention(world.place, now=LATER) if each.items] == []


def test_what_is_planned_is_what_goes(world: World) -> None:
    with Session(world.engine) as session:
        planned = {
            each.rule.name: each.due for each in plan(session, world.place, now=EPOCH) if each.due is not None
        }
    done = {each.class_name: each.items for each in run_retention(world.place, now=EPOCH)}
    first = ("refused", "shifts", "rights", "exports")
    assert {name: planned[name] for name in first} == {name: done[name] for name in first}


def test_a_second_run_at_the_same_time_is_refused(world: World) -> None:
    with world.engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        with pytest.raises(Busy):
            run_retention(world.place, now=LATER)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE disposal_certificates SET items = items + 1 WHERE number = 2",
        "UPDATE disposal_certificates SET held = '{\"H-9\": 1}' WHERE number = 2",
        "DELETE FROM disposal_certificates WHERE number = 2",
    ],
)
def test_a_certificate_that_was_changed_is_found(change: str, world: World) -> None:
    run_retention(world.place, now=LATER)
    with Session(world.engine) as session:
        assert verify_certificates(session, LOG_KEY) == []
        session.execute(text(change))
        assert verify_certificates(session, LOG_KEY)
        session.rollback()


def stored(session: Session, words: str, days: int, **given: Any) -> UUID:
    at = NOON - timedelta(days=days)
    post = make_post(words, collected_at=at, published_at=at, **given)
    session.add_all([post, PostKey(id=post.id, collected_at=at)])
    session.add(Sighting(seen_at=at, post_id=post.id, source=post.source))
    session.add(Routing(post_id=post.id, at=at, model="m", rule="r", outcome="drop", because="x"))
    return post.id


@pytest.fixture
def months(session: Session) -> Session:
    """A month long past, with a post in no case, one of an open case and one under a hold."""
    make_months(session, now=NOON - timedelta(days=200))
    session.flush()
    stored(session, "nobody needs this", 190)
    cased, held = stored(session, "in an open case", 190), stored(session, "under a hold", 190)
    case = make_case(severity=2, status="confirmed")
    session.add_all([case, Membership(post_id=cased, case_id=case.id, how="opened", joined_at=NOON)])
    session.commit()
    hold(session, scope="post", post_id=held)
    return session


def test_a_month_that_is_over_is_dropped_and_what_is_needed_moves_out(months: Session, world: World) -> None:
    run_retention(world.place, now=NOON)
    parts = text("SELECT relname FROM pg_class WHERE relname LIKE '%_p202512'")
    assert (
        months.scalars(parts).all() == ["posts_p202512", "sightings_p202512"]
        or not months.scalars(parts).all()
    )
    texts = set(months.scalars(text("SELECT text FROM posts WHERE collected_at < '2026-02-01'")))
    assert {"in an open case", "under a hold"} <= texts
    assert "nobody needs this" not in texts
    at = NOON - timedelta(days=190)
    left = months.exec(select(Post).where(Post.collected_at == at)).all()
    assert {each.text for each in left} == {"in an open case", "under a hold"}
    assert months.scalar(text(f"SELECT to_regclass('posts_p{at:%Y%m}')")) is None
    assert len(months.exec(select(Sighting).where(Sighting.seen_at == at)).all()) == 2
    assert len(months.exec(select(PostKey).where(PostKey.collected_at == at)).all()) == 3


def test_a_restored_database_loses_again_what_went_and_keeps_what_was_held(
    session: Session, engine: Engine, tmp_path: Path
) -> None:
    gone, kept = stored(session, "deleted after the backup", 1), stored(session, "held since", 1)
    session.commit()
    backup = NOON
    hold(session, scope="post", post_id=kept)
    take_away(session, [gone, kept], "deleted by its author", now=NOON + timedelta(hours=3))
    session.commit()
    assert write_ledger(session, tmp_path, now=NOON + timedelta(hours=3)) == 2
    assert write_ledger(session, tmp_path, now=NOON + timedelta(hours=4)) == 0
    with Session(engine) as restored:  # as it was when the backup was made
        restored.execute(text("UPDATE posts SET text = 'back again', withdrawn_at = NULL"))
        restored.execute(text("DELETE FROM held_copies"))
        restored.execute(text("UPDATE holds SET signed_at = NULL"))
        restored.commit()
        assert reapply(restored, after(tmp_path, backup), now=NOON + timedelta(days=1)) == 2
        restored.commit()
        assert {each.text for each in restored.exec(select(Post))} == {""}
        assert restored.exec(select(HeldCopy.post_id)).all() == [kept]
        assert restored.exec(select(Hold)).one().signed_at
        assert after(tmp_path, NOON + timedelta(days=2)).posts == []


def test_a_line_of_the_ledger_that_was_cut_off_is_written_anew(session: Session, tmp_path: Path) -> None:
    first = stored(session, "first", 1)
    take_away(session, [first], "x", now=NOON)
    write_ledger(session, tmp_path, now=NOON)
    path = tmp_path / "purged.jsonl"
    path.write_text(path.read_text()[:-20])
    assert write_ledger(session, tmp_path, now=NOON + timedelta(minutes=5)) == 1
    assert after(tmp_path, NOON).posts == [first]


def test_each_batch_is_asked_anew_so_that_a_hold_set_meanwhile_counts(session: Session) -> None:
    make_months(session, now=NOON - timedelta(days=40))
    made = [stored(session, f"word {number}", 40 - number) for number in range(5)]
    session.commit()
    due = DuePosts(POLICY, "unflagged", now=NOON)
    assert [each.id for each in due.next(session, most=2, ahead=4)] == made[:2]
    hold(session, scope="post", post_id=made[2])
    assert [each.id for each in due.next(session, most=2, ahead=4)] == [made[3]]
    take_away(session, [made[0], made[1], made[3]], "the test", now=NOON)
    assert [each.id for each in due.next(session, most=2, ahead=4)] == [made[4]]
    take_away(session, [made[4]], "the test", now=NOON)
    assert due.next(session, most=2, ahead=4) == []


def test_by_night_a_run_rests_as_long_as_each_batch_took(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr("responders.retention.running.time.sleep", rests.append)
    run_retention(world.place, now=LATER)
    assert set(rests) == {0.0}
    rests.clear()
    run_retention(world.place._replace(pause=1.0), now=LATER + timedelta(days=300))
    assert rests
    assert min(rests) > 0
