"""Models side by side, what people say of posts, a sample of what was dropped, how scores drift."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_versions",
        sa.Column("version", Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("added_at", Moment(), nullable=False),
        sa.Column("added_by", Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("model_versions_pkey")),
    )
    op.create_table(
        "promotions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", Text(), nullable=False),
        sa.Column("instead_of", Text(), nullable=False),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.Column("why", Text(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("asked_by", Text(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("agreed_by", Text(), nullable=True),
        sa.Column("since", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("promotions_pkey")),
    )
    op.create_index("promotions_since_idx", "promotions", ["since"], unique=False)
    op.create_table(
        "shadow_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", Text(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("started_by", Text(), nullable=False),
        sa.Column("until_at", Moment(), nullable=False),
        sa.Column("stopped_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("shadow_runs_pkey")),
    )
    op.create_index(op.f("shadow_runs_started_at_idx"), "shadow_runs", ["started_at"], unique=False)
    op.create_table(
        "shadow_assessments",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("model", Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("incident", sa.Float(), nullable=False),
        sa.Column("incident_any", sa.Float(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("severity", sa.Float(), nullable=False),
        sa.Column("labels", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("claim", sa.Float(), nullable=False),
        sa.Column("unverified", sa.Float(), nullable=False),
        sa.Column("boroughs", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("force", sa.Text(), nullable=False),
        sa.Column("signals", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("abstain", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", "model", name=op.f("shadow_assessments_pkey")),
    )
    op.create_index(op.f("shadow_assessments_at_idx"), "shadow_assessments", ["at"], unique=False)
    op.create_table(
        "score_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model", Text(), nullable=False),
        sa.Column("posts", sa.BigInteger(), nullable=False),
        sa.Column("numbers", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("day", "model", name=op.f("score_days_pkey")),
    )
    op.create_table(
        "score_references",
        sa.Column("model", Text(), nullable=False),
        sa.Column("kept_at", Moment(), nullable=False),
        sa.Column("posts", sa.BigInteger(), nullable=False),
        sa.Column("numbers", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("score_references_pkey")),
    )
    op.create_table(
        "refused_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("lot", sa.Float(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("source", Text(), nullable=False),
        sa.Column("platform", Text(), nullable=False),
        sa.Column("title", Text(), nullable=True),
        sa.Column("text", Text(), nullable=False),
        sa.Column("lang", Text(), nullable=True),
        sa.Column("published_at", Moment(), nullable=False),
        sa.Column("refused_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("refused_items_pkey")),
    )
    op.create_index("refused_items_day_lot_idx", "refused_items", ["day", "lot"], unique=False)
    op.create_index(op.f("refused_items_post_id_idx"), "refused_items", ["post_id"], unique=False)
    op.create_table(
        "labels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("person_key", sa.LargeBinary(), nullable=False),
        sa.Column("role", Text(), nullable=False),
        sa.Column("act", Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("taken_back_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("labels_pkey")),
    )
    op.create_index(op.f("labels_case_id_idx"), "labels", ["case_id"], unique=False)
    op.create_index("labels_post_id_idx", "labels", ["post_id"], unique=False)
    op.create_index("labels_seq_post_id_key", "labels", ["seq", "post_id"], unique=True)
    op.create_table(
        "drop_samples",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("source", Text(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("drawn_at", Moment(), nullable=False),
        sa.Column("missed", sa.Boolean(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("gone_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["people.id"], name=op.f("drop_samples_answered_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("drop_samples_pkey")),
    )
    op.create_index("drop_samples_day_idx", "drop_samples", ["day", "stage"], unique=False)
    op.create_index(op.f("drop_samples_post_id_idx"), "drop_samples", ["post_id"], unique=False)


def downgrade() -> None:
    op.drop_table("drop_samples")
    op.drop_table("labels")
    op.drop_table("refused_items")
    op.drop_table("score_references")
    op.drop_table("score_days")
    op.drop_table("shadow_assessments")
    op.drop_table("shadow_runs")
    op.drop_table("promotions")
    op.drop_table("model_versions")
