"""Words that are ready for a question: an answer, "not yet", and why we cannot say."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("questions", sa.Column("ready", JSONB, nullable=False, server_default="{}"))


def downgrade() -> None:
    """They are filled anew from the templates when there is a place for them again."""
    op.drop_column("questions", "ready")
