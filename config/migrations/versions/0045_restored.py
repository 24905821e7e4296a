"""That a database was restored from a backup, and when: what comes again since may have been told before."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("backups", sa.Column("restored_at", Moment(), nullable=True))


def downgrade() -> None:
    op.drop_column("backups", "restored_at")
