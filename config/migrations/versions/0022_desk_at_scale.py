"""A full queue in order without asking each case's clocks; a Bluesky post found by its record key."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

IS_OPEN = sa.text("status IN ('detected', 'triaged', 'watch', 'confirmed')")

KEEP_FIRST_DUE = """
CREATE FUNCTION keep_first_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cases SET first_due_at = running.due_at
    FROM (SELECT changed.case_id, min(clocks.due_at) AS due_at
          FROM (SELECT DISTINCT case_id FROM changed_clocks) AS changed
          LEFT JOIN clocks ON clocks.case_id = changed.case_id AND stopped_at IS NULL AND paused_at IS NULL
          GROUP BY changed.case_id) AS running
    WHERE cases.id = running.case_id AND cases.first_due_at IS DISTINCT FROM running.due_at;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_index(
        "posts_record_key_idx",
        "posts",
        [sa.literal_column("right(external_id, 13)")],
        postgresql_where=sa.text("platform = 'bluesky'"),
    )
    op.add_column("cases", sa.Column("first_due_at", Moment(), nullable=True))
    op.execute(KEEP_FIRST_DUE)
    for event, rows in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")):
        op.execute(
            f"CREATE TRIGGER clocks_first_due_{event} AFTER {event.upper()} ON clocks "
            f"REFERENCING {rows} TABLE AS changed_clocks FOR EACH STATEMENT EXECUTE FUNCTION keep_first_due()"
        )
    op.execute(
        "UPDATE cases SET first_due_at = due.at FROM (SELECT case_id, min(due_at) AS at FROM clocks "
        "WHERE stopped_at IS NULL AND paused_at IS NULL GROUP BY case_id) AS due WHERE cases.id = due.case_id"
    )
    order: list[str | sa.ColumnElement[Any]] = [
        sa.literal_column("(first_due_at IS NULL OR severity <> 1)"),
        "first_due_at",
        "severity",
    ]
    op.create_index("cases_first_due_idx", "cases", order, postgresql_where=IS_OPEN)
    op.create_index(
        "cases_open_borough_idx", "cases", ["borough"], postgresql_include=["id"], postgresql_where=IS_OPEN
    )
    op.create_index(
        "cases_claimed_by_idx", "cases", ["claimed_by"], postgresql_where=sa.text("claimed_by IS NOT NULL")
    )


def downgrade() -> None:
    for index in ("cases_claimed_by_idx", "cases_open_borough_idx", "cases_first_due_idx"):
        op.drop_index(index, table_name="cases")
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER clocks_first_due_{event} ON clocks")
    op.execute("DROP FUNCTION keep_first_due()")
    op.drop_column("cases", "first_due_at")
    op.drop_index("posts_record_key_idx", table_name="posts")
