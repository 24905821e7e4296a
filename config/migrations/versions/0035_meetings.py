"""The meeting itself: where the calendar puts it, its locked list, seats, attendance, declarations, what panels ask."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

OF_REVIEW = ("planned_at", "locks_at", "locked_at", "moved_at", "cancelled_at")
WORDS_OF_REVIEW = ("moved_by", "moved_because", "cancelled_by", "cancelled_because")
WORDS_OF_ITEM = ("late_because", "off_by", "off_because")


def upgrade() -> None:
    for name in OF_REVIEW:
        op.add_column("reviews", sa.Column(name, Moment(), nullable=True))
    for name in WORDS_OF_REVIEW:
        op.add_column("reviews", sa.Column(name, Words(), nullable=True))
    op.execute("UPDATE reviews SET planned_at = meets_at")
    op.create_unique_constraint(op.f("reviews_planned_at_key"), "reviews", ["planned_at"])
    _add_to_items()
    op.create_table(
        "locked_agendas",
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("locked_at", Moment(), nullable=False),
        sa.Column("items", postgresql.JSONB(), server_default="[]", nullable=False),
        *_of("locked_agendas", review_id="reviews"),
        sa.PrimaryKeyConstraint("review_id", name=op.f("locked_agendas_pkey")),
    )
    op.create_table(
        "seats",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in ("body", "post", "name", "begun_by")),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_by", Words(), nullable=True),
        *_of("seats", person_id="people"),
        sa.PrimaryKeyConstraint("id", name=op.f("seats_pkey")),
    )
    op.create_index(op.f("seats_person_id_idx"), "seats", ["person_id"])
    standing = sa.text("ended_at IS NULL")
    op.create_index(
        "seats_held_key", "seats", ["body", "post", "name"], unique=True, postgresql_where=standing
    )
    op.create_table(
        "attendances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in ("post", "name", "noted_by")),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        *(
            sa.Column(name, Moment(), nullable=True)
            for name in ("undertaking_at", "apologies_at", "came_at", "left_at")
        ),
        *_of("attendances", review_id="reviews", person_id="people"),
        sa.PrimaryKeyConstraint("id", name=op.f("attendances_pkey")),
    )
    op.create_index(
        "attendances_review_id_post_name_key", "attendances", ["review_id", "post", "name"], unique=True
    )
    op.create_table(
        "declarations",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "review_id", "case_id")),
        *(sa.Column(name, Words(), nullable=False) for name in ("name", "kind", "noted_by")),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("person_id", "tie_id")),
        sa.Column("recused", sa.Boolean(), nullable=False),
        sa.Column("declared_at", Moment(), nullable=False),
        *_of("declarations", review_id="reviews", case_id="cases", person_id="people", tie_id="ties"),
        sa.PrimaryKeyConstraint("id", name=op.f("declarations_pkey")),
    )
    op.create_index(op.f("declarations_case_id_idx"), "declarations", ["case_id"])
    op.create_index("declarations_review_id_case_id_idx", "declarations", ["review_id", "case_id"])
    op.create_table(
        "community_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in ("panel", "words", "noted_by")),
        *(sa.Column(name, Moment(), nullable=False) for name in ("asked_at", "noted_at")),
        sa.Column("answer", sa.Text(), nullable=False),
        *(sa.Column(name, Words(), nullable=True) for name in ("answer_because", "answered_by")),
        sa.Column("answered_at", Moment(), nullable=True),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("case_id", "review_id")),
        *_of("community_requests", case_id="cases", review_id="reviews"),
        sa.PrimaryKeyConstraint("id", name=op.f("community_requests_pkey")),
        sa.UniqueConstraint("number", name=op.f("community_requests_number_key")),
    )
    op.create_index(op.f("community_requests_panel_idx"), "community_requests", ["panel"])


def _add_to_items() -> None:
    """Cases that are listed already keep the order in which they were."""
    op.add_column(
        "review_items", sa.Column("listed_by", Words(), server_default="golden hour", nullable=False)
    )
    op.add_column("review_items", sa.Column("position", sa.Integer(), server_default="0", nullable=False))
    op.add_column("review_items", sa.Column("late", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("review_items", sa.Column("off_at", Moment(), nullable=True))
    for name in WORDS_OF_ITEM:
        op.add_column("review_items", sa.Column(name, Words(), nullable=True))
    op.add_column("review_items", sa.Column("carried_to", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("review_items_carried_to_fkey"), "review_items", "reviews", ["carried_to"], ["id"]
    )
    op.execute(
        "UPDATE review_items SET position = counted.n FROM (SELECT case_id, review_id, row_number() OVER"
        " (PARTITION BY review_id ORDER BY listed_at, case_id) AS n FROM review_items) AS counted"
        " WHERE review_items.case_id = counted.case_id AND review_items.review_id = counted.review_id"
    )


def _of(table: str, **tables: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"{table}_{column}_fkey"))
        for column, other in tables.items()
    ]


def downgrade() -> None:
    for table in ("community_requests", "declarations", "attendances", "seats", "locked_agendas"):
        op.drop_table(table)
    for name in ("carried_to", *WORDS_OF_ITEM, "off_at", "late", "position", "listed_by"):
        op.drop_column("review_items", name)
    for name in (*WORDS_OF_REVIEW, *OF_REVIEW):
        op.drop_column("reviews", name)
