"""Accounts that ask, for all they write, not to be shown."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opt_outs",
        sa.Column("author_key", sa.LargeBinary(), nullable=False),
        sa.Column("platform", Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("author_key", name=op.f("opt_outs_pkey")),
    )


def downgrade() -> None:
    op.drop_table("opt_outs")
