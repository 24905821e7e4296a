"""Leadership: of all machines that could make the ticks and hold the streams, exactly one does.

The leader holds an advisory lock of PostgreSQL on a connection of its own. Whoever dies loses it at once;
whoever is cut off loses it when the server's keepalive gives up, after about seven seconds, and has by then
stopped by itself, because the leader asks its connection every two seconds.
"""

import psycopg
import structlog

log = structlog.get_logger()

LEADER_LOCK = 0x601DE2  # any fixed number: one leader on one database
TRY_EVERY_S = 2.0

# The server must notice a dead leader (options), and a leader a dead server (the rest).
KEEPALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 4000,
    "options": "-c tcp_keepalives_idle=3 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=2 "
    "-c idle_session_timeout=0 -c statement_timeout=3000",
    "application_name": "goldenhour leader",
}


class Leadership:
    """One claim to be the leader. Not safe to use from several threads."""

    def __init__(self, address: str, lock: int = LEADER_LOCK) -> None:
        """`address` as libpq writes it; a pooler in transaction mode cannot hold a lock, so go past it."""
        self.address = address
        self.lock = lock
        self.connection: psycopg.Connection | None = None

    def take(self) -> bool:
        """Whether we lead from now on. False: another does, or the database does not answer."""
        try:
            connection = psycopg.connect(self.address, autocommit=True, **KEEPALIVE)  # type: ignore[arg-type]
        except psycopg.OperationalError:
            return False
        try:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [self.lock]).fetchone()
        except psycopg.Error:
            connection.close()
            return False
        if row is None or not row[0]:
            connection.close()
            return False
        self.connection = connection
        log.info("leading")
        return True

    def holds(self) -> bool:
        """Whether we still lead: the connection that holds the lock answers."""
        if self.connection is None:
            return False
        try:
            self.connection.execute("SELECT 1")
        except psycopg.Error:
            self.give_up()
            return False
        return True

    def give_up(self) -> None:
        """Let another lead."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
            log.info("no longer leading")
