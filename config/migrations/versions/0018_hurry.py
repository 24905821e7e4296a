"""Which assessments were made in a hurry: by the gate alone, while more posts came than the encoder could read."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "assessments", sa.Column("hurried", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_index(
        "assessments_hurried_idx", "assessments", ["incident_any"], postgresql_where=sa.text("hurried")
    )


def downgrade() -> None:
    op.drop_index("assessments_hurried_idx", "assessments")
    op.drop_column("assessments", "hurried")
