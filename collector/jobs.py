"""Leaving work for later: a job is written in the same transaction as the rows it is about."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from procrastinate import App, SyncPsycopgConnector
from sqlmodel import Session

_engine = App(connector=SyncPsycopgConnector())

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


def ids(uuids: Sequence[UUID]) -> list[str]:
    """Ids as JSON values for a job's arguments."""
    return [str(each) for each in uuids]
