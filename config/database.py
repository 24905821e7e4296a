"""The one database: the force's own PostgreSQL where an address is set, else the one in the data folder."""

import fcntl
import os
import re
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from psycopg import BaseConnection
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlmodel import create_engine

from config.postgres import Cluster, PostgresError, stop
from config.settings import Settings
from triage.log import KEY

log = structlog.get_logger()

SPARE = 5  # connections beyond those a part usually needs
MIGRATION_LOCK = 0x601DE1  # any fixed number: one migration at a time, on however many machines


class DatabaseError(Exception):
    """The database cannot be reached; the message says which, why, and what to do."""


def cluster(settings: Settings) -> Cluster:
    """The embedded PostgreSQL of this data folder, running or not."""
    return Cluster(settings.data.resolve() / "postgres", settings.key("postgres").hex())


def url(settings: Settings) -> str:
    """Where the database is, as SQLAlchemy writes it. Holds the password: never print it."""
    if settings.database_url is None:
        ours = cluster(settings)
        if not (ours.folder / "goldenhour.port").exists():
            raise DatabaseError(
                f"there is no database in {settings.data.resolve()} yet: `goldenhour run` makes it"
            )
        return ours.url
    return re.sub(
        r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", settings.database_url.get_secret_value()
    )


def plain_url(settings: Settings) -> str:
    """The same, as PostgreSQL's own tools write it."""
    return url(settings).replace("postgresql+psycopg://", "postgresql://", 1)


@contextmanager
def open_database(
    settings: Settings, *, pool: int = 5, bring_up: Callable[[Settings], object] | None = None
) -> Iterator[Engine]:
    """An engine on the migrated database; the embedded server runs at least as long.

    What starts the service says how an older database is to be brought up; all else refuses it.
    """
    with served(settings):
        engine = connect(settings, pool=pool)
        try:
            if bring_up is None:
                _need_no_upgrade(engine)
            (bring_up or migrate)(settings)
            yield engine
        finally:
            engine.dispose()


def connect(settings: Settings, *, pool: int = 5, name: str = "goldenhour") -> Engine:
    """An engine on a database that is up, its connections called `name`. Raises DatabaseError when it does not
    answer.
    """
    engine = create_engine(
        url(settings),
        pool_size=pool + SPARE,
        max_overflow=0,  # what overflows is closed when given back, and a new connection costs most of all
        hide_parameters=True,  # an error's text must not carry a post's text into a log
        json_serializer=_to_json,
        json_deserializer=msgspec.json.decode,
        connect_args={"connect_timeout": 10, "application_name": name},
        execution_options={KEY: settings.key("log")},
    )
    event.listen(engine, "checkout", _replace_lost)
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


def hung_up(connection: BaseConnection[Any]) -> bool:
    """Whether a server has said something unasked on a connection that waits in a pool: most likely that it ends.

    Asking the kernel costs a hundredth of asking the server, and every job takes a connection several times.
    """
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _replace_lost(connection: Any, _record: object, _proxy: object) -> None:
    if hung_up(connection):
        raise InvalidatePoolError


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _need_no_upgrade(engine: Engine) -> None:
    present, newest = revisions(engine)
    if present is not None and present != newest and is_known(present):
        raise DatabaseError(
            f"the database is at {present}, this release needs {newest}: run `goldenhour upgrade`, "
            "which makes a backup first (docs/operating.md, upgrade and rollback)"
        )


