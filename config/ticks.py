"""A tick: something that is due again and again. Only the leader ticks; a tick that runs twice does no harm."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import text
from sqlmodel import Session

from collector.jobs import defer
from collector.months import make_months
from config.reaper import forget, reap
from config.service import House, in_short, is_away
from config.start import LEAST_FREE_MB, free_mb

log = structlog.get_logger()

AT_MOST_DUE = 200

# A source is left alone while it is leased, or while its last job waits, runs or is to be tried again.
DUE = text(
    """
    SELECT name FROM sources
    WHERE enabled AND kind <> 'jetstream' AND due_at <= :now AND (lease_until IS NULL OR lease_until < :now)
      AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs job
        WHERE job.queueing_lock = 'collect:' || sources.name AND job.status IN ('todo', 'doing'))
    ORDER BY due_at LIMIT :most
    """
)


class Tick(NamedTuple):
    name: str
    every_s: float
    act: Callable[[House, datetime], None]


def collect_due(house: House, now: datetime) -> None:
    """Leave a job for each source that is due. With the disk nearly full nothing more is collected."""
    if free_mb(house.settings) < LEAST_FREE_MB:
        log.error("disk is full, collecting waits", folder=str(house.settings.data.resolve()))
        return
    with Session(house.engine) as session:
        for (name,) in session.execute(DUE, {"now": now, "most": AT_MOST_DUE}).all():
            lock = f"collect:{name}"
            defer(session, "collect", queue="collect", lock=lock, queueing_lock=lock, source=name)
        session.commit()


def put_back_stalled(house: House, now: datetime) -> None:
    with Session(house.engine) as session:
        reap(session, now=now)
        session.commit()


def keep_house(house: House, now: datetime) -> None:
    """Once a day: make the months ahead, let old failed jobs go."""
    with Session(house.engine) as session:
        make_months(session, now=now)
        forget(session)
        session.commit()


TICKS = (
    Tick("sources due", 1, collect_due),
    Tick("stalled jobs", 2, put_back_stalled),
    Tick("house", 24 * 3600, keep_house),
)


def scheduler(house: House, ticks: tuple[Tick, ...] = TICKS) -> BackgroundScheduler:
    """The ticks, ready to be started. A tick that is late runs once, and never twice at a time."""
    made = BackgroundScheduler(
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for tick in ticks:
        made.add_job(
            _run,
            "interval",
            args=[tick, house],
            seconds=tick.every_s,
            next_run_time=house.clock(),
            name=tick.name,
        )
    return made


def _run(tick: Tick, house: House) -> None:
    """One tick. What goes wrong is logged, and the next one tries again."""
    try:
        tick.act(house, house.clock())
    except Exception as error:  # noqa: BLE001 - one failing tick must not stop the others
        said = "tick waits for the database" if is_away(error) else "tick failed"
        log.warning(said, tick=tick.name, error=in_short(error))
