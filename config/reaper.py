"""The reaper: jobs whose worker died go back into their queue, and old failed jobs go away.

The engine itself never takes a job back from a worker that was killed. A job whose worker died three times
before, and dies again, is suspected of killing it: a batch is cut in two, a single subject leaves as a Failure.
Only deaths count: a job is also tried anew, and that often, while the database is away.
"""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import RowMapping, text
from sqlmodel import Session

from collector.jobs import defer
from collector.records import Failure
from config.lanes import STALLED_AFTER_S

log = structlog.get_logger()

DEADLY_AFTER = 3
KEEP_FAILED_DAYS = 30
LISTED = {"assess": "posts", "route": "posts", "match_claims": "posts"}

STALLED = text(
    """
    SELECT job.id, job.task_name, job.queue_name, job.lock, job.args,
        (SELECT count(*) FROM procrastinate_events e WHERE e.job_id = job.id AND e.type = 'retried') AS deaths
    FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
    WHERE job.status = 'doing'
      AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => :after))
    FOR UPDATE OF job SKIP LOCKED
    """
)
AGAIN = text("SELECT procrastinate_retry_job_v2(:id, now(), NULL, NULL, NULL)")
# The engine says "retried" of jobs that a person takes up again, which nobody does here: it stands for a death.
DIED = text("INSERT INTO procrastinate_events (job_id, type) VALUES (:id, 'retried')")
GIVE_UP = text("SELECT procrastinate_finish_job_v1(:id, 'failed', false)")
FORGET = text(
    """
    DELETE FROM procrastinate_jobs job WHERE job.status NOT IN ('todo', 'doing') AND NOT EXISTS (
        SELECT 1 FROM procrastinate_events event
        WHERE event.job_id = job.id AND event.at > now() - make_interval(days => :days))
    """
)
TELL = text(
    'SELECT pg_notify(\'procrastinate_queue_v1#\' || :queue, \'{"type": "job_inserted", "job_id": 0}\')'
)


def reap(session: Session, *, now: datetime) -> int:
    """Put the jobs of dead workers back, and say how many there were. The caller commits."""
    stalled = session.execute(STALLED, {"after": STALLED_AFTER_S}).mappings().all()
    for job in stalled:
        log.warning("job of a dead worker", task=job["task_name"], job=job["id"], deaths=job["deaths"])
        if job["deaths"] < DEADLY_AFTER:
            session.execute(AGAIN, {"id": job["id"]})
            session.execute(DIED, {"id": job["id"]})
            session.execute(TELL, {"queue": job["queue_name"]})
        else:
            session.execute(GIVE_UP, {"id": job["id"]})
            _take_apart(session, job, now=now)
    return len(stalled)


def forget(session: Session) -> None:
    """Delete failed and cancelled jobs a month after; what they were about stays as a Failure."""
    session.execute(FORGET, {"days": KEEP_FAILED_DAYS})


def _take_apart(session: Session, job: RowMapping, *, now: datetime) -> None:
    arguments: dict[str, Any] = dict(job["args"])
    listed = LISTED.get(job["task_name"])
    subjects = arguments.get(listed, []) if listed else list(arguments.values())
    if listed is None or len(subjects) == 1:
        session.add(
            Failure(
                at=now,
                stage=job["task_name"],
                subject=str(subjects[0]) if subjects else "",
                error="the worker died each time it was tried",
                remedy="look for `part ended` in the log of that time, and report both",
            )
        )
        return
    middle = len(subjects) // 2
    for part in (subjects[:middle], subjects[middle:]):
        defer(
            session,
            job["task_name"],
            queue=job["queue_name"],
            lock=job["lock"],
            **{**arguments, listed: part},
        )