def migrate(settings: Settings, revision: str = "head", *, down: bool = False) -> None:
    """Bring the database to a revision (docs/operating.md, upgrade and rollback). One at a time everywhere."""
    engine = create_engine(url(settings), hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        configured = _alembic()
        configured.attributes["connection"] = connection
        configured.attributes["log_key"] = settings.key("log")
        try:
            if down or revision == "base" or revision.startswith("-"):
                command.downgrade(configured, revision)
            else:
                command.upgrade(configured, revision)
        except CommandError as error:
            raise DatabaseError(
                f"the database was made by another release of Golden Hour: {error}. "
                "Start that release, or restore a backup (docs/operating.md, upgrade and rollback)"
            ) from error
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
    engine.dispose()


def revisions(engine: Engine) -> tuple[str | None, str]:
    """The revision the database is at, and the newest one of this release."""
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present, str(ScriptDirectory.from_config(_alembic()).get_current_head())


def is_known(revision: str) -> bool:
    """Whether this release knows a revision: what a newer one made it does not."""
    try:
        return ScriptDirectory.from_config(_alembic()).get_revision(revision) is not None
    except CommandError:
        return False


class Step(NamedTuple):
    """One revision that would be undone, and what it had brought."""

    revision: str
    brought: str


def steps_down(present: str, revision: str) -> list[Step]:
    """The revisions between two, the newest first. Raises DatabaseError when one does not lead to the other."""
    script = ScriptDirectory.from_config(_alembic())
    try:
        between = list(script.iterate_revisions(present, revision))
    except (CommandError, RevisionError) as error:
        raise DatabaseError(f"{revision} is no earlier revision than {present}: {error}") from error
    if not between:
        raise DatabaseError(f"the database is at {present} already")
    return [Step(each.revision, (each.doc or "").strip()) for each in between]


def _alembic() -> Config:
    configured = Config()
    configured.set_main_option("script_location", str(resources.files("config") / "migrations"))
    return configured


class Server:
    """The embedded server as its users see it: the first starts it, the last one out stops it.

    Does nothing where GOLDENHOUR_DATABASE_URL names a server of the force's own.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    def up(self) -> bool:
        return self.settings.database_url is not None or cluster(self.settings).running_pid() is not None

    def mend(self) -> bool:
        """Start the server again when it died. True when it now listens on another port."""
        if self.up():
            return False
        ours = cluster(self.settings)
        log.warning("the database server died, starting it again")
        before = ours.url
        with _one_at_a_time(self.settings.data):
            if not self.up():
                self.start()
        log.info("the database server is back")
        return ours.url != before

    def start(self) -> None:
        if self.process is not None:
            self.process.wait()  # it has ended; this only takes note
        self.process = cluster(self.settings).start()

    def stop(self) -> None:
        running = cluster(self.settings).running_pid()
        if running is not None:
            stop(running)
        if self.process is not None:
            self.process.wait()

    def leave(self) -> None:
        """Let the server run on for its other users, the last of whom stops it."""
        if self.process is not None:
            self.process.returncode = 0


@contextmanager
def served(settings: Settings) -> Iterator[Server]:
    """The database's server, up for at least as long as this lasts."""
    server = Server(settings)
    if settings.database_url is not None:
        yield server
        return
    with _file_in(settings.data, "users") as users:
        with _one_at_a_time(settings.data):
            if _locked(users, fcntl.LOCK_EX) or not server.up():
                server.start()
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server
        finally:
            with _one_at_a_time(settings.data):
                fcntl.flock(users, fcntl.LOCK_UN)
                if _locked(users, fcntl.LOCK_EX):
                    server.stop()
                else:
                    server.leave()


@contextmanager
def owned(folder: Path) -> Iterator[int]:
    """Claim a data folder for one service. Gives 0, or the process id of the service that has it.

    The kernel takes the claim back with the process, however it ends.
    """
    with _file_in(folder, "lock") as file:
        if not _locked(file, fcntl.LOCK_EX):
            file.seek(0)
            yield int(file.read().strip() or -1)
            return
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield 0


@contextmanager
def _file_in(folder: Path, name: str) -> Iterator[IO[str]]:
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        file = (folder / name).open("a+", encoding="ascii")
    except OSError as error:
        raise DatabaseError(
            f"the data folder {folder.resolve()} cannot be used: {error.strerror}. "
            "Make room or give us access, or set GOLDENHOUR_DATA to another folder"
        ) from error
    with file:
        yield file


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with _file_in(folder, "starting") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def _locked(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


__all__ = [
    "DatabaseError",
    "PostgresError",
    "Server",
    "Step",
    "cluster",
    "connect",
    "hung_up",
    "is_known",
    "migrate",
    "open_database",
    "owned",
    "plain_url",
    "revisions",
    "served",
    "steps_down",
    "url",
]
