"""How cases grow: by the minute, how far each has spread, the pace of the stream; alerts that say so.

What the stream brought before is taken from the tallies. Cases are counted from their posts when next measured.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "growth",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("voices", sa.Integer(), nullable=False),
        sa.Column("sources", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("platforms", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("growth_case_id_fkey")),
        sa.PrimaryKeyConstraint("case_id", "at", name=op.f("growth_pkey")),
    )
    op.create_index(op.f("growth_at_idx"), "growth", ["at"])
    op.create_table(
        "spreads",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("voices", sa.LargeBinary(), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("platforms", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("views", sa.BigInteger(), nullable=True),
        sa.Column("viewed", sa.Integer(), nullable=False),
        sa.Column("pick_ups", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("coordinated", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("spiking_at", Moment(), nullable=True),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("told_at", Moment(), nullable=True),
        sa.Column("told_pace", sa.Integer(), nullable=False),
        sa.Column("waiting", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("measured_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("spreads_case_id_fkey")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("spreads_pkey")),
    )
    op.create_table(
        "stream_paces",
        sa.Column("at", Moment(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("stream_paces_pkey")),
    )
    op.execute(
        "INSERT INTO stream_paces (at, posts)"
        " SELECT minute, sum(stored) FROM tallies WHERE minute > now() - interval '60 days' GROUP BY 1"
    )
    op.add_column("alerts", sa.Column("growth", sa.Integer(), server_default="0", nullable=False))
    op.alter_column("alerts", "growth", server_default=None)
    op.add_column("alerts", sa.Column("says", Text(), nullable=True))
    op.drop_index("alerts_case_id_desk_key", "alerts")
    op.create_index("alerts_case_id_desk_key", "alerts", ["case_id", "desk", "growth"], unique=True)


def downgrade() -> None:
    op.execute("DELETE FROM deliveries USING alerts WHERE alerts.id = alert_id AND growth > 0")
    op.execute("DELETE FROM alerts WHERE growth > 0")
    op.drop_index("alerts_case_id_desk_key", "alerts")
    op.create_index("alerts_case_id_desk_key", "alerts", ["case_id", "desk"], unique=True)
    op.drop_column("alerts", "says")
    op.drop_column("alerts", "growth")
    op.drop_table("stream_paces")
    op.drop_table("spreads")
    op.drop_table("growth")
