"""A stage: the folder, the database and the settings an exercise plays on. Never those of the live service.

A database that an exercise may empty carries a comment that says so. One that holds tables and has no such comment is
somebody's: it is refused, whatever the settings say.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

from collector.settings import HttpSettings, TipSettings
from config.backups.settings import BackupSettings
from config.cli import Complaint
from config.database import connect, migrate, owned, plain_url, served
from config.settings import Settings
from responders.channels.settings import (
    AlertSettings,
    MailSettings,
    NotifySettings,
    TeamsSettings,
    WebhookSettings,
)
from responders.settings import SlackSettings
from triage.settings import OidcSettings, WebSettings

MARK = "Golden Hour exercise: emptied at the next one"
REFUSED = "an exercise empties its database and never touches the live one"
HELD = "SELECT to_regclass('public.alembic_version') IS NOT NULL, shobj_description(oid, 'pg_database')"
TOKEN = "xoxb-exercise"  # noqa: S105  of the mock; opens nothing


def own_settings(live: Settings, *, slack: str, port: int) -> Settings:
    """The settings of an exercise: the force's own rules, templates and words; nothing that reaches outside.

    `slack` is the base address of the mock. Raises Complaint where the stage would be the live service's own.
    """
    folder = live.exercise.data or live.data / "exercise"
    if folder.resolve() == live.data.resolve():
        raise Complaint(
            f"{folder.resolve()} is the live data folder: {REFUSED}. Set GOLDENHOUR_EXERCISE__DATA"
        )
    return live.model_copy(
        update={
            "data": folder,
            "database_url": _own_url(live),
            "secret_file": None,
            "vault_file": None,
            "http": HttpSettings(),
            "tips": TipSettings(),
            "web": WebSettings(port=port, session_hours=24 * 7, idle_minutes=24 * 60),
            "oidc": OidcSettings(),
            "slack": SlackSettings(
                token=SecretStr(TOKEN), base_url=slack, timeout_s=5.0, gap_s=0.0, digest_wait_s=1.0
            ),
            "alerts": AlertSettings(),
            "mail": MailSettings(),
            "notify": NotifySettings(),
            "teams": TeamsSettings(),
            "webhook": WebhookSettings(),
            "backup": BackupSettings(nightly=False),
        }
    )


def _own_url(live: Settings) -> SecretStr | None:
    """The exercise's database; None for the one that comes with its folder."""
    given, other = live.exercise.database_url, live.database_url
    if given is None and other is None:
        return None
    if given is None and other is not None:
        there = make_url(other.get_secret_value())
        given = SecretStr(_said(there.set(database=f"{there.database}_exercise")))
    if given is not None and other is not None and _place(given) == _place(other):
        raise Complaint(
            f"GOLDENHOUR_EXERCISE__DATABASE_URL is the live database {_place(other)[2]}: {REFUSED}. "
            "Name another one, or leave it out"
        )
    return given


@contextmanager
def stage(settings: Settings) -> Iterator[Engine]:
    """The empty, migrated database of these settings, for as long as this lasts; one exercise at a time."""
    with owned(settings.data) as other:
        if other:
            raise Complaint(
                f"an exercise (process {other}) is being played in {settings.data.resolve()}: "
                "stop it first, or set GOLDENHOUR_EXERCISE__DATA to another folder"
            )
        with served(settings):
            _empty(settings)
            migrate(settings)
            engine = connect(settings, pool=10)
            try:
                yield engine
            finally:
                engine.dispose()


def _empty(settings: Settings) -> None:
    """Make the database where there is none, and take everything out of it where it is an exercise's."""
    address = plain_url(settings)
    _make(address)
    with psycopg.connect(address, autocommit=True) as connection:
        asked = f"{HELD} FROM pg_database WHERE datname = current_database()"
        row = connection.execute(asked).fetchone()
        held, mark = row if row else (True, None)
        name = str(connection.info.dbname)
        if held and mark != MARK:
            raise Complaint(
                f"the database {name!r} holds records that no exercise made: {REFUSED}. "
                "Set GOLDENHOUR_EXERCISE__DATABASE_URL or GOLDENHOUR_EXERCISE__DATA to one of its own"
            )
        connection.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(MARK))
        )
        # what is lost when the machine loses power is an exercise
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name))
        )
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def _make(address: str) -> None:
    wanted = make_url(address.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):
            raise Complaint(
                f"the database of the exercise at {wanted.host} does not answer; is the server up?"
            ) from error
        maintenance = wanted.set(drivername="postgresql", database="postgres")
        try:
            with psycopg.connect(_said(maintenance), autocommit=True) as connection:
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(wanted.database or ""))
                )
        except psycopg.Error as refused:
            raise Complaint(
                f"there is no database {wanted.database!r} and it could not be made: create it, "
                "empty, and let our user own it"
            ) from refused


def _place(url: SecretStr) -> tuple[str, int, str]:
    there = make_url(url.get_secret_value())
    host = (there.host or "localhost").lower()
    return ("localhost" if host in ("127.0.0.1", "::1") else host, there.port or 5432, there.database or "")


def _said(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def runs_folder(live: Settings) -> Path:
    """Where the results of exercises are kept."""
    return (live.exercise.data or live.data / "exercise") / "runs"
