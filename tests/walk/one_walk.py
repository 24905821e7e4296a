"""The walk as a program: visit one source, then do every job there is, one after the other.

With a number as argument it is killed at commit 0, then at commit 1 and so on, before or after the database has it,
like a machine that loses power there, until a walk comes to its end; each goes on from what was committed. Its last
line says how many were killed. With the number of kills reached it gives up.
"""

import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime
from multiprocessing import get_context

from sqlalchemy import Engine, event, text
from sqlmodel import Session

from collector.catalogue import read_sources, sync_sources
from collector.jobs import QUEUES
from collector.months import make_months
from config.database import connect
from config.service import House, Task, tasks_of
from config.settings import Settings, read_settings

SOURCE = "hackney-herald"
NEXT = text("SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id LIMIT 1")
DONE = text("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = :id")


def walk(house: House) -> Counter[str]:
    """One visit and all that follows from it. Returns how often each job was done."""
    return walk_with(house, all_tasks(house))


def walk_with(house: House, tasks: dict[str, Task]) -> Counter[str]:
    prepare(house.settings, house.engine, now=house.clock())
    tasks["collect"].work(source=SOURCE)
    return do_jobs(house, tasks)


def all_tasks(house: House) -> dict[str, Task]:
    return {name: task for queue in QUEUES for name, task in tasks_of(queue, house).items()}


def do_jobs(house: House, tasks: dict[str, Task]) -> Counter[str]:
    done: Counter[str] = Counter()
    while True:
        with Session(house.engine) as session:
            job = session.execute(NEXT).one_or_none()
            session.rollback()
            if job is None:
                return done
            tasks[job.task_name].work(**job.args)
            done[job.task_name] += 1
            session.execute(DONE, {"id": job.id})
            session.commit()


def prepare(settings: Settings, engine: Engine, *, now: datetime) -> None:
    with Session(engine) as session:
        make_months(session, now=now)
        sync_sources(session, read_sources(settings.file("sources.toml")), now=now)
        session.execute(text("UPDATE sources SET due_at = now(), lease_until = NULL"))
        session.commit()


def die_at(commit: int) -> None:
    """Kill this process at one of its commits: even numbers just before it, odd ones just after."""
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        if seen == commit:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    event.listen(Engine, "commit", count)
    event.listen(Session, "after_commit", count)


def killed(house: House, tasks: dict[str, Task], commit: int) -> bool:
    """Walk in a fork of this process, which has loaded all there is. Whether it was killed at that commit."""
    house.engine.dispose()  # a fork has connections of its own
    child = get_context("fork").Process(target=walk_until, args=(house, tasks, commit))
    child.start()
    child.join()
    if child.exitcode not in (0, -signal.SIGKILL):
        sys.exit(f"killed at commit {commit}, the walk ended with {child.exitcode}")
    return child.exitcode != 0


def walk_until(house: House, tasks: dict[str, Task], commit: int) -> None:
    die_at(commit)
    walk_with(house, tasks)


def main() -> None:
    settings = read_settings()
    house = House(settings, connect(settings), lambda: datetime.now(UTC))
    if len(sys.argv) == 1:
        walk(house)
        return
    tasks = all_tasks(house)
    for commit in range(int(sys.argv[1])):
        if not killed(house, tasks, commit):
            print(f"{commit} kills")
            return
    sys.exit("killed at every commit so far, and still not at its end")


if __name__ == "__main__":
    main()
