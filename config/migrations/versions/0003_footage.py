"""Footage: copies of video and pictures whose file was at hand, and the frames they are recognised by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "footage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("media_id", sa.Uuid(), nullable=True),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("platform", Text(), nullable=False),
        sa.Column("first_seen_at", Moment(), nullable=False),
        sa.Column("kept_at", Moment(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("kind", Text(), nullable=False),
        sa.Column("container", Text(), nullable=False),
        sa.Column("codec", Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("has_sound", sa.Boolean(), nullable=False),
        sa.Column("method", Text(), nullable=False),
        sa.Column("captions", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("captions_note", Text(), nullable=True),
        sa.Column("provenance", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("notes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("matches", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("withdrawn_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("footage_pkey")),
        sa.UniqueConstraint("media_id", name=op.f("footage_media_id_key")),
    )
    op.create_index(op.f("footage_family_id_idx"), "footage", ["family_id"])
    for column in ("post_id", "sha256", "kept_at", "withdrawn_at"):
        op.create_index(f"footage_{column}_idx", "footage", [column])
    op.create_table(
        "frames",
        sa.Column("footage_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["footage_id"], ["footage.id"], name=op.f("frames_footage_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("footage_id", "number", name=op.f("frames_pkey")),
    )


def downgrade() -> None:
    op.drop_table("frames")
    op.drop_table("footage")
