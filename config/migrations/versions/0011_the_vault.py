"""Sealed authors of posts in cases, and who asked to be shown one."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sealed_authors",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", name=op.f("sealed_authors_pkey")),
    )
    op.create_table(
        "reveals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("reason", Text(), nullable=False),
        sa.Column("why", Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("agreed_by", sa.Uuid(), nullable=True),
        sa.Column("agreed_at", Moment(), nullable=True),
        sa.Column("shown_until", Moment(), nullable=True),
        sa.Column("shown_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("reveals_case_id_fkey")),
        sa.ForeignKeyConstraint(["asked_by"], ["people.id"], name=op.f("reveals_asked_by_fkey")),
        sa.ForeignKeyConstraint(["agreed_by"], ["people.id"], name=op.f("reveals_agreed_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("reveals_pkey")),
    )
    for column in ("asked_at", "case_id", "post_id"):
        op.create_index(op.f(f"reveals_{column}_idx"), "reveals", [column])


def downgrade() -> None:
    op.drop_table("reveals")
    op.drop_table("sealed_authors")
