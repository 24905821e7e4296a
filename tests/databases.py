"""Databases for tests: each test has one to itself, empty and migrated. Making one copies a thousand files,
so a database whose tables are still as they were made is emptied and used again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg import sql

from config.postgres import Cluster

SHAPE = """
SELECT count(*), coalesce(max(oid::bigint), 0), coalesce(sum(relnatts), 0),
       (SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O')
FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""
# a table that takes no room never held a row; one in partitions takes none itself
TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND (relkind = 'p' OR relkind = 'r' AND pg_relation_size(oid) > 0)
    AND NOT relispartition AND relname <> 'alembic_version'
"""
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
ENDED_WITHIN_S = 5


class Databases:
    """The databases of one test run, copies of a migrated one."""

    def __init__(self, cluster: Cluster, template: str = "goldenhour") -> None:
        self.cluster, self.template = cluster, template
        self.numbers = count(1)
        self.clean: list[str] = []
        self.warm: dict[str, psycopg.Connection] = {}  # a new one would read the catalogue anew
        with self._connection(template) as connection:
            self.first_rows = _rows(connection)
        self.shapes: dict[str, object] = {}

    def close(self) -> None:
        for each in self.warm.values():
            each.close()

    @contextmanager
    def one(self) -> Iterator[str]:
        """The address of a database that only this test uses."""
        name = self.clean.pop() if self.clean else self._make()
        yield self.cluster.url_of(name)
        connection = self._warm(name)
        _end_others(connection)
        as_made = connection.execute(SHAPE).fetchone() == self.shapes[name]
        if as_made:
            self._empty(connection)
            self.clean.append(name)
        else:
            self.warm.pop(name).close()
            self._drop(name)

    def _make(self) -> str:
        name = f"test_{next(self.numbers)}"
        with self._connection("postgres") as connection:
            copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log")
            connection.execute(copy.format(sql.Identifier(name), sql.Identifier(self.template)))
        self.shapes[name] = self._warm(name).execute(SHAPE).fetchone()
        return name

    def _empty(self, connection: psycopg.Connection) -> None:
        """Back to the rows it was made with. The log's own guard is a trigger, which a replica does not fire."""
        connection.execute("SET session_replication_role = replica")
        for table, rows in _rows(connection).items():
            if rows != self.first_rows.get(table):
                # the log is read in its order: room that a vacuum made must not be filled from the front
                emptied = sql.SQL("TRUNCATE {}" if table == "log_entries" else "DELETE FROM {}")
                connection.execute(emptied.format(sql.Identifier(table)))
        for table, rows in self.first_rows.items():
            fill = (
                "INSERT INTO {0} SELECT * FROM jsonb_populate_recordset(NULL::{0}, %s) ON CONFLICT DO NOTHING"
            )
            connection.execute(sql.SQL(fill).format(sql.Identifier(table)), (rows,))
        for (name,) in connection.execute(SEQUENCES).fetchall():
            connection.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(name)))

    def _drop(self, name: str) -> None:
        with self._connection("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _warm(self, name: str) -> psycopg.Connection:
        """The connection kept for a database; a test may have ended it."""
        kept = self.warm.get(name)
        try:
            if kept is not None:
                kept.execute("SELECT 1")
                return kept
        except psycopg.OperationalError:
            pass
        self.warm[name] = self._connection(name)
        return self.warm[name]

    def _connection(self, name: str) -> psycopg.Connection:
        return psycopg.connect(self.cluster.url_of(name).replace("+psycopg", ""), autocommit=True)


def _end_others(connection: psycopg.Connection) -> None:
    """To wait in the server takes a tenth of a second at least, and most are on their way out anyway."""
    deadline = time.monotonic() + ENDED_WITHIN_S
    connection.execute(f"SELECT pg_terminate_backend(pid) {OTHERS}")
    while connection.execute(f"SELECT {OTHERS}").fetchone() and time.monotonic() < deadline:
        time.sleep(0.002)


def _rows(connection: psycopg.Connection) -> dict[str, str]:
    """Every table that holds rows; with its rows as JSON when they are few."""
    tables = [str(table) for (table,) in connection.execute(TABLES).fetchall()]
    asked = (
        sql.SQL("SELECT {}, (SELECT jsonb_agg(few)::text FROM (SELECT * FROM {} LIMIT 10) few)").format(
            sql.Literal(table), sql.Identifier(table)
        )
        for table in tables
    )
    found = connection.execute(sql.SQL(" UNION ALL ").join(asked)).fetchall()
    return {str(table): str(rows) for table, rows in found if rows is not None}
