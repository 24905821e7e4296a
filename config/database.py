"""The one database: the force's own PostgreSQL where an address is set, else the one in the data folder."""

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import create_engine

from config.postgres import Cluster, PostgresError, stop
from config.settings import Settings

log = structlog.get_logger()

MIGRATION_LOCK = 0x601DE1  # any fixed number: one migration at a time, on however many machines


class DatabaseError(Exception):
    """The database cannot be reached; the message says which, why, and what to do."""


def cluster(settings: Settings) -> Cluster:
    """The embedded PostgreSQL of this data folder, running or not."""
    return Cluster(settings.data.resolve() / "postgres", settings.key("postgres").hex())


def url(settings: Settings) -> str:
    """Where the database is, as SQLAlchemy writes it. Holds the password: never print it."""
    if settings.database_url is None:
        return cluster(settings).url
    return re.sub(
        r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", settings.database_url.get_secret_value()
    )


def plain_url(settings: Settings) -> str:
    """The same, as PostgreSQL's own tools write it."""
    return url(settings).replace("postgresql+psycopg://", "postgresql://", 1)


@contextmanager
def open_database(settings: Settings, *, pool: int = 5) -> Iterator[Engine]:
    """An engine on the migrated database. Starts the embedded server for the time when nobody else has."""
    with _server(settings):
        engine = connect(settings, pool=pool)
        try:
            migrate(settings)
            yield engine
        finally:
            engine.dispose()


def connect(settings: Settings, *, pool: int = 5) -> Engine:
    """An engine on a database that is up. Raises DatabaseError when it does not answer."""
    engine = create_engine(
        url(settings),
        pool_size=pool,
        max_overflow=5,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10},
    )
    try:
        engine.connect().close()
    except OperationalError as error:
        where = f"{engine.url.host}:{engine.url.port or 5432}/{engine.url.database}"
        reason = str(error.orig).strip().splitlines()[-1]
        raise DatabaseError(
            f"the database at {where} does not answer: {reason}. "
            "Check GOLDENHOUR_DATABASE_URL and that the server is up"
        ) from error
    return engine


def migrate(settings: Settings, revision: str = "head") -> None:
    """Bring the database to a revision (docs/operating.md, upgrade and rollback). One at a time everywhere."""
    engine = create_engine(url(settings))
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        configured = Config()
        configured.set_main_option("script_location", str(resources.files("config") / "migrations"))
        configured.attributes["connection"] = connection
        if revision == "base" or revision.startswith("-"):
            command.downgrade(configured, revision)
        else:
            command.upgrade(configured, revision)
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
    engine.dispose()


@contextmanager
def _server(settings: Settings) -> Iterator[None]:
    """The embedded server, borrowed when a service runs on this folder, else started and stopped here."""
    if settings.database_url is not None:
        yield
        return
    ours = cluster(settings)
    ours.folder.parent.mkdir(parents=True, exist_ok=True)
    with owned(ours.folder.parent) as free:
        if not free:
            yield
            return
        started = ours.start()
        try:
            yield
        finally:
            stop(started.pid)
            started.wait()


@contextmanager
def owned(folder: Path) -> Iterator[bool]:
    """Whether this process is the one that runs the data folder's server. The kernel frees it with the process."""
    with (folder / "lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


__all__ = [
    "DatabaseError",
    "PostgresError",
    "cluster",
    "connect",
    "migrate",
    "open_database",
    "owned",
    "plain_url",
    "url",
]
