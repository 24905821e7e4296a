"""A declaration of interest can be withdrawn, with a reason."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("declarations", sa.Column("withdrawn_at", Moment(), nullable=True))
    op.add_column("declarations", sa.Column("withdrawn_by", Words(), nullable=True))
    op.add_column("declarations", sa.Column("withdrawn_because", Words(), nullable=True))


def downgrade() -> None:
    for name in ("withdrawn_because", "withdrawn_by", "withdrawn_at"):
        op.drop_column("declarations", name)
