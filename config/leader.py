"""Leadership: of all machines that could make the ticks and hold the streams, exactly one does.

The leader holds an advisory lock of PostgreSQL on a connection of its own, and asks it every second. Whoever
dies loses the lock at once. Whoever is cut off or frozen loses it after six seconds, because the server ends a
session that has been silent for so long. What a leader does goes through an engine that lets nothing begin
three seconds after the lock last answered; and who leads next ends what its predecessor had still open. So a
leader that thaws finds its work undone and stands down.
"""

import select
import time

import psycopg
import structlog
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

from config.database import connect
from config.settings import Settings

log = structlog.get_logger()

LEADER_LOCK = 0x601DE2  # any fixed number: one leader on one database
TRY_EVERY_S = 1.0
SILENT_FOR_S = 6.0
ACTS_FOR_S = 3.0
ACTS = "goldenhour leader acts"  # how its connections are called in pg_stat_activity

# The server ends a silent session (options); a leader notices a dead server (the rest).
KEEPALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 4000,
    "options": f"-c idle_session_timeout={SILENT_FOR_S * 1000:.0f} -c statement_timeout=3000",
    "application_name": "goldenhour leader",
}
END_PREDECESSORS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database()
"""
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps


class NotLeading(SQLAlchemyError):
    """Something only the leader may do was begun without certainty of being it: as if no database were there."""


class Leadership:
    """One claim to be the leader. Not safe to use from several threads, but for `must_lead`."""

    def __init__(self, address: str, lock: int = LEADER_LOCK) -> None:
        """`address` as libpq writes it; a pooler in transaction mode cannot hold a lock, so go past it."""
        self.address = address
        self.lock = lock
        self.connection: psycopg.Connection | None = None
        self.answered_s = 0.0

    def take(self) -> bool:
        """Whether we lead from now on. False: another does, or the database does not answer."""
        try:
            connection = psycopg.connect(self.address, autocommit=True, **KEEPALIVE)  # type: ignore[arg-type]
        except psycopg.OperationalError:
            return False
        asked_s = time.clock_gettime(_CLOCK)
        try:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [self.lock]).fetchone()
            if row is None or not row[0]:
                connection.close()
                return False
            connection.execute(END_PREDECESSORS, [ACTS])
        except psycopg.Error:
            connection.close()
            return False
        self.connection, self.answered_s = connection, asked_s
        log.info("leading")
        return True

    def holds(self) -> bool:
        """Whether we still lead: the connection that holds the lock answers."""
        if self.connection is None:
            return False
        asked_s = time.clock_gettime(_CLOCK)
        if not _answers(self.connection.pgconn, within_s=ACTS_FOR_S):
            self.give_up()
            return False
        self.answered_s = asked_s
        return True

    def must_lead(self) -> None:
        """Raises NotLeading unless the lock answered so lately that nobody else can have it."""
        if self.connection is None or time.clock_gettime(_CLOCK) - self.answered_s > ACTS_FOR_S:
            raise NotLeading("another machine may lead by now")

    def engine(self, settings: Settings) -> Engine:
        """An engine for what only the leader does: every use of it begins with `must_lead`."""
        made = connect(settings, pool=10, name=ACTS)
        event.listen(made, "checkout", lambda *_: self.must_lead())
        return made

    def give_up(self) -> None:
        """Let another lead."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
            log.info("no longer leading")


def _answers(connection: PGconn, *, within_s: float) -> bool:
    """Whether the server answers in time. libpq itself would wait for a silent one without end."""
    until_s = time.monotonic() + within_s
    try:
        connection.send_query(b"SELECT 1")
        while connection.is_busy():
            if not select.select([connection.socket], [], [], max(0.0, until_s - time.monotonic()))[0]:
                return False
            connection.consume_input()
        answer = connection.get_result()
        return answer is not None and answer.status == ExecStatus.TUPLES_OK and not connection.get_result()
    except psycopg.OperationalError:
        return False
