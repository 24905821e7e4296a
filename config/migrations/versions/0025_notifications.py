"""Messages to people and posts, each through one channel."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("channel_kind", sa.Text(), nullable=False),
        sa.Column("recipient", Words(), nullable=False),
        sa.Column("address", Words(), nullable=True),
        sa.Column("subject", Words(), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("tried_at", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", Words(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("receipt", Words(), nullable=True),
        sa.Column("delivered_at", Moment(), nullable=True),
        sa.Column("possible_repeat", sa.Boolean(), nullable=False),
        sa.Column("error", Words(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("notifications_alert_id_fkey")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("notifications_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("notifications_pkey")),
        sa.UniqueConstraint("key", name=op.f("notifications_key_key")),
    )
    at_work = sa.text("state IN ('waiting', 'sending', 'unknown')")
    op.create_index(
        "notifications_at_work_idx", "notifications", ["channel_kind", "due_at"], postgresql_where=at_work
    )
    for name in ("alert_id", "case_id"):
        known = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"notifications_{name}_idx", "notifications", [name], postgresql_where=known)
    op.create_index("notifications_recipient_idx", "notifications", ["recipient", "created_at"])


def downgrade() -> None:
    op.drop_table("notifications")
