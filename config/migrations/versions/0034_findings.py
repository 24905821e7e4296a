"""What the oversight group decides: findings, referrals recorded, minutes, actions, feedback, forms of panels."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

CASE, REVIEW = ("case_id", "cases"), ("review_id", "reviews")


def _said(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, Words(), nullable=null) for name in names]


def _when(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, Moment(), nullable=null) for name in names]


def _ids(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Uuid(), nullable=null) for name in names]


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null)


def _kept(name: str, default: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.JSONB(), server_default=default, nullable=False)


def _several(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)


def _table(name: str, columns: list[sa.Column[Any]], *keys: tuple[str, str]) -> None:
    """A table with an id, and foreign keys to other tables' ids."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        *(
            sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"{name}_{column}_fkey"))
            for column, to in keys
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"{name}_pkey")),
    )


def _index(table: str, column: str) -> None:
    op.create_index(op.f(f"{table}_{column}_idx"), table, [column])


def upgrade() -> None:
    _findings()
    _minutes()
    _actions()
    _feedback()
    _table("library_reviews", [*_said("kind", "name", "words", "reviewed_by"), *_when("reviewed_at")])
    op.create_index("library_reviews_kind_name_idx", "library_reviews", ["kind", "name", "reviewed_at"])


def _findings() -> None:
    _table(
        "findings",
        [
            *_ids("case_id", "review_id"),
            sa.Column("version", sa.Integer(), nullable=False),
            *_said("code", "decision", "why", "entered_by"),
            *(_several(name) for name in ("secondary", "themes")),
            _kept("says", "{}"),
            *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("reviewed", "concern")),
            _text("talk", null=True),
            sa.Column("communication", sa.Integer(), nullable=True),
            *_said("legality", "went_well", "correction_why", null=True),
            *(_kept(name, "[]") for name in ("steps", "dissent")),
            *_when("entered_at"),
            *_when("superseded_at", null=True),
        ],
        CASE,
        REVIEW,
    )
    key = ["case_id", "review_id", "version"]
    op.create_index("findings_case_id_review_id_version_key", "findings", key, unique=True)
    standing = sa.text("superseded_at IS NULL")
    op.create_index(
        "findings_standing_idx", "findings", ["review_id", "case_id"], unique=True, postgresql_where=standing
    )
    _table(
        "referrals",
        [
            *_ids("case_id"),
            *_ids("review_id", "corrects", null=True),
            _text("body"),
            *_said("by_post", "reference", "entered_by"),
            *_said("kind", "correction_why", "taken_back_why", null=True),
            sa.Column("made_on", sa.Date(), nullable=False),
            *_when("entered_at"),
            *_when("superseded_at", null=True),
        ],
        CASE,
        REVIEW,
    )
    _index("referrals", "case_id")


def _minutes() -> None:
    op.create_table(
        "minutes",
        *_ids("id", "review_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _kept("parts", "[]"),
        *_said("author"),
        *_when("drafted_at", "changed_at"),
        *_said("approved_by", null=True),
        *_when("approved_at", null=True),
        *_ids("approved_in", null=True),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("minutes_review_id_fkey")),
        sa.ForeignKeyConstraint(["approved_in"], ["reviews.id"], name=op.f("minutes_approved_in_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("minutes_pkey")),
        sa.UniqueConstraint("review_id", name=op.f("minutes_review_id_key")),
    )
    _table(
        "minutes_corrections",
        [
            *_ids("minutes_id"),
            *_ids("case_id", null=True),
            *_said("words", "why", "entered_by"),
            *_when("entered_at"),
        ],
        ("minutes_id", "minutes"),
        CASE,
    )
    _index("minutes_corrections", "minutes_id")


def _actions() -> None:
    op.create_table(
        "actions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        *_ids("review_id"),
        *_ids("case_id", "closed_in", null=True),
        _text("target"),
        _text("outcome", null=True),
        *_said("words", "owner_post", "opened_by"),
        *_said("theme", "evidence", "outcome_words", "closed_by", null=True),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("due_on", "first_due_on")),
        *_when("opened_at"),
        *_when("completed_at", "closed_at", null=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("actions_case_id_fkey")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("actions_review_id_fkey")),
        sa.ForeignKeyConstraint(["closed_in"], ["reviews.id"], name=op.f("actions_closed_in_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("actions_pkey")),
        sa.UniqueConstraint("number", name=op.f("actions_number_key")),
    )
    _index("actions", "case_id")
    _index("actions", "review_id")
    still = sa.text("closed_at IS NULL")
    op.create_index("actions_open_idx", "actions", ["due_on"], postgresql_where=still)
    _table(
        "action_notes",
        [
            *_ids("action_id"),
            *_ids("case_id", null=True),
            *_said("what", "words", "entered_by"),
            *_when("entered_at"),
        ],
        ("action_id", "actions"),
        CASE,
    )
    _index("action_notes", "action_id")


def _feedback() -> None:
    _table(
        "feedback",
        [
            *_ids("case_id", "review_id"),
            *_said("bcu", "words"),
            *_when("begun_at", "due_at"),
            *_when("breached_at", "sent_at", "confirmed_at", null=True),
            *_said("sent_by", "sent_to", "confirmed_by", "confirmed_entered_by", null=True),
        ],
        CASE,
        REVIEW,
    )
    op.create_index("feedback_case_id_review_id_key", "feedback", ["case_id", "review_id"], unique=True)
    unsent = sa.text("sent_at IS NULL")
    op.create_index("feedback_unsent_idx", "feedback", ["due_at"], postgresql_where=unsent)
    _index("feedback", "review_id")
    op.create_table(
        "panel_forms",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_ids("case_id", null=True),
        *_said("digest", "panel", "imported_by"),
        sa.Column("met_on", sa.Date(), nullable=False),
        _kept("scores", "{}"),
        *_said("comments", null=True),
        *_when("imported_at"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("panel_forms_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("panel_forms_pkey")),
        sa.UniqueConstraint("digest", name=op.f("panel_forms_digest_key")),
    )
    _index("panel_forms", "case_id")
    _table(
        "you_said",
        [
            *_ids("case_id", "review_id", "action_id", null=True),
            *_said("panel", "said", "did", "written_by"),
            *_when("written_at"),
            *_when("told_at", null=True),
            *_said("told_by", null=True),
        ],
        CASE,
        REVIEW,
        ("action_id", "actions"),
    )
    _index("you_said", "review_id")


def downgrade() -> None:
    for name in (
        "library_reviews", "you_said", "panel_forms", "feedback", "action_notes", "actions", "minutes_corrections",
        "minutes", "referrals", "findings",
    ):  # fmt: skip
        op.drop_table(name)
