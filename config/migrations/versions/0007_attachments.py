"""The shape of attachments; posts found by their address."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("media", sa.Column("aspect", sa.Float(), nullable=True))
    op.create_index("posts_url_idx", "posts", ["url"], postgresql_using="hash")


def downgrade() -> None:
    op.drop_index("posts_url_idx", "posts")
    op.drop_column("media", "aspect")
