"""Escalations and their steps, who acknowledged, changes of duty, calendar links."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "escalations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("desk", Words(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("raised_at", Moment(), nullable=False),
        sa.Column("ladder", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("next_due_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_because", Words(), nullable=True),
        sa.Column("rearm_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("escalations_alert_id_fkey")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("escalations_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("escalations_pkey")),
    )
    op.create_index("escalations_alert_id_round_key", "escalations", ["alert_id", "round"], unique=True)
    running = sa.text("ended_at IS NULL")
    op.create_index(
        "escalations_running_key", "escalations", ["case_id", "desk"], unique=True, postgresql_where=running
    )
    waiting = sa.text("rearm_at IS NOT NULL")
    op.create_index("escalations_rearm_at_idx", "escalations", ["rearm_at"], postgresql_where=waiting)
    op.create_table(
        "escalation_steps",
        sa.Column("escalation_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=False),
        sa.Column("told", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("pressed_by", sa.Uuid(), nullable=True),
        sa.Column("why", Words(), nullable=True),
        sa.ForeignKeyConstraint(
            ["escalation_id"], ["escalations.id"], name=op.f("escalation_steps_escalation_id_fkey")
        ),
        sa.ForeignKeyConstraint(["pressed_by"], ["people.id"], name=op.f("escalation_steps_pressed_by_fkey")),
        sa.PrimaryKeyConstraint("escalation_id", "step", "turn", name=op.f("escalation_steps_pkey")),
    )
    op.create_table(
        "acknowledgements",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("raised_at", Moment(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("through", Words(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("acknowledgements_alert_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("acknowledgements_person_id_fkey")),
        sa.PrimaryKeyConstraint("alert_id", "raised_at", "person_id", name=op.f("acknowledgements_pkey")),
    )
    op.create_table(
        "duty_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rota", Words(), nullable=False),
        sa.Column("begins_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("takes", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["takes"], ["people.id"], name=op.f("duty_changes_takes_fkey")),
        sa.ForeignKeyConstraint(["asked_by"], ["people.id"], name=op.f("duty_changes_asked_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("duty_changes_pkey")),
    )
    op.create_index("duty_changes_rota_idx", "duty_changes", ["rota", "ends_at"])
    op.create_table(
        "calendar_links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("rota", Words(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("read_at", Moment(), nullable=True),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("calendar_links_person_id_fkey")),
        sa.PrimaryKeyConstraint("digest", name=op.f("calendar_links_pkey")),
    )
    op.create_index(
        "calendar_links_person_id_rota_key",
        "calendar_links",
        ["person_id", "rota"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def downgrade() -> None:
    for table in ("calendar_links", "duty_changes", "acknowledgements", "escalation_steps", "escalations"):
        op.drop_table(table)
