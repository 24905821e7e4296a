"""Which account at work signs a person in."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("oidc_issuer", AutoString(), nullable=True))
    op.add_column("people", sa.Column("oidc_subject", AutoString(), nullable=True))
    op.create_index("people_oidc_idx", "people", ["oidc_issuer", "oidc_subject"], unique=True)


def downgrade() -> None:
    op.drop_index("people_oidc_idx", "people")
    op.drop_column("people", "oidc_subject")
    op.drop_column("people", "oidc_issuer")
