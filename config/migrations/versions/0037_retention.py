"""Legal holds and the copies they keep, runs and certificates of disposal, tombstones, rights requests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString as Words
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# which posts a standing hold covers with their content; whoever takes content away asks here
HELD = """
CREATE VIEW held_posts AS
SELECT m.post_id, h.id AS hold_id FROM holds AS h JOIN memberships AS m ON m.case_id = h.case_id
    WHERE h.ended_at IS NULL AND h.signed_at IS NOT NULL AND m.sure
UNION SELECT h.post_id, h.id FROM holds AS h
    WHERE h.ended_at IS NULL AND h.signed_at IS NOT NULL AND h.post_id IS NOT NULL
UNION SELECT p.id, h.id FROM holds AS h JOIN posts AS p ON p.collected_at >= h.from_at AND p.collected_at < h.until_at
    WHERE h.ended_at IS NULL AND h.signed_at IS NOT NULL AND (h.source IS NULL OR p.source = h.source)
UNION SELECT c.post_id, h.id FROM holds AS h
    JOIN held_copies AS c ON c.collected_at >= h.from_at AND c.collected_at < h.until_at
    WHERE h.ended_at IS NULL AND h.signed_at IS NOT NULL AND (h.source IS NULL OR c.source = h.source)
"""
# a line of the log may lose its words, and nothing else, once a tombstone says so; the chain proves the tombstone
WORDS_MAY_GO = """
CREATE FUNCTION refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = OLD.seq AND NEW.hash = OLD.hash AND NEW.at = OLD.at AND NEW.what = OLD.what
        AND NEW.case_id IS NOT DISTINCT FROM OLD.case_id AND NEW.who = '' AND NEW.why IS NULL AND NEW.detail = '{}'
        AND EXISTS (SELECT FROM log_tombstones WHERE seq = OLD.seq) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the log is append-only: % is refused', TG_OP;
END $$;
DROP TRIGGER log_entries_append_only ON log_entries;
CREATE TRIGGER log_entries_append_only BEFORE DELETE OR TRUNCATE ON log_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes();
CREATE TRIGGER log_entries_words_may_go BEFORE UPDATE ON log_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erasure();
CREATE TRIGGER log_tombstones_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_tombstones
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes();
"""
# custody is kept for seven years at least
OLD_MAY_GO = """
CREATE FUNCTION refuse_young() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.at > now() - interval '7 years' THEN
        RAISE EXCEPTION 'the log is append-only: % is refused', TG_OP;
    END IF;
    RETURN OLD;
END $$;
DROP TRIGGER custody_entries_append_only ON custody_entries;
CREATE TRIGGER custody_entries_append_only BEFORE UPDATE OR TRUNCATE ON custody_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes();
CREATE TRIGGER custody_entries_old_may_go BEFORE DELETE ON custody_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_young();
"""
BACK = """
DROP TRIGGER log_entries_words_may_go ON log_entries;
DROP TRIGGER log_entries_append_only ON log_entries;
CREATE TRIGGER log_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes();
DROP FUNCTION refuse_all_but_erasure();
DROP TRIGGER custody_entries_old_may_go ON custody_entries;
DROP TRIGGER custody_entries_append_only ON custody_entries;
CREATE TRIGGER custody_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes();
DROP FUNCTION refuse_young();
"""


def upgrade() -> None:
    _copies()
    _holds()
    _runs()
    _tombstones()
    _rights()
    op.execute(HELD)
    op.execute(WORDS_MAY_GO)
    op.execute(OLD_MAY_GO)


def downgrade() -> None:
    op.execute(BACK)
    op.execute("DROP VIEW held_posts")
    for table in ("rights_requests", "log_tombstones", "post_tombstones", "disposal_certificates"):
        op.drop_table(table)
    for table in ("retention_runs", "holds", "held_copies"):
        op.drop_table(table)


def _copies() -> None:
    op.create_table(
        "held_copies",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("source", Words(), nullable=False),
        sa.Column("collected_at", Moment(), nullable=False),
        sa.Column("taken_at", Moment(), nullable=False),
        sa.Column("because", Words(), nullable=False),
        sa.Column("content", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("post_id", name=op.f("held_copies_pkey")),
    )


def _holds() -> None:
    optional = ("from_at", "until_at", "signed_at", "refused_at", "reviewed_at", "reminded_at", "ended_at")
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("source", Words(), nullable=True),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("content", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        *(sa.Column(name, Moment(), nullable=False) for name in ("set_at", "review_at", "expires_at")),
        *(sa.Column(name, Moment(), nullable=True) for name in optional),
        sa.Column("ended_because", Words(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("holds_case_id_fkey")),
        *(
            sa.ForeignKeyConstraint([name], ["people.id"], name=op.f(f"holds_{name}_fkey"))
            for name in ("set_by", "signed_by", "ended_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("holds_pkey")),
        sa.UniqueConstraint("number", name=op.f("holds_number_key")),
    )
    op.create_index("holds_case_id_idx", "holds", ["case_id"])
    op.create_index(
        "holds_standing_idx", "holds", ["expires_at"], postgresql_where=sa.text("ended_at IS NULL")
    )


def _runs() -> None:
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("who", Words(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("held", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("retention_runs_pkey")),
    )
    op.create_index("retention_runs_ended_at_idx", "retention_runs", ["ended_at"])
    op.create_table(
        "disposal_certificates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in ("class_name", "who", "why")),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("held", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("follows", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["retention_runs.id"], name=op.f("disposal_certificates_run_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("disposal_certificates_pkey")),
        sa.UniqueConstraint("number", name=op.f("disposal_certificates_number_key")),
    )
    op.create_index(op.f("disposal_certificates_run_id_idx"), "disposal_certificates", ["run_id"])
    op.create_index(
        "disposal_certificates_open_key",
        "disposal_certificates",
        ["class_name"],
        unique=True,
        postgresql_where=sa.text("seal IS NULL"),
    )


def _tombstones() -> None:
    op.create_table(
        "post_tombstones",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("permalink", sa.LargeBinary(), nullable=True),
        sa.Column("class_name", Words(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("post_id", name=op.f("post_tombstones_pkey")),
    )
    op.create_index("post_tombstones_permalink_idx", "post_tombstones", ["permalink"])
    op.create_table(
        "log_tombstones",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("who", Words(), nullable=False),
        sa.Column("because", Words(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("log_tombstones_pkey")),
    )


def _rights() -> None:
    op.create_table(
        "rights_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        *(sa.Column(name, Words(), nullable=False) for name in ("reference", "asks", "entered_by")),
        *(sa.Column(name, Words(), nullable=True) for name in ("extended_because", "why", "decided_by")),
        *(
            sa.Column(name, postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
            for name in ("permalinks", "kept")
        ),
        sa.Column("found", postgresql.JSONB(), server_default="[]", nullable=False),
        *(sa.Column(name, Moment(), nullable=False) for name in ("received_at", "due_at", "entered_at")),
        *(sa.Column(name, Moment(), nullable=True) for name in ("decided_at", "erased_at", "answered_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("rights_requests_pkey")),
        sa.UniqueConstraint("number", name=op.f("rights_requests_number_key")),
    )
