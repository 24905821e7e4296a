"""What was learnt, in words for the public, kept with the version of a pack it was written for."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pack_editions", sa.Column("learning", AutoString(), server_default="", nullable=False))
    op.alter_column("pack_editions", "learning", server_default=None)


def downgrade() -> None:
    op.drop_column("pack_editions", "learning")
