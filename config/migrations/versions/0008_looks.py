"""Looks at attached and uploaded files; custody of files beside that of posts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("media_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by", Text(), nullable=True),
        sa.Column("why", Text(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("again_at", Moment(), nullable=True),
        sa.Column("done_at", Moment(), nullable=True),
        sa.Column("error", Text(), nullable=True),
        sa.Column("remedy", Text(), nullable=True),
        sa.Column("url", Text(), nullable=True),
        sa.Column("headers", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("steps", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("file_at", Moment(), nullable=True),
        sa.Column("gone_at", Moment(), nullable=True),
        sa.Column("gone_because", Text(), nullable=True),
        sa.PrimaryKeyConstraint("media_id", name=op.f("looks_pkey")),
    )
    op.create_index("looks_post_id_idx", "looks", ["post_id"])
    op.create_index("looks_case_id_idx", "looks", ["case_id"])
    op.create_index(
        "looks_file_at_idx",
        "looks",
        ["file_at"],
        postgresql_where=sa.text("file_at IS NOT NULL AND gone_at IS NULL"),
    )
    op.add_column("custody_entries", sa.Column("media_id", sa.Uuid(), nullable=True))
    op.alter_column("custody_entries", "post_id", nullable=True)
    op.create_index("custody_entries_media_id_idx", "custody_entries", ["media_id"])


def downgrade() -> None:
    op.execute("ALTER TABLE custody_entries DISABLE TRIGGER custody_entries_append_only")
    op.execute("DELETE FROM custody_entries WHERE media_id IS NOT NULL")
    op.execute("ALTER TABLE custody_entries ENABLE TRIGGER custody_entries_append_only")
    op.drop_index("custody_entries_media_id_idx", "custody_entries")
    op.drop_column("custody_entries", "media_id")
    op.alter_column("custody_entries", "post_id", nullable=False)
    op.drop_table("looks")
