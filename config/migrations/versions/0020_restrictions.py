"""Who sees a case: restrictions, and the ties people have to somebody in it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restrictions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("reason", Text(), nullable=False),
        sa.Column("why", Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("people", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", Moment(), nullable=False),
        sa.Column("lift_asked_by", sa.Uuid(), nullable=True),
        sa.Column("lift_asked_at", Moment(), nullable=True),
        sa.Column("lift_why", Text(), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("restrictions_case_id_fkey")),
        sa.ForeignKeyConstraint(["set_by"], ["people.id"], name=op.f("restrictions_set_by_fkey")),
        sa.ForeignKeyConstraint(
            ["lift_asked_by"], ["people.id"], name=op.f("restrictions_lift_asked_by_fkey")
        ),
        sa.ForeignKeyConstraint(["lifted_by"], ["people.id"], name=op.f("restrictions_lifted_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("restrictions_pkey")),
    )
    op.create_index(op.f("restrictions_case_id_idx"), "restrictions", ["case_id"])
    op.create_index(
        "restrictions_standing_key",
        "restrictions",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "ties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("declared_at", Moment(), nullable=False),
        sa.Column("withdrawn_at", Moment(), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_because", Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("ties_case_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("ties_person_id_fkey")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["people.id"], name=op.f("ties_withdrawn_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("ties_pkey")),
    )
    op.create_index(op.f("ties_case_id_idx"), "ties", ["case_id"])
    op.create_index(
        "ties_standing_key",
        "ties",
        ["person_id", "case_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("ties")
    op.drop_table("restrictions")
