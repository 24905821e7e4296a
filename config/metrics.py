"""A metric: one number about the service for Prometheus, counted from the rows. It tells of nobody and of no post."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from collector.health import is_blind
from collector.jobs import QUEUES
from collector.records import SourceRow
from collector.sources import inbound
from triage.records import OPEN, AlertState

REMEMBERED = timedelta(seconds=10)
LONGEST_QUESTION = "SET LOCAL statement_timeout = '2s'"
OF_PEOPLE = ("slack:U", "slack:D", "slack:W")  # their ids would name them
FORGOTTEN_AFTER = timedelta(days=2)


class Figure(NamedTuple):
    """One metric: what it is called, what it says, by which labels, and how it is counted: a row is the labels, then
    the number, which is left out when there is none."""

    name: str
    says: str
    labels: tuple[str, ...]
    query: str


FIGURES = (
    Figure(
        "posts_last_hour",
        "Posts stored in the last hour, by kind of source.",
        ("kind",),
        """
        SELECT s.kind, coalesce(sum(t.stored), 0) FROM sources s
        LEFT JOIN tallies t ON t.source = s.name AND t.minute > :now - interval '1 hour' AND t.minute <= :now
        GROUP BY 1
        """,
    ),
    Figure(
        "jobs",
        "Jobs by queue: todo, doing, or failed for good.",
        ("queue", "state"),
        """
        SELECT q.name, s.name, count(j.id) FROM unnest(CAST(:queues AS text[])) AS q (name)
        CROSS JOIN unnest(ARRAY['todo', 'doing', 'failed']) AS s (name)
        LEFT JOIN procrastinate_jobs j ON j.queue_name = q.name AND j.status::text = s.name
            AND j.status IN ('todo', 'doing', 'failed')
        GROUP BY 1, 2
        """,
    ),
    Figure(
        "oldest_job_seconds",
        "How long the oldest job of a queue that could be done now has waited; 0 when none waits.",
        ("queue",),
        """
        SELECT q.name, coalesce(extract(epoch FROM :now - min(coalesce(j.scheduled_at, e.at))), 0)
        FROM unnest(CAST(:queues AS text[])) AS q (name)
        LEFT JOIN procrastinate_jobs j ON j.queue_name = q.name AND j.status = 'todo'
            AND coalesce(j.scheduled_at, :now) <= :now
        LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
        GROUP BY 1
        """,
    ),
    Figure(
        "alerts",
        "Alerts by state.",
        ("state",),
        """
        SELECT s.name, (SELECT count(*) FROM alerts a WHERE a.state = s.name)
        FROM unnest(CAST(:alert_states AS text[])) AS s (name)
        """,
    ),
    Figure(
        "deliveries_last_day",
        "Alerts in channels of desks that were due in the last day or wait, by kind of channel and outcome.",
        ("channel_kind", "state"),
        """
        SELECT split_part(channel, ':', 1), state, count(*) FROM deliveries
        WHERE due_at > :now - interval '1 day' OR state IN ('waiting', 'sending', 'unknown') GROUP BY 1, 2
        """,
    ),
    Figure(
        "notifications_last_day",
        "Messages to people and posts of the last day, by kind of channel and outcome.",
        ("channel_kind", "state"),
        """
        SELECT channel_kind, state, count(*) FROM notifications
        WHERE created_at > :now - interval '1 day' OR state IN ('waiting', 'sending', 'unknown') GROUP BY 1, 2
        """,
    ),
    Figure(
        "clocks_breached",
        "Clocks of open cases that ran out and still run, by name.",
        ("clock",),
        """
        SELECT k.name, count(*) FROM clocks k JOIN cases c ON c.id = k.case_id
        WHERE k.stopped_at IS NULL AND k.due_at < :now AND k.paused_at IS NULL
            AND c.status = ANY(CAST(:open AS text[])) GROUP BY 1
        """,
    ),
    Figure(
        "oldest_clock_seconds",
        "How long the oldest clock that runs has been running; 0 when none runs.",
        (),
        """
        SELECT coalesce(extract(epoch FROM :now - min(k.started_at)), 0) FROM clocks k JOIN cases c ON c.id = k.case_id
        WHERE k.stopped_at IS NULL AND k.paused_at IS NULL AND c.status = ANY(CAST(:open AS text[]))
        """,
    ),
    Figure(
        "heartbeat_age_seconds",
        "Since a part last said that it is alive; those silent for two days are forgotten.",
        ("part", "host"),
        """
        SELECT part, host, extract(epoch FROM :now - beat_at) FROM heartbeats
        WHERE beat_at > :forgotten AND state <> 'stopped'
        """,
    ),
    Figure(
        "backup_age_seconds",
        "Since the last good backup was begun; missing: there is none.",
        (),
        "SELECT extract(epoch FROM :now - max(began_at)) FROM backups WHERE state = 'good' HAVING count(*) > 0",
    ),
    Figure(
        "backup_failures",
        "Backups since then that were no good.",
        (),
        """
        SELECT count(*) FROM backups WHERE state = 'bad' AND began_at > coalesce(
            (SELECT max(began_at) FROM backups WHERE state = 'good'), '-infinity')
        """,
    ),
    Figure(
        "channel_proven_seconds",
        "Since something last provably arrived in a channel; of direct messages the one longest ago.",
        ("channel",),
        """
        SELECT CASE WHEN name LIKE ANY(CAST(:people AS text[])) THEN 'slack people' ELSE name END,
            max(extract(epoch FROM :now - proven_at))
        FROM channels WHERE name <> 'none' AND proven_at IS NOT NULL GROUP BY 1
        """,
    ),
    Figure(
        "channel_failures",
        "Calls to a channel that did not arrive since the last one that did.",
        ("channel",),
        """
        SELECT CASE WHEN name LIKE ANY(CAST(:people AS text[])) THEN 'slack people' ELSE name END, max(failures)
        FROM channels WHERE name <> 'none' GROUP BY 1
        """,
    ),
)


class Rows(Collector):
    """The figures as the rows have them, asked at most once in ten seconds however many ask us."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine, self.clock = engine, clock
        self.lock = threading.Lock()
        self.asked_at: datetime | None = None
        self.last: list[GaugeMetricFamily] = []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with self.lock:
            now = self.clock()
            if self.asked_at is None or not timedelta(0) <= now - self.asked_at < REMEMBERED:
                self.last, self.asked_at = self._ask(now), now
            return self.last

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked before somebody scrapes."""
        return ()

    def _ask(self, now: datetime) -> list[GaugeMetricFamily]:
        answers = _gauge(
            "database_answers", "1 when the database gave these figures within two seconds each."
        )
        try:
            with self.engine.connect() as connection:
                connection.execute(text(LONGEST_QUESTION))
                found = [*_counted(connection, now), *_sources(connection, now)]
        except SQLAlchemyError:
            answers.add_metric([], 0)
            return [answers]
        answers.add_metric([], 1)
        return [answers, *found]


def _counted(connection: Connection, now: datetime) -> Iterator[GaugeMetricFamily]:
    told: dict[str, Any] = {
        "now": now,
        "queues": list(QUEUES),
        "alert_states": [each.value for each in AlertState],
        "open": [each.value for each in OPEN],
        "forgotten": now - FORGOTTEN_AFTER,
        "people": [f"{each}%" for each in OF_PEOPLE],
    }
    for figure in FIGURES:
        metric = _gauge(figure.name, figure.says, figure.labels)
        query = text(figure.query)
        given = {name: value for name, value in told.items() if name in query.compile().params}
        for *labels, number in connection.execute(query, given):
            metric.add_metric([str(each) for each in labels], max(0.0, float(number)))
        yield metric


def _sources(connection: Connection, now: datetime) -> Iterator[GaugeMetricFamily]:
    enabled = _gauge("sources_enabled", "Sources that are asked or read, by kind.", ("kind",))
    blind = _gauge(
        "sources_blind", "Those of them whose posts we do not see, for whatever reason.", ("kind",)
    )
    with Session(connection) as session:
        watched = SourceRow.enabled, col(SourceRow.kind).not_in(inbound())
        rows = session.exec(select(SourceRow).where(*watched)).all()
    for kind in sorted({row.kind for row in rows}):
        of_kind = [row for row in rows if row.kind == kind]
        enabled.add_metric([kind], len(of_kind))
        blind.add_metric([kind], sum(is_blind(row, now) for row in of_kind))
    yield enabled
    yield blind


def _gauge(name: str, says: str, labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"goldenhour_{name}", says, labels=labels)
