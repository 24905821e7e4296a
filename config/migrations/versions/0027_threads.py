"""What is told in the thread of a case, and until when the reminders of an alert are silent."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

KEY = "deliveries_alert_id_channel_key"


def upgrade() -> None:
    op.add_column("alerts", sa.Column("snoozed_until", Moment(), nullable=True))
    op.add_column("deliveries", sa.Column("about", Words(), server_default="", nullable=False))
    op.add_column("deliveries", sa.Column("says", Words(), nullable=True))
    op.add_column("deliveries", sa.Column("thread_ts", Words(), nullable=True))
    op.add_column("deliveries", sa.Column("raised_at", Moment(), nullable=True))
    op.execute(
        "UPDATE deliveries SET raised_at = alerts.raised_at FROM alerts"
        " WHERE alerts.id = deliveries.alert_id AND deliveries.tried_at IS NOT NULL"
    )
    op.drop_index(KEY, "deliveries")
    op.create_index(KEY, "deliveries", ["alert_id", "channel", "about"], unique=True)


def downgrade() -> None:
    op.drop_index(KEY, "deliveries")
    op.execute("DELETE FROM deliveries WHERE about <> ''")
    op.create_index(KEY, "deliveries", ["alert_id", "channel"], unique=True)
    for name in ("raised_at", "thread_ts", "says", "about"):
        op.drop_column("deliveries", name)
    op.drop_column("alerts", "snoozed_until")
