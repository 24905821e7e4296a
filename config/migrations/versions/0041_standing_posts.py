"""What retention reads: the posts that still stand, the oldest first, and those that went lately."""

from alembic import op
from sqlalchemy import text

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

INDEXES = (
    ("posts_standing_idx", "collected_at", "withdrawn_at IS NULL"),
    ("posts_withdrawn_at_idx", "withdrawn_at", "withdrawn_at IS NOT NULL"),
)


def upgrade() -> None:
    for name, column, where in INDEXES:
        op.create_index(name, "posts", [column], postgresql_where=text(where))


def downgrade() -> None:
    for name, *_ in INDEXES:
        op.drop_index(name, "posts")
