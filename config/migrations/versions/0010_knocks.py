"""Knocks: tries at doors that are open to everybody, counted by keyed digests."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "knocks",
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("knocks_pkey")),
    )
    op.create_index(op.f("knocks_began_at_idx"), "knocks", ["began_at"])


def downgrade() -> None:
    op.drop_table("knocks")
