"""A flood: what only the gate has read is marked, read again once no more posts wait, and routed anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from classifier.hurry import hurried, waiting
from classifier.records import Assessment, IncidentType
from classifier.versions import shipped
from collector.jobs import defer, ids
from collector.records import Failure, Post
from config.service import House, Task, tasks_of
from config.settings import Settings
from config.ticks import read_again
from tests.conftest import NOON
from tests.make import make_assessment, make_post
from tests.walk.one_walk import do_jobs
from triage.records import Alert, Case, Routing

SEEN = "Just saw three Met officers kneel on a lad on Mare Street, Hackney. He says he cannot breathe"
OTHER = "Police tasered a man outside Lewisham station, he hit his head on the kerb and is not moving"
FLOOD = 2


class Moving:
    """A clock that moves on a second whenever it is asked."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def house(settings: Settings, engine: Engine) -> House:
    short = settings.classifier.model_copy(update={"flood": FLOOD, "read_twice_in_a_flood": 0.0, "batch": 2})
    return House(settings.model_copy(update={"classifier": short}), engine, Moving())


@pytest.fixture
def does(house: House) -> dict[str, Task]:
    queues = ("assess", "route", "respond", "look", "claims")
    return {name: task for queue in queues for name, task in tasks_of(queue, house).items()}


@pytest.fixture
def flooded(house: House, does: dict[str, Task]) -> list[Post]:
    """Two posts that only the gate has read, and that are routed; it took one for nothing."""
    posts = [make_post(OTHER, external_id="missed"), make_post(SEEN, external_id="seen")]
    nothing = {"incident": 0.01, "incident_any": 0.01, "type": IncidentType.NONE, "severity": 0.0}
    with Session(house.engine, expire_on_commit=False) as session:
        session.add_all(posts)
        session.add(make_assessment(posts[0], **nothing, model=shipped().name, hurried=True))
        session.add(make_assessment(posts[1], model=shipped().name, hurried=True))
        defer(session, "route", queue="route", lock="route", posts=ids([each.id for each in posts]))
        session.commit()
    do_jobs(house, does)
    return posts


@contextmanager
def others_waiting(house: House) -> Iterator[None]:
    """As many posts as make a flood."""
    with Session(house.engine) as session:
        jobs = [defer(session, "assess", queue="assess", posts=[str(uuid4())]) for _ in range(FLOOD)]
        session.commit()
        yield
        session.execute(text("DELETE FROM procrastinate_jobs WHERE id = ANY(:jobs)"), {"jobs": jobs})
        session.commit()


def told(house: House, post: Post) -> list[str]:
    """The desks alerted to the case of a post, one for each alert; none without a case."""
    with Session(house.engine) as session:
        routing = session.exec(select(Routing).where(Routing.post_id == post.id)).one()
        return [
            str(each) for each in session.exec(select(Alert.desk).where(Alert.case_id == routing.case_id))
        ]


def left(house: House) -> list[UUID]:
    with Session(house.engine) as session:
        return hurried(session, 10)


def test_what_only_the_gate_reads_in_a_flood_is_marked(house: House, does: dict[str, Task]) -> None:
    dull = make_post("The Met Office says rain all weekend")
    with Session(house.engine, expire_on_commit=False) as session:
        session.add_all([seen := make_post(SEEN), dull])
        session.commit()
    with others_waiting(house):
        does["assess"].work(ids([seen.id, dull.id]))
    assert left(house) == [seen.id], "what the gate rules out is read in full by the gate"


def test_the_likeliest_are_read_again_first(house: House, flooded: list[Post]) -> None:
    assert left(house) == [post.id for post in reversed(flooded)]


def test_an_incident_the_gate_missed_is_raised_once_the_flood_is_over(
    house: House, does: dict[str, Task], flooded: list[Post]
) -> None:
    missed, seen = flooded
    before = told(house, seen)
    assert before
    assert not told(house, missed)
    read_again(house, NOON)
    do_jobs(house, does)
    assert left(house) == []
    assert told(house, missed)
    after = told(house, seen)
    assert set(before) <= set(after), "what is read in full may concern another desk as well"
    assert len(set(after)) == len(after), "no desk is told twice"
    with Session(house.engine) as session:
        assert len(session.exec(select(Case)).all()) == 2
        assert len(session.exec(select(Assessment)).all()) == 2, "the hurried readings are replaced"
    read_again(house, NOON)
    assert not do_jobs(house, does)


