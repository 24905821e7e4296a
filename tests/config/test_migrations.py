"""The migrations build exactly what the models declare, and each can be undone."""

from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from collector.jobs import defer
from collector.records import Record
from config.database import connect, migrate
from config.settings import Settings
from triage.chain import verify
from triage.log import Line, note
from triage.records import Case

OURS = set(Case.metadata.tables)


def differences(engine: Engine) -> list[object]:
    def ours(_thing: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        return kind != "table" or name in OURS

    with engine.connect() as connection:
        options = {"include_object": ours, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Record.metadata))


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_the_migrations_build_what_the_models_declare(engine: Engine) -> None:
    assert differences(engine) == []


def test_every_migration_goes_up_down_and_up_again(engine: Engine, settings: Settings) -> None:
    before = tables(engine)
    migrate(settings, "base")
    assert tables(engine) == set()
    migrate(settings)
    assert tables(engine) == before
    assert differences(engine) == []


def test_a_log_from_before_the_chain_is_sealed_in_order(engine: Engine, settings: Settings) -> None:
    migrate(settings, "base")
    command = (
        "INSERT INTO log_entries (seq, at, who, what, detail) VALUES (:seq, now(), 'ann', 'noted', :detail)"
    )
    migrate(settings, "0004")
    with engine.begin() as connection:
        for seq in (3, 4, 9):  # a rolled back transaction used to leave a gap
            connection.execute(text(command), {"seq": seq, "detail": '{"p": 1e20, "é": [0.5, 2.0]}'})
    migrate(settings)
    own = connect(settings)
    with Session(own) as session:
        note(session, [Line("after")], who="ann", now=datetime.now(UTC))
        session.commit()
        verified = verify(session, settings.key("log"))
    own.dispose()
    assert (verified.breaks, verified.entries) == ([], 4)


def test_who_had_an_account_before_roles_keeps_what_they_could_do(engine: Engine, settings: Settings) -> None:
    migrate(settings, "base")
    migrate(settings, "0005")
    command = (
        "INSERT INTO people (id, username, name, admin, created_at)"
        " VALUES (gen_random_uuid(), :name, :name, :admin, now())"
    )
    with engine.begin() as connection:
        for name, admin in (("ann", True), ("ben", False)):
            connection.execute(text(command), {"name": name, "admin": admin})
    migrate(settings, "0006")
    with engine.connect() as connection:
        ann, ben = connection.scalars(text("SELECT roles FROM people ORDER BY username"))
    assert set(ann) - set(ben) == {"admin"}
    assert "triage" in ben
    migrate(settings, "-1")
    with engine.connect() as connection:
        assert list(connection.scalars(text("SELECT admin FROM people ORDER BY username"))) == [True, False]
    migrate(settings)


def test_the_log_refuses_to_be_changed(session: Session) -> None:
    note(session, [Line("noted")], who="ann", now=datetime.now(UTC))
    session.commit()
    for change in (
        "UPDATE log_entries SET who = 'x'",
        "DELETE FROM log_entries",
        "TRUNCATE log_entries",
        "DELETE FROM log_head",
        "TRUNCATE log_head",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(change))
        session.rollback()


def test_a_job_is_seen_only_when_its_transaction_commits(session: Session) -> None:
    count = text("SELECT count(*) FROM procrastinate_jobs")
    defer(session, "assess", queue="assess", posts=["1"])
    session.rollback()
    assert session.execute(count).scalar_one() == 0
    defer(session, "assess", queue="assess", posts=["1"])
    session.commit()
    assert session.execute(count).scalar_one() == 1
