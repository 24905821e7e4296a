"""The way of a line: facts that people verified, its wordings, approvals, where it was issued, comments.

Drafts made before were a row for each wording; each keeps its row and has one wording.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB()
MOMENTS = ("approved_at", "issued_at", "next_update_at", "expires_at", "stale_at")


def upgrade() -> None:
    _extend_statements()
    op.create_table(
        "case_facts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("value", Words(), nullable=False),
        sa.Column("source", Words(), nullable=False),
        sa.Column("noted_by", Words(), nullable=False),
        sa.Column("noted_at", Moment(), nullable=False),
        sa.Column("verified_by", Words(), nullable=True),
        sa.Column("verified_at", Moment(), nullable=True),
        sa.Column("withdrawn_by", Words(), nullable=True),
        sa.Column("withdrawn_at", Moment(), nullable=True),
        sa.Column("withdrawn_because", Words(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("case_facts_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("case_facts_pkey")),
    )
    op.create_index("case_facts_case_id_idx", "case_facts", ["case_id", "name"])
    op.create_table(
        "statement_versions",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("texts", JSONB, server_default="{}", nullable=False),
        sa.Column("facts", JSONB, server_default="[]", nullable=False),
        sa.Column("written_by", Words(), nullable=False),
        sa.Column("written_at", Moment(), nullable=False),
        sa.Column("why", Words(), nullable=True),
        *_of_a_statement("statement_versions"),
        sa.PrimaryKeyConstraint("statement_id", "number", name=op.f("statement_versions_pkey")),
    )
    op.create_index(op.f("statement_versions_case_id_idx"), "statement_versions", ["case_id"])
    op.execute(
        "INSERT INTO statement_versions (statement_id, number, case_id, texts, facts, written_by, written_at)"
        " SELECT id, version, case_id, jsonb_build_object('long', text), facts, 'golden hour', drafted_at"
        " FROM statements"
    )
    _add(
        "statement_approvals",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("who", Words(), nullable=False),
        sa.Column("post", Words(), nullable=False),
        sa.Column("accepted", JSONB, server_default="{}", nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("voided_at", Moment(), nullable=True),
    )
    _add(
        "statement_issues",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("variant", Words(), nullable=False),
        sa.Column("place", Words(), nullable=False),
        sa.Column("recipients", Words(), nullable=False),
        sa.Column("link", Words(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("entered_by", Words(), nullable=False),
        sa.Column("entered_at", Moment(), nullable=False),
    )
    _add(
        "statement_comments",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("words", Words(), nullable=False),
        sa.Column("who", Words(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("sent_back", sa.Boolean(), nullable=False),
    )


def downgrade() -> None:
    for table in ("statement_comments", "statement_issues", "statement_approvals", "statement_versions"):
        op.drop_table(table)
    op.drop_table("case_facts")
    op.drop_index("statements_state_idx", "statements")
    op.drop_index("statements_case_id_idx", "statements")
    for column in (
        "claim_id", "cleared", "flags", "answers", "correction", "follows", "stale_because", *MOMENTS,
        "author", "variants", "title", "number",
    ):  # fmt: skip
        op.drop_column("statements", column)
    # the old house knows two states, and a number of each template's draft in its order
    op.execute("UPDATE statements SET state = 'superseded' WHERE state <> 'drafted'")
    op.execute(
        "UPDATE statements SET version = anew.version FROM (SELECT id, row_number() OVER"
        " (PARTITION BY case_id, template ORDER BY drafted_at, version, id) AS version FROM statements) AS anew"
        " WHERE anew.id = statements.id"
    )
    op.create_index(
        "statements_case_id_template_version_key",
        "statements",
        ["case_id", "template", "version"],
        unique=True,
    )


def _extend_statements() -> None:
    op.drop_index("statements_case_id_template_version_key", "statements")
    op.add_column("statements", sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False))
    op.create_unique_constraint(op.f("statements_number_key"), "statements", ["number"])
    op.add_column("statements", sa.Column("title", Words(), server_default="", nullable=False))
    op.alter_column("statements", "title", server_default=None)
    op.add_column("statements", sa.Column("variants", JSONB, server_default="{}", nullable=False))
    op.add_column("statements", sa.Column("author", Words(), nullable=True))
    for column in MOMENTS:
        op.add_column("statements", sa.Column(column, Moment(), nullable=True))
    op.add_column("statements", sa.Column("stale_because", Words(), nullable=True))
    op.add_column("statements", sa.Column("follows", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("statements_follows_fkey"), "statements", "statements", ["follows"], ["id"])
    op.add_column(
        "statements", sa.Column("correction", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.alter_column("statements", "correction", server_default=None)
    op.add_column(
        "statements", sa.Column("answers", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.add_column(
        "statements", sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.add_column("statements", sa.Column("cleared", JSONB, server_default="{}", nullable=False))
    op.add_column("statements", sa.Column("claim_id", sa.Uuid(), nullable=True))
    op.create_index("statements_case_id_idx", "statements", ["case_id", "drafted_at"])
    op.create_index("statements_state_idx", "statements", ["state", "drafted_at"])


def _add(table: str, *columns: sa.Column[object]) -> None:
    """A table of what was done to a statement."""
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        *columns,
        *_of_a_statement(table),
        sa.PrimaryKeyConstraint("id", name=op.f(f"{table}_pkey")),
    )
    op.create_index(op.f(f"{table}_statement_id_idx"), table, ["statement_id"])
    op.create_index(op.f(f"{table}_case_id_idx"), table, ["case_id"])


def _of_a_statement(table: str) -> tuple[sa.ForeignKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f(f"{table}_case_id_fkey")),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name=op.f(f"{table}_statement_id_fkey")),
    )
