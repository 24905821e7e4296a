"""Notes that one shift leaves to the next, and an index to count what footage somebody opened."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handover_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("words", Words(), nullable=False),
        sa.Column("stood", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=False),
        sa.Column("written_at", Moment(), nullable=False),
        sa.Column("read_by", sa.Uuid(), nullable=True),
        sa.Column("read_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["written_by"], ["people.id"], name=op.f("handover_notes_written_by_fkey")),
        sa.ForeignKeyConstraint(["read_by"], ["people.id"], name=op.f("handover_notes_read_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("handover_notes_pkey")),
    )
    op.create_index("handover_notes_desk_idx", "handover_notes", ["desk", "written_at"])
    op.create_index(
        "custody_entries_files_seen_idx",
        "custody_entries",
        ["who", "at"],
        postgresql_where=sa.text("act = 'viewed' AND media_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("custody_entries_files_seen_idx", "custody_entries")
    op.drop_table("handover_notes")
