"""Cases in a queue of their own, such as good news: what waits for a decision is counted without them."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Words

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

QUEUE = ["status", "severity", "opened_at"]


def upgrade() -> None:
    op.add_column("cases", sa.Column("lane", Words(), nullable=True))
    op.drop_index("cases_queue_idx", "cases")
    op.create_index("cases_queue_idx", "cases", QUEUE, postgresql_include=["lane"])


def downgrade() -> None:
    op.drop_index("cases_queue_idx", "cases")
    op.create_index("cases_queue_idx", "cases", QUEUE)
    op.drop_column("cases", "lane")
