"""Known claims, what people decide of them, the posts that make them, and questions on a case."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("text", Text(), nullable=False),
        sa.Column("title", Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("met_wrong", sa.Boolean(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("noted_at", Moment(), nullable=False),
        sa.Column("noted_by", Text(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("first_seen_at", Moment(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", Moment(), nullable=True),
        sa.Column("words_gone_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "state = 'unverified' OR decision_id IS NOT NULL", name=op.f("known_claims_people_decide_check")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("known_claims_case_id_fkey")),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["known_claims.id"], name=op.f("known_claims_merged_into_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("known_claims_pkey")),
        sa.UniqueConstraint("number", name=op.f("known_claims_number_key")),
    )
    op.create_index(op.f("known_claims_case_id_idx"), "known_claims", ["case_id"], unique=False)
    op.create_index(op.f("known_claims_changed_at_idx"), "known_claims", ["changed_at"], unique=False)
    op.create_index(op.f("known_claims_merged_into_idx"), "known_claims", ["merged_into"], unique=False)
    op.create_index(
        "known_claims_post_id_idx",
        "known_claims",
        ["post_id"],
        unique=False,
        postgresql_where=sa.text("post_id IS NOT NULL"),
    )
    op.create_table(
        "claim_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("met_wrong", sa.Boolean(), nullable=False),
        sa.Column("why", Text(), nullable=False),
        sa.Column("evidence", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("first", Text(), nullable=False),
        sa.Column("first_role", Text(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("second", Text(), nullable=True),
        sa.Column("second_role", Text(), nullable=True),
        sa.Column("in_force_at", Moment(), nullable=True),
        sa.Column("refused_at", Moment(), nullable=True),
        sa.Column("undone_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["known_claims.id"], name=op.f("claim_decisions_claim_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("claim_decisions_pkey")),
    )
    op.create_index(op.f("claim_decisions_claim_id_idx"), "claim_decisions", ["claim_id"], unique=False)
    op.create_table(
        "claim_sightings",
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("because", Text(), nullable=False),
        sa.Column("published_at", Moment(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("answered_by", Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["known_claims.id"], name=op.f("claim_sightings_claim_id_fkey")
        ),
        sa.PrimaryKeyConstraint("claim_id", "post_id", name=op.f("claim_sightings_pkey")),
    )
    op.create_index(op.f("claim_sightings_post_id_idx"), "claim_sightings", ["post_id"], unique=False)
    op.create_table(
        "questions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("text", Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", Text(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("asked_by", Text(), nullable=False),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("answered_by", Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("questions_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("questions_pkey")),
    )
    op.create_index(op.f("questions_case_id_idx"), "questions", ["case_id"], unique=False)


def downgrade() -> None:
    op.drop_table("questions")
    op.drop_table("claim_sightings")
    op.drop_table("claim_decisions")
    op.drop_table("known_claims")
