"""Rows that many tests begin with: written once through the records, then copied as they are, much sooner."""

from collections.abc import Collection
from io import BytesIO
from typing import cast

from psycopg import Connection, sql
from sqlalchemy import Engine

TABLES = """
SELECT c.relname, array_agg(a.attname ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attgenerated = ''
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname <> 'alembic_version'
GROUP BY c.relname
"""
SEQUENCES = (
    "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
)


class Copied:
    """All rows of a database, to be put into others of its shape; `replaced` are the tables that are never empty."""

    def __init__(self, engine: Engine, replaced: Collection[str]) -> None:
        self.replaced = replaced
        raw = engine.raw_connection()
        connection = cast("Connection", raw.driver_connection)
        self.rows: dict[str, tuple[list[str], bytes]] = {}
        for table, columns in connection.execute(TABLES).fetchall():
            kept = BytesIO()
            with connection.cursor().copy(
                _copy("COPY (SELECT {1} FROM {0}) TO STDOUT", table, columns)
            ) as out:
                for piece in out:
                    kept.write(piece)
            if kept.getvalue():
                self.rows[table] = (columns, kept.getvalue())
        self.sequences = connection.execute(SEQUENCES).fetchall()
        raw.close()

    def into(self, engine: Engine) -> None:
        """No guard of the log and no reference is asked: a replica's session does not fire them."""
        raw = engine.raw_connection()
        connection = cast("Connection", raw.driver_connection)
        connection.execute("SET LOCAL session_replication_role = replica")
        for table, (columns, rows) in self.rows.items():
            if table in self.replaced:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            with connection.cursor().copy(_copy("COPY {0} ({1}) FROM STDIN", table, columns)) as entered:
                entered.write(rows)
        for name, last in self.sequences:
            connection.execute("SELECT setval(%s::regclass, %s)", (name, last))
        connection.commit()
        raw.close()


def _copy(how: str, table: str, columns: list[str]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL(how).format(sql.Identifier(table), names)
