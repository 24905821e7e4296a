"""What is done about a confirmed case: tracks, prompts, body-worn video; clocks that pause and breach once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("severity_computed", sa.Integer(), nullable=True))
    op.add_column("clocks", sa.Column("paused_at", Moment(), nullable=True))
    op.add_column("clocks", sa.Column("paused_because", Text(), nullable=True))
    op.add_column("clocks", sa.Column("paused_s", sa.Integer(), server_default="0", nullable=False))
    op.alter_column("clocks", "paused_s", server_default=None)
    op.add_column("clocks", sa.Column("breached_at", Moment(), nullable=True))
    op.create_table(
        "tracks",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("state", Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Uuid(), nullable=True),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("state_since", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("spoke_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("tracks_case_id_fkey")),
        sa.ForeignKeyConstraint(["owner"], ["people.id"], name=op.f("tracks_owner_fkey")),
        sa.PrimaryKeyConstraint("case_id", "name", name=op.f("tracks_pkey")),
    )
    op.create_table(
        "prompts",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("raised_at", Moment(), nullable=False),
        sa.Column("because", Text(), nullable=False),
        sa.Column("answer", Text(), nullable=True),
        sa.Column("decided_by", Text(), nullable=True),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("entered_by", Text(), nullable=True),
        sa.Column("why", Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("prompts_case_id_fkey")),
        sa.PrimaryKeyConstraint("case_id", "name", name=op.f("prompts_pkey")),
    )
    op.create_table(
        "body_worn_video",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("exists", sa.Text(), nullable=False),
        sa.Column("reference", Text(), nullable=True),
        sa.Column("activated", Text(), nullable=True),
        sa.Column("audio_from", Text(), nullable=True),
        sa.Column("encounter_s", sa.Integer(), nullable=True),
        sa.Column("viewings", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("body_worn_video_case_id_fkey")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("body_worn_video_pkey")),
    )


def downgrade() -> None:
    op.drop_table("body_worn_video")
    op.drop_table("prompts")
    op.drop_table("tracks")
    op.drop_column("clocks", "breached_at")
    op.drop_column("clocks", "paused_s")
    op.drop_column("clocks", "paused_because")
    op.drop_column("clocks", "paused_at")
    op.drop_column("cases", "severity_computed")
