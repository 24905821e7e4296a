"""What is switched off: the model, or a channel."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "switches",
        sa.Column("kind", sa.Text(), nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in ("name", "off_by", "because")),
        sa.Column("off_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("switches_pkey")),
    )


def downgrade() -> None:
    op.drop_table("switches")
