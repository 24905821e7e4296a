"""Leaving work for later: a job is written in the same transaction as the rows it is about."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from procrastinate import App, SyncPsycopgConnector
from sqlalchemy import text
from sqlmodel import Session

_engine = App(connector=SyncPsycopgConnector())

# waiting jobs of one task, the next first, until their posts are more than there is room for
_TAKE_ALONG = text("""
    WITH waiting AS (
        SELECT id, args->'posts' AS posts FROM procrastinate_jobs
        WHERE queue_name = :queue AND task_name = :task AND status = 'todo' AND attempts = 0 AND priority = 0
            AND scheduled_at IS NULL
        ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
    ), fitting AS (
        SELECT id, posts, sum(jsonb_array_length(posts)) OVER (ORDER BY id) AS so_far FROM waiting
    ), taken AS (
        DELETE FROM procrastinate_jobs WHERE id IN (SELECT id FROM fitting WHERE so_far <= :room)
    )
    SELECT jsonb_array_elements_text(posts) FROM fitting WHERE so_far <= :room ORDER BY id
""")
MOST_ALONG = 200  # jobs

QUEUES = ("collect", "assess", "route", "respond", "look", "claims")


def defer(
    session: Session,
    task: str,
    *,
    queue: str,
    lock: str | None = None,
    queueing_lock: str | None = None,
    at: datetime | None = None,
    priority: int = 0,
    **arguments: Any,
) -> int:
    """Leave one job, to be seen by workers when the session commits. Returns the job's id.

    `task` is the name it is registered under in `config/service.py`. Jobs with one `lock` run one
    after the other, in order. Higher `priority` runs first. Arguments must be JSON values.
    """
    connection = session.connection().connection.driver_connection
    job = _engine.configure_task(
        task,
        queue=queue,
        lock=lock,
        queueing_lock=queueing_lock,
        schedule_at=at,
        priority=priority,
        connection=connection,
    )
    return job.defer(**arguments)


def defer_all(
    session: Session,
    task: str,
    *,
    queue: str,
    arguments: Sequence[dict[str, Any]],
    queueing_lock: str | None = None,
    priority: int = 0,
) -> None:
    """Leave many jobs of one task in one statement, each with its own arguments. `queueing_lock` names the argument
    that is the lock of each."""
    if arguments:
        jobs = []
        for each in arguments:
            lock = each[queueing_lock] if queueing_lock else None
            job = _engine.configure_task(task, queue=queue, priority=priority, queueing_lock=lock)
            jobs.append(job.make_new_job(**each))
        connection = session.connection().connection.driver_connection
        _engine.job_manager.batch_defer_jobs(jobs=jobs, connection=connection)


def take_along(session: Session, task: str, posts: Sequence[str], *, queue: str, most: int) -> list[str]:
    """These posts, and behind them those of the jobs of the same kind that wait, up to `most` in all.

    The jobs are gone with the caller's commit, and there again if it does not come to that. Many small jobs cost a
    worker more than one large one; so whoever works one takes the others along. Jobs that failed before, and those
    of another priority than usual, are left to themselves.
    """
    asked = {"task": task, "queue": queue, "room": most - len(posts), "most": MOST_ALONG}
    found = session.scalars(_TAKE_ALONG, asked).all() if len(posts) < most else ()
    return list(dict.fromkeys([*posts, *found]))


def ids(uuids: Sequence[UUID]) -> list[str]:
    """Ids as JSON values for a job's arguments."""
    return [str(each) for each in uuids]
