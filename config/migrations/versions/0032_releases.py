"""Decisions on releasing body-worn video: the whole form as it was answered, who agreed, what superseded it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB()
SAID = ("exception", "reason", "reason_says", "lawful_basis", "second", "second_role", "item", "item_by")
WHEN = ("decided_at", "refused_at", "superseded_at", "item_at")


def upgrade() -> None:
    op.create_table(
        "bwv_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        *(
            sa.Column(name, Words(), nullable=False)
            for name in (
                "policy",
                "policy_title",
                "necessity",
                "proportionality",
                "why",
                "first",
                "first_role",
            )
        ),
        *(sa.Column(name, JSONB, server_default="[]", nullable=False) for name in ("answers", "told")),
        *(
            sa.Column(name, postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
            for name in ("redactions", "viewed_by")
        ),
        *(sa.Column(name, Words(), nullable=True) for name in SAID),
        sa.Column("clip_s", sa.Float(), nullable=True),
        sa.Column("encounter_s", sa.Integer(), nullable=True),
        *(sa.Column(name, Moment(), nullable=False) for name in ("asked_at", "entered_at")),
        *(sa.Column(name, Moment(), nullable=True) for name in WHEN),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("bwv_decisions_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("bwv_decisions_pkey")),
        sa.UniqueConstraint("number", name=op.f("bwv_decisions_number_key")),
    )
    op.create_index(op.f("bwv_decisions_case_id_idx"), "bwv_decisions", ["case_id"])


def downgrade() -> None:
    op.drop_table("bwv_decisions")
