"""Messages that a channel took and has not yet reported on are found by index, like those still to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

NAME, TABLE, COLUMNS = "notifications_at_work_idx", "notifications", ["channel_kind", "due_at"]


def upgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
    states = sa.text("state IN ('waiting', 'sending', 'unknown', 'taken')")
    op.create_index(NAME, TABLE, COLUMNS, postgresql_where=states)


def downgrade() -> None:
    """What was taken counts as delivered, as it did before."""
    op.execute("UPDATE notifications SET state = 'delivered' WHERE state = 'taken'")
    op.drop_index(NAME, table_name=TABLE)
    states = sa.text("state IN ('waiting', 'sending', 'unknown')")
    op.create_index(NAME, TABLE, COLUMNS, postgresql_where=states)
