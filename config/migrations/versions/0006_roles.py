"""Roles: what a person may do is the sum of their roles; `admin` becomes one of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# until now everybody could do everything at their desks
GIVE = """
UPDATE people SET roles = ARRAY['triage', 'duty_officer', 'approver', 'oversight_reviewer']
    || CASE WHEN admin THEN ARRAY['admin'] ELSE '{}'::text[] END
"""


def upgrade() -> None:
    op.add_column(
        "people", sa.Column("roles", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.execute(GIVE)
    op.drop_column("people", "admin")


def downgrade() -> None:
    op.add_column("people", sa.Column("admin", sa.Boolean(), nullable=True))
    op.execute("UPDATE people SET admin = 'admin' = ANY(roles)")
    op.alter_column("people", "admin", nullable=False)
    op.drop_column("people", "roles")
