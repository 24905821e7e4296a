"""Backups: when one was made, where it lies, whether it proved good."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backups",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in ("name", "host", "folder", "why")),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", Words(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("entries", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("backups_pkey")),
    )
    op.create_index(op.f("backups_state_began_at_idx"), "backups", ["state", "began_at"])


def downgrade() -> None:
    op.drop_table("backups")
