"""Cases like another one are found without reading all: the newest of a type, and those of a place."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("cases_type_opened_at_idx", "cases", ["type", "opened_at"])
    op.create_index("cases_place_idx", "cases", ["place"])


def downgrade() -> None:
    op.drop_index("cases_place_idx", "cases")
    op.drop_index("cases_type_opened_at_idx", "cases")
