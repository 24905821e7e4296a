"""What becomes of jobs that fail, of jobs whose worker died, and of lanes whose database goes away."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import InvalidRequestError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlmodel import Session, select

from collector.jobs import defer, take_along
from collector.records import Failure
from config import database
from config.database import connect, plain_url
from config.lanes import AT_ONCE, Lanes
from config.reaper import DEADLY_AFTER, reap
from config.service import TRIES, House, Task, connector, in_short, is_away, register
from config.settings import Settings

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def house(settings: Settings, engine: Engine) -> House:
    return House(settings, engine, lambda: NOON)


@pytest.fixture
def working(house: House) -> Iterator[Callable[..., Lanes]]:
    """Lanes with made-up tasks, at work in a thread until the test ends."""
    started: list[tuple[Lanes, threading.Thread]] = []

    def work(queue: str, **tasks: Task) -> Lanes:
        app = App(connector=connector(house.settings))
        for name, task in tasks.items():
            register(app, house, queue, name, task)
        lanes = Lanes(app, [queue])
        thread = threading.Thread(target=lanes.work)
        thread.start()
        started.append((lanes, thread))
        return lanes

    yield work
    for lanes, thread in started:
        lanes.stop()
        thread.join(30)


def leave(house: House, task: str, queue: str, **arguments: Any) -> None:
    with Session(house.engine) as session:
        defer(session, task, queue=queue, **arguments)
        session.commit()


def failures(house: House) -> list[tuple[str, str, str]]:
    with Session(house.engine) as session:
        return [(each.stage, each.subject, each.error) for each in session.exec(select(Failure)).all()]


def jobs(house: House, columns: str = "status::text, attempts") -> list[tuple[Any, ...]]:
    with house.engine.connect() as connection:
        return [
            tuple(row)
            for row in connection.execute(text(f"SELECT {columns} FROM procrastinate_jobs ORDER BY id"))
        ]


def eventually(seen: Callable[[], bool], for_s: float = 20) -> None:
    waiting = threading.Event()
    for _ in range(int(for_s / 0.05)):
        if seen():
            return
        waiting.wait(0.05)
    pytest.fail("it never happened")


def test_one_bad_post_leaves_alone_and_the_good_ones_go_on(house: House, working: Any) -> None:
    good: list[str] = []

    def assess(posts: list[str]) -> None:
        if "7" in posts:
            raise ValueError("a text that breaks the stage, and must not be quoted")
        good.extend(posts)

    working("assess", assess=Task(assess, each="posts"))
    leave(house, "assess", "assess", posts=[str(number) for number in range(20)])
    eventually(lambda: jobs(house) == [])
    assert sorted(good, key=int) == [str(number) for number in range(20) if number != 7]
    ((stage, subject, error),) = failures(house)
    assert (stage, subject) == ("assess", "7")
    assert error.startswith("ValueError at") or error == "ValueError"
    assert "quoted" not in error


def test_what_a_job_took_along_is_never_blamed_and_blames_nobody(house: House, working: Any) -> None:
    good: list[str] = []

    def assess(posts: list[str], most: int = 0) -> None:
        with Session(house.engine) as session:
            taken = take_along(session, "assess", posts, queue="assess", most=most)
            if "7" in taken:
                raise ValueError("a text that breaks the stage")
            session.commit()
        good.extend(taken)

    for numbers in ("1", "2"), ("7",), ("3",):
        leave(house, "assess", "assess", posts=list(numbers))
    working("assess", assess=Task(assess, each="posts", along=partial(assess, most=10)))
    eventually(lambda: jobs(house) == [])
    assert sorted(good) == ["1", "2", "3"]
    assert [subject for _, subject, _ in failures(house)] == ["7"]


def test_jobs_are_taken_along_up_to_a_number_of_posts_and_gone_only_with_the_commit(house: House) -> None:
    for numbers in ("2", "3"), ("4",), ("5", "6"):
        leave(house, "route", "route", lock="route", posts=list(numbers))
    leave(house, "route", "route", lock="route", priority=1, posts=["asked for by a person"])
    with Session(house.engine) as session:
        assert take_along(session, "route", ["1"], queue="route", most=4) == ["1", "2", "3", "4"]
        assert len(jobs(house)) == 4
        session.commit()
    assert len(jobs(house)) == 2
    with Session(house.engine) as session:
        assert take_along(session, "route", ["1"], queue="route", most=0) == ["1"]
        assert take_along(session, "route", ["1"], queue="route", most=9) == ["1", "5", "6"]
    assert len(jobs(house)) == 2


def test_a_batch_is_not_blamed_when_the_database_is_away(house: House, working: Any) -> None:
    tries: list[int] = []

    def assess(posts: list[str]) -> None:
        tries.append(len(posts))
        if len(tries) == 1:
            raise OperationalError("SELECT 1", {}, psycopg.OperationalError("gone"))

    working("assess", assess=Task(assess, each="posts"))
    leave(house, "assess", "assess", posts=["1", "2"])
    eventually(lambda: jobs(house) == [] and len(tries) == 2)
    assert tries == [2, 2]
    assert failures(house) == []


def cut_all(house: House) -> None:
    """End every connection to the database but the one that asks, as a server that dies does."""
    with psycopg.connect(plain_url(house.settings), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def unwritten(monkeypatch: pytest.MonkeyPatch, times: int) -> list[Any]:
    """So many times, how a job ended does not reach the database, while all else does."""
    written = JobManager.finish_job
    refused: list[Any] = []

    async def finish(self: JobManager, job: Any, **named: Any) -> None:
        if len(refused) < times:
            refused.append(job.id)
            raise ConnectorException from psycopg.OperationalError("the connection is lost")
        await written(self, job=job, **named)

    monkeypatch.setattr(JobManager, "finish_job", finish)
    return refused


def test_how_a_job_ended_is_written_though_the_connection_dies_at_that_moment(
    house: House, working: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = unwritten(monkeypatch, times=3)
    done: list[int] = []
    working("route", route=Task(lambda posts: done.append(len(posts)), each="posts"))
    leave(house, "route", "route", lock="route", posts=["1", "2"])
    leave(house, "route", "route", lock="route", posts=["3"])
    eventually(lambda: jobs(house) == [])
    assert (done, len(refused)) == ([2, 1], 3)


def test_a_job_whose_end_cannot_be_written_is_taken_for_a_dead_worker_s(
    house: House, working: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.lanes.WRITTEN_WITHIN_S", 0.0)
    refused = unwritten(monkeypatch, times=1)
    done: list[int] = []
    working("route", route=Task(lambda posts: done.append(len(posts)), each="posts"))
    leave(house, "route", "route", lock="route", posts=["1", "2"])
    leave(house, "route", "route", lock="route", posts=["3"])

    def nothing_left() -> bool:
        with Session(house.engine) as session:
            reap(session, now=NOON)
            session.commit()
        return jobs(house) == []

    eventually(nothing_left)
    assert (done, len(refused)) == ([2, 2, 1], 1)


def test_a_database_that_dies_as_a_job_ends_leaves_no_job_behind(house: House, working: Any) -> None:
    done: list[int] = []

    def route(posts: list[str]) -> None:
        done.append(len(posts))
        if len(done) == 1:
            cut_all(house)

    working("route", route=Task(route, each="posts"))
    leave(house, "route", "route", lock="route", posts=["1", "2"])
    leave(house, "route", "route", lock="route", posts=["3"])

    def nothing_left() -> bool:
        with suppress(OperationalError):  # our own connection is cut too
            return jobs(house) == []
        return False

    eventually(nothing_left)
    assert done == [2, 1]


def test_a_job_about_one_thing_is_tried_again_and_then_left_in_plain_sight(
    house: House, working: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.service.LONGEST_WAIT_S", 0)
    tries: list[str] = []

    def draft(case: str) -> None:
        tries.append(case)
        raise KeyError("missing")

    working("respond", draft=Task(draft))
    leave(house, "draft", "respond", case="c-1")
    eventually(lambda: len(failures(house)) == 1)
    assert len(tries) == TRIES
    assert failures(house)[0][:2] == ("draft", "c-1")
    eventually(lambda: jobs(house, "status::text") == [("failed",)])


def test_lanes_go_on_after_their_connections_are_cut(house: House, working: Any) -> None:
    done: list[str] = []
    working("respond", draft=Task(lambda case: done.append(case)))
    leave(house, "draft", "respond", case="before")
    eventually(lambda: done == ["before"])
    with house.engine.connect() as connection:
        cut = text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'goldenhour engine' AND datname = current_database()"
        )
        assert connection.execute(cut).scalar_one() >= 2
    leave(house, "draft", "respond", case="after")
    eventually(lambda: done == ["before", "after"])


def test_stopping_lets_the_job_in_hand_finish(house: House, working: Any) -> None:
    begun, may_end = threading.Event(), threading.Event()
    done: list[str] = []

    def draft(case: str) -> None:
        begun.set()
        assert may_end.wait(20)
        done.append(case)

    lanes: Lanes = working("respond", draft=Task(draft))
    leave(house, "draft", "respond", case="c-1")
    assert begun.wait(20)
    lanes.stop()
    may_end.set()
    eventually(lambda: jobs(house) == [])
    assert done == ["c-1"]


def as_if_killed(house: House, *, attempts: int = 0) -> None:
    with house.engine.begin() as connection:
        connection.execute(
            text("UPDATE procrastinate_jobs SET status = 'doing', attempts = attempts + :attempts"),
            {"attempts": attempts},
        )


def killed_and_put_back(house: House, *, times: int) -> None:
    for _ in range(times):
        as_if_killed(house)
        assert reaped(house) == 1


def reaped(house: House) -> int:
    with Session(house.engine) as session:
        count = reap(session, now=NOON)
        session.commit()
    return count


def test_a_job_whose_worker_died_goes_back(house: House) -> None:
    leave(house, "route", "route", lock="route", posts=["1", "2"])
    as_if_killed(house)
    assert reaped(house) == 1
    assert jobs(house) == [("todo", 1)]
    assert reaped(house) == 0


def test_a_job_of_a_live_worker_is_left_alone(house: House) -> None:
    leave(house, "route", "route", posts=["1"])
    with house.engine.begin() as connection:
        connection.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
        connection.execute(
            text(
                "UPDATE procrastinate_jobs SET status = 'doing', "
                "worker_id = (SELECT max(id) FROM procrastinate_workers)"
            )
        )
    assert reaped(house) == 0


def test_a_batch_that_kills_its_workers_is_cut_in_two_and_a_single_post_is_left_out(house: House) -> None:
    leave(house, "assess", "assess", posts=["1", "2", "3"])
    killed_and_put_back(house, times=DEADLY_AFTER)
    assert jobs(house, "status::text, args->'posts'") == [("todo", ["1", "2", "3"])]
    as_if_killed(house)
    assert reaped(house) == 1
    halves = jobs(house, "status::text, args->'posts'")
    assert halves == [("failed", ["1", "2", "3"]), ("todo", ["1"]), ("todo", ["2", "3"])]
    assert failures(house) == []

    with house.engine.begin() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs"))
    leave(house, "assess", "assess", posts=["1"])
    killed_and_put_back(house, times=DEADLY_AFTER)
    as_if_killed(house)
    assert reaped(house) == 1
    assert [each[:2] for each in failures(house)] == [("assess", "1")]


def test_a_job_tried_often_while_the_database_was_away_is_not_blamed_for_a_worker_that_dies(
    house: House,
) -> None:
    leave(house, "draft", "respond", case="c-1")
    as_if_killed(house, attempts=TRIES)
    assert reaped(house) == 1
    assert jobs(house, "status::text") == [("todo",)]
    assert failures(house) == []


def test_errors_are_told_in_short_without_what_they_quote() -> None:
    assert in_short(ValueError("the text of a post")) == "ValueError"
    assert is_away(OperationalError("x", {}, Exception()))
    assert not is_away(ValueError())


def test_no_item_is_blamed_when_no_connection_is_free(house: House) -> None:
    narrow = create_engine(house.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    with narrow.connect(), pytest.raises(NoConnectionFreeError) as told, narrow.connect():
        pass
    narrow.dispose()
    assert is_away(told.value)


def test_no_item_is_blamed_when_the_server_ends_each_new_connection(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(settings, pool=1)
    monkeypatch.setattr(database, "hung_up", lambda _connection: True)
    with pytest.raises(InvalidRequestError) as told, engine.connect():
        pass
    engine.dispose()
    assert is_away(told.value)


def test_as_many_fetches_hang_as_there_are_places_and_hold_up_no_other(
    house: House, working: Callable[..., Lanes]
) -> None:
    hanging, over = threading.Semaphore(0), threading.Event()

    def hang(source: str) -> None:
        hanging.release()
        over.wait(60)

    for number in range(AT_ONCE["collect"]):
        leave(house, "hang", "collect", source=str(number))
    working("collect", hang=Task(hang))
    began = [hanging.acquire(timeout=60) for _ in range(AT_ONCE["collect"])]
    over.set()
    assert all(began), "some waited for others to end"
