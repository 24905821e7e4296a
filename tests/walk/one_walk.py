"""The walk as a program: visit one source, then do every job there is, one after the other.

With a number as argument it kills itself at that commit, before or after the database has it, like a
machine that loses power there. Run again, it goes on from what was committed.
"""

import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime

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
    prepare(house.settings, house.engine, now=house.clock())
    tasks = {name: task for queue in QUEUES for name, task in tasks_of(queue, house).items()}
    tasks["collect"].work(source=SOURCE)
    return do_jobs(house, tasks)


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


def main() -> None:
    settings = read_settings()
    engine = connect(settings)
    if len(sys.argv) > 1:
        die_at(int(sys.argv[1]))
    walk(House(settings, engine, lambda: datetime.now(UTC)))


if __name__ == "__main__":
    main()
