"""Errors of ours: what this service got wrong, what came of it, how it was mended."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slips",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happened_at", Moment(), nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in ("what", "effect")),
        *(sa.Column(name, Words(), nullable=True) for name in ("suggested_by", "noted_by")),
        sa.Column("noted_at", Moment(), nullable=True),
        sa.Column("mended_how", Words(), nullable=True),
        sa.Column("mended_at", Moment(), nullable=True),
        *(sa.Column(name, Words(), nullable=True) for name in ("told", "none_because")),
        sa.PrimaryKeyConstraint("id", name=op.f("slips_pkey")),
        sa.UniqueConstraint("number", name=op.f("slips_number_key")),
        sa.UniqueConstraint("suggested_by", name=op.f("slips_suggested_by_key")),
    )
    op.create_index(op.f("slips_happened_at_idx"), "slips", ["happened_at"])


def downgrade() -> None:
    op.drop_table("slips")
