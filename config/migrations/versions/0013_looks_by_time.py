"""Looks of the last hour are found without reading all."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("looks_at_idx", "looks", ["at"])


def downgrade() -> None:
    op.drop_index("looks_at_idx", "looks")
