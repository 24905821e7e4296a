"""The engine: the tables and functions of Procrastinate, as the installed release ships them."""

from typing import Any

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DROP_ENGINE = """
DO $$
DECLARE each record;
BEGIN
    FOR each IN SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname LIKE 'procrastinate\\_%' LOOP
        EXECUTE 'DROP TABLE ' || each.name || ' CASCADE';
    END LOOP;
    FOR each IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = current_schema() AND p.proname LIKE 'procrastinate\\_%' LOOP
        EXECUTE 'DROP FUNCTION ' || each.name || ' CASCADE';
    END LOOP;
    FOR each IN SELECT t.oid::regtype AS name FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE n.nspname = current_schema() AND t.typtype IN ('e', 'c') AND t.typname LIKE 'procrastinate\\_%' LOOP
        EXECUTE 'DROP TYPE ' || each.name || ' CASCADE';
    END LOOP;
END $$
"""


def upgrade() -> None:
    _run(SchemaManager.get_schema())


def downgrade() -> None:
    _run(DROP_ENGINE)


def _run(script: str) -> None:
    """Several statements at once, with percent signs left alone, which only the driver does."""
    connection: Any = op.get_bind().connection.driver_connection
    connection.execute(script)
