"""By what repeated opening of one author's posts is noticed, and the locks it sets."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reveals", sa.Column("mark", sa.LargeBinary(), nullable=True))
    op.create_index(
        "reveals_mark_idx", "reveals", ["mark", "shown_at"], postgresql_where=sa.text("mark IS NOT NULL")
    )
    op.create_table(
        "reveal_locks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("reveal_id", sa.Uuid(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("locked_at", Moment(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("opened_at", Moment(), nullable=True),
        sa.Column("opened_because", Text(), nullable=True),
        sa.ForeignKeyConstraint(["reveal_id"], ["reveals.id"], name=op.f("reveal_locks_reveal_id_fkey")),
        sa.ForeignKeyConstraint(["opened_by"], ["people.id"], name=op.f("reveal_locks_opened_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("reveal_locks_pkey")),
    )
    op.create_index(op.f("reveal_locks_mark_idx"), "reveal_locks", ["mark"])


def downgrade() -> None:
    op.drop_table("reveal_locks")
    op.drop_index("reveals_mark_idx", "reveals")
    op.drop_column("reveals", "mark")
