"""Rules that people agreed on, and which of them decided for a post."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("routings", sa.Column("rules", Text(), nullable=True))
    op.create_table(
        "rules_versions",
        sa.Column("digest", Text(), nullable=False),
        sa.Column("words", Text(), nullable=False),
        sa.Column("kept_at", Moment(), nullable=False),
        sa.Column("kept_by", Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("rules_versions_pkey")),
    )
    op.create_table(
        "rules_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", Text(), nullable=False),
        sa.Column("instead_of", Text(), nullable=True),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("why", Text(), nullable=False),
        sa.Column("rehearsal", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("asked_by", Text(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("agreed_by", Text(), nullable=True),
        sa.Column("since", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["digest"], ["rules_versions.digest"], name=op.f("rules_changes_digest_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("rules_changes_pkey")),
    )
    op.create_index("rules_changes_since_idx", "rules_changes", ["since"])


def downgrade() -> None:
    op.drop_table("rules_changes")
    op.drop_table("rules_versions")
    op.drop_column("routings", "rules")
