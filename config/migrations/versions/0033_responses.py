"""What people chose to do about claims, and the figures they saw."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claim_responses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, Words(), nullable=False)
            for name in ("option", "title", "why", "chosen_by", "role")
        ),
        sa.Column("policy", sa.Integer(), nullable=False),
        sa.Column("law", Words(), nullable=True),
        sa.Column("people", sa.BigInteger(), nullable=True),
        sa.Column("reach", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["known_claims.id"], name=op.f("claim_responses_claim_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("claim_responses_pkey")),
    )
    op.create_index(op.f("claim_responses_claim_id_idx"), "claim_responses", ["claim_id"])


def downgrade() -> None:
    op.drop_table("claim_responses")
