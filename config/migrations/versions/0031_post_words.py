"""The words of posts in cases, to be searched; and what the queue counts and sorts by at fifty thousand cases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

OPEN = "status IN ('detected', 'triaged', 'watch', 'confirmed')"


def upgrade() -> None:
    op.create_table(
        "post_words",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("collected_at", Moment(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", name=op.f("post_words_pkey")),
    )
    op.execute(r"""
        INSERT INTO post_words (post_id, collected_at, words)
        SELECT p.id, p.collected_at, to_tsvector('english', regexp_replace(
            left(coalesce(p.title, '') || ' ' || p.text, 5000), '@[A-Za-z0-9_][A-Za-z0-9_.@-]*', ' ', 'g'))
        FROM post_keys AS k JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at
        WHERE p.withdrawn_at IS NULL AND EXISTS (SELECT FROM memberships AS m WHERE m.post_id = p.id)
    """)
    op.create_index("post_words_words_idx", "post_words", ["words"], postgresql_using="gin")
    op.create_index(op.f("post_words_collected_at_idx"), "post_words", ["collected_at"])
    op.create_index(
        "cases_newest_idx", "cases", [sa.text("opened_at DESC"), "id"], postgresql_where=sa.text(OPEN)
    )
    op.create_index(
        "cases_counted_idx",
        "cases",
        ["severity", "bcu", "borough", "type"],
        postgresql_include=["id", "status", "claimed_by", "claimed_until", "desks"],
        postgresql_where=sa.text(OPEN),
    )
    op.create_index(
        "alerts_open_idx", "alerts", ["case_id", "desk"], postgresql_where=sa.text("state = 'open'")
    )


def downgrade() -> None:
    op.drop_index("alerts_open_idx", "alerts")
    op.drop_index("cases_counted_idx", "cases")
    op.drop_index("cases_newest_idx", "cases")
    op.drop_table("post_words")