def test_an_incident_that_was_only_listed_in_a_flood_is_raised_once_read_in_full(
    house: House, does: dict[str, Task]
) -> None:
    """In a hurry it looked like an arrest to list: it has a case, and nobody was told."""
    post = make_post(OTHER)
    mild = {"incident": 0.1, "incident_any": 0.9, "type": IncidentType.ARREST_DETENTION, "severity": 0.1}
    with Session(house.engine, expire_on_commit=False) as session:
        session.add(post)
        session.add(make_assessment(post, **mild, model=shipped().name, hurried=True))
        defer(session, "route", queue="route", lock="route", posts=ids([post.id]))
        session.commit()
    do_jobs(house, does)
    with Session(house.engine, expire_on_commit=False) as session:
        before = session.exec(select(Case)).one()
        assert session.exec(select(Routing)).one().outcome == "list"
    assert not told(house, post)
    read_again(house, NOON)
    do_jobs(house, does)
    assert told(house, post)
    with Session(house.engine) as session:
        after = session.exec(select(Case)).one()
        assert (after.id, after.post_count, before.post_count) == (before.id, 1, 1)
        assert after.severity < before.severity
        assert session.exec(select(Routing)).one().because.endswith("read again")
    read_again(house, NOON)
    assert not do_jobs(house, does)


def test_a_post_that_turns_out_to_report_nothing_leaves_its_case_as_it_is(
    house: House, does: dict[str, Task]
) -> None:
    """A person may have seen the case meanwhile: a machine does not take it away."""
    dull = make_post("The Met Office says rain over Hackney all weekend")
    with Session(house.engine, expire_on_commit=False) as session:
        session.add(dull)
        session.add(make_assessment(dull, model=shipped().name, hurried=True))
        defer(session, "route", queue="route", lock="route", posts=ids([dull.id]))
        session.commit()
    do_jobs(house, does)
    with Session(house.engine, expire_on_commit=False) as session:
        before = session.exec(select(Case)).one()
    desks = told(house, dull)
    assert desks
    read_again(house, NOON)
    do_jobs(house, does)
    with Session(house.engine) as session:
        after = session.exec(select(Case)).one()
        assert (after.version, after.post_count, after.severity) == (before.version, 1, before.severity)
        assert session.exec(select(Routing)).one().outcome in ("count", "drop")
        assert session.exec(select(Failure)).all() == []
    assert told(house, dull) == desks


def test_while_posts_wait_nothing_is_read_again(
    house: House, does: dict[str, Task], flooded: list[Post]
) -> None:
    with others_waiting(house):
        read_again(house, NOON)
        with Session(house.engine) as session:
            assert waiting(session, 9) == FLOOD
        does["read_again"].work(ids([post.id for post in flooded]))
    assert len(left(house)) == 2


def test_what_is_read_again_does_not_count_as_a_flood(house: House, flooded: list[Post]) -> None:
    read_again(house, NOON)
    with Session(house.engine) as session:
        assert waiting(session, 9) == 0


def test_another_version_reads_what_one_left_in_a_hurry(house: House, does: dict[str, Task]) -> None:
    with Session(house.engine) as session:
        session.add(post := make_post(SEEN))
        session.add(make_assessment(post, hurried=True))
        session.commit()
        read_again(house, NOON)
        do_jobs(house, does)
        assert not any(each.hurried for each in session.exec(select(Assessment)))


def test_a_withdrawn_post_is_not_read_again(house: House) -> None:
    with Session(house.engine) as session:
        session.add(post := make_post(SEEN, withdrawn_at=NOON))
        session.add(make_assessment(post, hurried=True))
        session.commit()
        assert hurried(session, 10) == []


def test_many_small_jobs_are_worked_as_one(house: House, does: dict[str, Task]) -> None:
    texts = [SEEN, OTHER, "The Met Office says rain all weekend"]
    with Session(house.engine, expire_on_commit=False) as session:
        session.add_all(posts := [make_post(text) for text in texts])
        for post in posts[1:]:
            defer(session, "assess", queue="assess", posts=ids([post.id]))
        session.commit()
    for name in ("assess", "route"):
        along = does[name].along
        assert along is not None
        along(ids([posts[0].id]))
    with Session(house.engine) as session:
        assessed, routed = session.exec(select(Assessment)).all(), session.exec(select(Routing)).all()
        waiting_still = session.execute(
            text("SELECT args->'posts' FROM procrastinate_jobs WHERE task_name = 'assess'")
        )
        assert waiting_still.scalars().all() == [ids([posts[2].id])], "a batch is two posts here"
    assert {each.post_id for each in assessed} == {each.post_id for each in routed}
    assert {each.post_id for each in routed} == {posts[0].id, posts[1].id}
