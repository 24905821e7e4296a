"""A dump: the database as one snapshot sees it, written by PostgreSQL's own pg_dump and read back by pg_restore.

No row of the service waits for it: pg_dump holds the lightest of locks, which only the dropping of a table minds.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import psycopg
from psycopg import Connection, sql
from sqlalchemy.engine import make_url

from config.backups.manifest import BackupError, Held
from config.postgres import Cluster, programs, stop

PIECE = 1 << 20
ENDS_WITHIN_S = 10.0
APPLICATION = "goldenhour backup"
# what a row looks like as text must not depend on who asks
PLAIN = (
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL datestyle = 'ISO, MDY'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL statement_timeout = 0",
)
TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition ORDER BY 1
"""
# the order of rows is nobody's promise, so their digests are added up: twice eight bytes of SHA-256 each
DIGEST = """
SELECT count(*),
    coalesce(sum(('x' || encode(substring(h FOR 8), 'hex'))::bit(64)::bigint), 0)
    || ':' || coalesce(sum(('x' || encode(substring(h FROM 9 FOR 8), 'hex'))::bit(64)::bigint), 0)
FROM (SELECT sha256(convert_to(t::text, 'UTF8')) AS h FROM {} t) rows
"""


class Snapshot(NamedTuple):
    """One moment of the database, held open: `named` is how other sessions see the same."""

    connection: Connection
    named: str


@contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """A moment of the database, for as long as this lasts."""
    with connected(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        for each in PLAIN:
            connection.execute(each)
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield Snapshot(connection, row[0])


@contextmanager
def connected(url: str, *, autocommit: bool = False) -> Iterator[Connection]:
    """A connection of a backup's own. What goes wrong with it is a BackupError that quotes no row."""
    try:
        with psycopg.connect(
            plain(url), application_name=APPLICATION, connect_timeout=10, autocommit=autocommit
        ) as made:
            yield made
    except psycopg.OperationalError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BackupError(f"the database does not answer: {reason[:200]}. Is its server up?") from error


def tables_of(connection: Connection) -> dict[str, Held]:
    """Every table as the transaction sees it."""
    found = {}
    for (name,) in connection.execute(TABLES).fetchall():
        row = connection.execute(sql.SQL(DIGEST).format(sql.Identifier(name))).fetchone()
        assert row is not None
        found[str(name)] = Held(row[0], row[1])
    return found


def dump(url: str, seen: Snapshot, write: Callable[[bytes], None], bin_folder: Path | None) -> None:
    """Write the database of a snapshot. Raises BackupError when pg_dump does."""
    options = ["--format=custom", "--compress=1", "--no-owner", "--no-privileges"]
    command = [program("pg_dump", bin_folder), *options, f"--snapshot={seen.named}", f"--dbname={_bare(url)}"]
    with _running(command, url, stdout=subprocess.PIPE) as (process, said):
        assert process.stdout is not None
        while piece := process.stdout.read(PIECE):
            write(piece)
        if process.wait() != 0:
            raise BackupError(f"the database cannot be dumped: {_first_line(said)}")


def restore_dump(url: str, pieces: Iterable[bytes], bin_folder: Path | None) -> None:
    """Fill an empty database, wholly or not at all. Raises BackupError when pg_restore does."""
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    command = [program("pg_restore", bin_folder), *options, f"--dbname={_bare(url)}"]
    with _running(command, url, stdin=subprocess.PIPE) as (process, said):
        assert process.stdin is not None
        try:
            for piece in pieces:
                process.stdin.write(piece)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended, and says why
        if process.wait() != 0:
            raise BackupError(f"the dump cannot be restored: {_first_line(said)}")


@contextmanager
def scratch(folder: Path) -> Iterator[str]:
    """An empty database on a server of its own in `folder`, gone afterwards. Nothing of it is flushed to the disk."""
    clear_scratch(folder)
    cluster = Cluster(folder / "postgres", os.urandom(16).hex(), quick=True)
    try:
        server = cluster.start()
        yield cluster.url
    finally:
        if (pid := cluster.running_pid()) is not None:
            stop(pid)
            server.wait()
        clear_scratch(folder)


def clear_scratch(folder: Path) -> None:
    """End and take away what a killed backup left; some of it may still be at work."""
    until_s = time.monotonic() + ENDS_WITHIN_S
    while folder.exists():
        Cluster(folder / "postgres", "", quick=True).stop_stray()
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists() and time.monotonic() > until_s:
            raise BackupError(f"{folder} cannot be cleared: end what works in it, and delete it")
        time.sleep(0.05)


def program(name: str, bin_folder: Path | None) -> str:
    """Where a program of PostgreSQL is: in the folder set for it, else among those that come with us."""
    found = (bin_folder or programs()) / name
    if not found.exists():
        raise BackupError(f"{found} is not there: set GOLDENHOUR_BACKUP__PROGRAMS to the folder it is in")
    return str(found)


def plain(url: str) -> str:
    """An address as PostgreSQL's own tools write it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _bare(url: str) -> str:
    """The address without its password, which everybody on the machine could read in the list of processes."""
    return make_url(plain(url))._replace(password=None).render_as_string()


@contextmanager
def _running(
    command: list[str], url: str, *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment |= {"LC_ALL": "C", "PGAPPNAME": APPLICATION, "PGCONNECT_TIMEOUT": "10"}
    password = make_url(url).password
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=said, env=environment)
        try:
            yield process, said
        finally:
            if process.poll() is None:
                process.kill()
            with process:
                pass


def _first_line(said: IO[bytes]) -> str:
    """What a program complained of. Only its first line: later ones quote rows."""
    said.seek(0)
    lines = said.read(10_000).decode("utf-8", errors="replace").splitlines()
    return next((each.partition("error: ")[2] or each for each in lines if each.strip()), "no reason given")[
        :200
    ]
