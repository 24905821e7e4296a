"""Sources may be paused; boroughs, and days are counted from indexes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PAUSED = (("paused_until", Moment), ("paused_by", Text), ("paused_because", Text))
BOROUGHS = """jsonb_path_query_array(places, '$[*]."borough"?(@ != null)'::jsonpath)"""


def upgrade() -> None:
    for name, kind in PAUSED:
        op.add_column("sources", sa.Column(name, kind(), nullable=True))
    boroughs = sa.Column("boroughs", postgresql.JSONB(), sa.Computed(BOROUGHS, persisted=True), nullable=True)
    op.add_column("assessments", boroughs)
    op.create_index(
        "assessments_boroughs_idx",
        "assessments",
        ["at", "post_id", "boroughs"],
        postgresql_where=sa.text("boroughs <> '[]'"),
    )
    op.create_index("tallies_minute_idx", "tallies", ["minute"])
    op.drop_index("posts_source_published_at_idx", "posts")
    op.create_index(
        "posts_source_collected_at_idx", "posts", ["source", "collected_at"], postgresql_include=["id"]
    )


def downgrade() -> None:
    op.drop_index("posts_source_collected_at_idx", "posts")
    op.create_index("posts_source_published_at_idx", "posts", ["source", "published_at"])
    op.drop_index("tallies_minute_idx", "tallies")
    op.drop_index("assessments_boroughs_idx", "assessments")
    op.drop_column("assessments", "boroughs")
    for name, _ in PAUSED:
        op.drop_column("sources", name)
