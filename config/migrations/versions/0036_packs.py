"""What packs need: entries of case sheets, the versions made for panels and the public, and their files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _entries()
    _editions()
    op.create_table(
        "pack_files",
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("form", AutoString(), nullable=False),
        sa.Column("sha256", AutoString(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["pack_editions.id"], name=op.f("pack_files_edition_id_fkey")
        ),
        sa.PrimaryKeyConstraint("edition_id", "form", name=op.f("pack_files_pkey")),
    )


def _entries() -> None:
    op.create_table(
        "sheet_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("choices", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("words", AutoString(), nullable=True),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("entered_by", AutoString(), nullable=False),
        sa.Column("entered_at", UTCDateTime(), nullable=False),
        sa.Column("panel_words", AutoString(), nullable=True),
        sa.Column("panel_by", AutoString(), nullable=True),
        sa.Column("panel_at", UTCDateTime(), nullable=True),
        sa.Column("superseded_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("sheet_entries_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("sheet_entries_pkey")),
    )
    op.create_index(
        "sheet_entries_standing_idx",
        "sheet_entries",
        ["case_id", "name"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )


def _editions() -> None:
    op.create_table(
        "pack_editions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("audience", AutoString(), nullable=False),
        sa.Column("panel", AutoString(), nullable=False),
        sa.Column("bcu", AutoString(), nullable=True),
        sa.Column("borough", AutoString(), nullable=True),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", AutoString(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=True),
        sa.Column("manifest", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("manifest_sha256", AutoString(), nullable=True),
        sa.Column("stopped_by", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("decided_by", AutoString(), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("why", AutoString(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pack_editions_pkey")),
        sa.UniqueConstraint("number", name=op.f("pack_editions_number_key")),
    )
    op.create_index("pack_editions_state_idx", "pack_editions", ["state", "asked_at"])


def downgrade() -> None:
    for table in ("pack_files", "pack_editions", "sheet_entries"):
        op.drop_table(table)
