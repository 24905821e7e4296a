"""The lines of the log that figures are computed from are found without reading the others."""

from alembic import op
from sqlalchemy import text

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    of_figures = text("what IN ('counted', 'figures printed')")
    op.create_index("log_entries_figures_idx", "log_entries", ["seq"], postgresql_where=of_figures)


def downgrade() -> None:
    op.drop_index("log_entries_figures_idx", table_name="log_entries")
