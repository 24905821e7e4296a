"""Wordings of edited posts, custody, time stamps, quotas, events; how a source paces itself and when it stops."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SOURCES = (
    ("term", Text),
    ("owner", Text),
    ("reason", Text),
    ("stops_at", Moment),
    ("stops_because", Text),
    ("paced_s", sa.Integer),
    ("rhythm_s", sa.Float),
    ("newest_at", Moment),
    ("quiet_since", Moment),
    ("look_again_at", Moment),
)
POSTS = (("edited_at", Moment), ("changed_at", Moment), ("checked_at", Moment), ("fetch_id", sa.Uuid))
APPEND_ONLY = """
CREATE TRIGGER custody_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()
"""


def upgrade() -> None:
    for table, columns in (("sources", SOURCES), ("posts", POSTS)):
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind(), nullable=True))
    op.create_table(
        "post_versions",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("taken_at", Moment(), nullable=False),
        sa.Column("edited_at", Moment(), nullable=True),
        sa.Column("source", Text(), nullable=False),
        sa.Column("title", Text(), nullable=True),
        sa.Column("text", Text(), nullable=False),
        sa.Column("content_warning", Text(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", "number", name=op.f("post_versions_pkey")),
    )
    op.create_table(
        "fetches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("url", Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("fetches_pkey")),
    )
    op.create_index(op.f("fetches_at_idx"), "fetches", ["at"])
    op.create_table(
        "custody_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("who", Text(), nullable=False),
        sa.Column("act", Text(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("note", Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("custody_entries_pkey")),
    )
    op.create_index("custody_entries_post_id_idx", "custody_entries", ["post_id"])
    op.execute(APPEND_ONLY)
    op.create_table(
        "timestamps",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("authority", Text(), nullable=False),
        sa.Column("stamped_at", Moment(), nullable=False),
        sa.Column("serial", Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("timestamps_pkey")),
    )
    op.create_table(
        "quota_uses",
        sa.Column("bucket", Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "day", name=op.f("quota_uses_pkey")),
    )
    op.create_table(
        "watch_events",
        sa.Column("name", Text(), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("from_at", Moment(), nullable=False),
        sa.Column("until_at", Moment(), nullable=False),
        sa.Column("sources", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("because", Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("watch_events_pkey")),
    )


def downgrade() -> None:
    for table in ("watch_events", "quota_uses", "timestamps", "custody_entries", "fetches", "post_versions"):
        op.drop_table(table)
    for table, columns in (("posts", POSTS), ("sources", SOURCES)):
        for name, _ in columns:
            op.drop_column(table, name)
