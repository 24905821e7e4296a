"""The proof of a backup: it is restored into a scratch database, and what came out is held against what went in."""

import hashlib
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from psycopg import Connection, sql
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, select

from collector.records import Record
from config.backups.dumping import PLAIN, connected, restore_dump, scratch, tables_of
from config.backups.manifest import DATABASE, BackupError, Manifest, Proof
from config.backups.sealing import PIECE, SealError, pieces
from config.database import DatabaseError, connect, migrate, revisions
from config.settings import Settings
from triage.chain import Head, verify
from triage.heads import HeadsError, read_heads

CHECKS = ("files", "rows", "constraints", "indexes", "schema", "log")
UNPROVEN = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND NOT convalidated
UNION ALL
SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index
WHERE indrelid::regclass::text NOT LIKE 'pg_%' AND NOT (indisvalid AND indisready AND indislive)
"""
AMCHECK = "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'"
EVERY_INDEX = """
SELECT bt_index_check(index => i.indexrelid, heapallindexed => true) FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace
"""


def prove(
    folder: Path, manifest: Manifest, settings: Settings, *, seal: bytes | None, clock: Callable[[], datetime]
) -> Proof:
    """Restore a backup into a scratch database and look at all of it. Raises BackupError where it is no good."""
    began_s = time.monotonic()
    check_files(folder, manifest)
    with scratch(scratch_folder(settings)) as url:
        unpack(folder, url, settings, seal=seal)
        check_database(url, manifest)
        check_schema_and_log(folder, manifest, there(settings, url), seal=seal)
    return Proof(clock(), round(time.monotonic() - began_s, 1), CHECKS)


def scratch_folder(settings: Settings) -> Path:
    return settings.data.resolve() / "scratch"


def there(settings: Settings, url: str) -> Settings:
    """The same settings, with another database."""
    return settings.model_copy(update={"database_url": SecretStr(url)})


def unpack(folder: Path, url: str, settings: Settings, *, seal: bytes | None) -> None:
    """Fill an empty database with the dump of a backup."""
    try:
        restore_dump(url, pieces(folder / DATABASE, seal), settings.backup.programs)
    except SealError as error:
        raise BackupError(f"{error}. Use another backup, or the right key file") from error


def check_files(folder: Path, manifest: Manifest) -> None:
    """Every file is there, with the size and the digest the manifest says."""
    for each in manifest.kept:
        path = folder / each.path
        try:
            size, sha256 = _digest(path)
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror}. Use another backup") from error
        if (size, sha256) != (each.size, each.sha256):
            raise BackupError(f"{path} is not as it was written. Use another backup")


def check_database(url: str, manifest: Manifest) -> None:
    """Every table holds the rows of the snapshot, every constraint and index is whole."""
    with connected(url) as connection:
        for each in PLAIN:
            connection.execute(each)
        found = tables_of(connection)
        apart = [name for name in {*found, *manifest.tables} if found.get(name) != manifest.tables.get(name)]
        if apart:
            raise BackupError(f"restored rows are not those of the snapshot in: {', '.join(sorted(apart))}")
        unproven = connection.execute(UNPROVEN).fetchall()
        if unproven:
            raise BackupError(f"not valid in the restored database: {unproven[0][1]} of {unproven[0][0]}")
        _check_indexes(connection, manifest)


def _check_indexes(connection: Connection, manifest: Manifest) -> None:
    """Rows counted by way of an index are as many as without; with amcheck every index is held against its table."""
    connection.execute("SET LOCAL enable_seqscan = off")
    for name, held in manifest.tables.items():
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        if row is None or row[0] != held.rows:
            raise BackupError(f"an index of {name} does not find every row")
    has = connection.execute(AMCHECK).fetchone()
    if has is not None and has[0]:
        connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        connection.execute(EVERY_INDEX)
        connection.execute("DROP EXTENSION amcheck")


def check_schema_and_log(
    folder: Path, manifest: Manifest, settings: Settings, *, seal: bytes | None, same_keys: bool = True
) -> None:
    """This release can work with it: it goes up to our schema, every record is read, the log is whole."""
    try:
        migrate(settings)
        engine = connect(settings, pool=1)
    except (DatabaseError, SQLAlchemyError) as error:
        raise BackupError(f"this release cannot work with it: {_kind(error)}") from error
    try:
        present, newest = revisions(engine)
        if present != newest:
            raise BackupError(f"it stands at {present}, this release needs {newest}")
        with Session(engine) as session:
            for mapper in Record._sa_registry.mappers:
                session.execute(select(mapper.class_).limit(1)).all()
            if same_keys:
                check_log(session, settings, Head.read(manifest.head), heads_in(folder, manifest, seal))
    except SQLAlchemyError as error:
        raise BackupError(f"a record cannot be read: {_kind(error)}") from error
    finally:
        engine.dispose()


def check_log(session: Session, settings: Settings, head: Head, published: set[Head]) -> None:
    """The chain of the log holds, ends where the snapshot's did, and goes through the heads published before."""
    known = {head, *(each for each in published if each.entries <= head.entries)}
    verified = verify(session, settings.key("log"), published=known)
    if verified.breaks_total:
        first = verified.breaks[0]
        raise BackupError(
            f"the log is not as it was written, in {verified.breaks_total} places, "
            f"the first at entry {first.seq}: {first.what}"
        )


def heads_in(folder: Path, manifest: Manifest, seal: bytes | None) -> set[Head]:
    """The heads that had been published by then, as the backup keeps them."""
    path = next((each.path for each in manifest.kept if each.path.endswith("audit/heads.jsonl")), None)
    if path is None:
        return set()
    with tempfile.NamedTemporaryFile() as opened:
        opened.writelines(pieces(folder / path, seal))
        opened.flush()
        try:
            return {each.head for each in read_heads(Path(opened.name))}
        except HeadsError as error:
            raise BackupError(f"the published heads in it cannot be read: {error}") from error


def _digest(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _kind(error: Exception) -> str:
    """What an error says when it is ours; of others only the kind, because their words quote rows."""
    return str(error) if isinstance(error, DatabaseError) else type(error).__name__
