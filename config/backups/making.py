"""A backup being made: the snapshot, its dump, the files it refers to, and the proof; under a name that says so only
when all of it is done. What breaks off leaves nothing that looks like a backup.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec
import psycopg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session

from collector.months import make_months
from config.backups.dumping import Snapshot, clear_scratch, connected, dump, snapshot, tables_of
from config.backups.keeping import copy_files, seal_keys, write_file
from config.backups.manifest import (
    DATABASE,
    FORMAT,
    KEYS,
    UNFINISHED,
    BackupError,
    Kept,
    Manifest,
    print_of,
    sync_folder,
    write_manifest,
)
from config.backups.proving import prove, scratch_folder
from config.backups.sealing import SealError, print_of_seal, read_key
from config.backups.shelf import claimed_folder, let_old_go, newest
from config.database import DatabaseError, PostgresError, connect, served, url
from config.settings import Settings
from triage import backups as ledger

log = structlog.get_logger()

BACKUP_LOCK = 0x601DE3  # any fixed number: one backup at a time of one database, on however many machines
ROOM_MB = 200
NOT_YET = datetime.min.replace(tzinfo=UTC)
SIZE = "SELECT pg_database_size(current_database())"
HEAD = "SELECT count, encode(hash, 'hex') FROM log_head"
HAS_LEDGER = "SELECT to_regclass('public.backups') IS NOT NULL"
REVISION = "SELECT version_num FROM alembic_version"


class Order(NamedTuple):
    """What is asked for: where to, why, how many stay, and the key files. What is None is as the settings say."""

    why: str
    folder: Path | None = None
    keep: int | None = None
    keys_under: Path | None = None


def make_backup(
    settings: Settings,
    order: Order,
    *,
    clock: Callable[[], datetime],
    tell: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Make a backup and prove it. Raises BackupError, with nothing left that could be taken for a backup."""
    folder = folder_of(settings, order)
    with _spoken(), served(settings), _one_at_a_time(settings), claimed_folder(folder) as broken_off:
        for each in broken_off:
            log.warning("a backup had broken off", backup=each)
            tell(f"{each} had broken off before it was proven: it is no backup, and was deleted")
        clear_scratch(scratch_folder(settings))
        name = _free_name(folder, clock())
        with _noted(settings, name, folder, order.why, clock) as done:
            made = _make(settings, order, folder, name, clock=clock, tell=tell)
            done(made)
        let_old_go(folder, order.keep or settings.backup.keep, settings.key("backup"))
    return made


def folder_of(settings: Settings, order: Order | None = None) -> Path:
    """Where backups lie."""
    asked = order.folder if order else None
    return (asked or settings.backup.folder or settings.data / "backups").resolve()


def _make(
    settings: Settings,
    order: Order,
    folder: Path,
    name: str,
    *,
    clock: Callable[[], datetime],
    tell: Callable[[str], None],
) -> Manifest:
    seal = read_key(settings.backup.key_file) if settings.backup.key_file else None
    keys_under = read_key(order.keys_under) if order.keys_under else None
    _need_months(settings, clock())
    before = newest(folder, settings.key("backup"))
    need_room(settings, folder, first=before is None)
    part = folder / (name + UNFINISHED)
    part.mkdir(mode=0o700)
    try:
        tell("saving the database and its files")
        made_at = clock()
        with snapshot(url(settings)) as seen:
            made = _save(settings, part, seen, seal=seal, before=before)
        made = msgspec.structs.replace(made, name=name, why=order.why, made_at=made_at)
        if keys_under:
            made = msgspec.structs.replace(
                made, has_keys=True, kept=(*made.kept, seal_keys(settings, part / KEYS, keys_under))
            )
        tell("restoring it into a scratch database, to prove it")
        made = msgspec.structs.replace(made, proof=prove(part, made, settings, seal=seal, clock=clock))
        write_manifest(part, made, settings.key("backup"))
        part.rename(folder / name)
        sync_folder(folder)
    finally:
        if part.exists():
            shutil.rmtree(part, ignore_errors=True)
    return made


def _save(
    settings: Settings,
    part: Path,
    seen: Snapshot,
    *,
    seal: bytes | None,
    before: tuple[Path, Manifest] | None,
) -> Manifest:
    """Everything one snapshot refers to, into the folder. The name, the time and the proof come later."""
    ask = seen.connection.execute
    (count, digest), (revision,) = ask(HEAD).fetchone() or (0, ""), ask(REVISION).fetchone() or ("",)
    tables = tables_of(seen.connection)
    database = write_file(
        part / DATABASE, seal, lambda write: dump(url(settings), seen, write, settings.backup.programs)
    )
    files, missing = copy_files(settings, seen.connection, part, seal=seal, before=before)
    return Manifest(
        format=FORMAT,
        name="",
        made_at=NOT_YET,
        why="",
        release=version("goldenhour"),
        revision=str(revision),
        server=str(seen.connection.info.server_version),
        head=f"{count}:{digest}",
        sealed=print_of_seal(seal),
        has_keys=False,
        key_print=print_of(settings.key("backup")),
        tables=tables,
        kept=(Kept(DATABASE, *database), *files),
        missing=tuple(missing),
    )


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    with connected(url(settings), autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (BACKUP_LOCK,)).fetchone()
        if row is None or not row[0]:
            raise BackupError("a backup of this database is being made already: wait until it is done")
        try:
            yield
        finally:
            with suppress(psycopg.Error):  # with the connection it goes too, but a moment later
                connection.execute("SELECT pg_advisory_unlock(%s)", (BACKUP_LOCK,))


@contextmanager
def _noted(
    settings: Settings, name: str, folder: Path, why: str, clock: Callable[[], datetime]
) -> Iterator[Callable[[Manifest], None]]:
    """Write down that it began, and how it ended. An older database than ours has no place for it."""
    with connected(url(settings)) as connection:
        row = connection.execute(HAS_LEDGER).fetchone()
    if row is None or not row[0]:
        yield lambda _: None
        return
    engine = connect(settings, pool=1, name="goldenhour backup")
    longest = settings.backup.longest
    begun: list[UUID] = []

    def done(made: Manifest) -> None:
        entries = int(made.head.partition(":")[0])
        with Session(engine) as session:
            ledger.proved_good(session, begun[0], size_bytes=made.size, entries=entries, now=clock())
            ledger.judge(session, longest=longest, now=clock())
            session.commit()
        log.info("backup made and proven", backup=made.name, rows=made.rows, bytes=made.size)

    def failed(error: BaseException) -> None:
        said = str(error) if isinstance(error, BackupError) else "it was stopped"
        log.error("backup failed", backup=name, error=said)
        with suppress(SQLAlchemyError), Session(engine) as session:
            ledger.went_bad(session, begun[0], said, now=clock())
            ledger.judge(session, longest=longest, now=clock())
            session.commit()

    try:
        with _spoken(), Session(engine) as session:
            ledger.give_up_on_broken_off(session, now=clock())
            host = socket.gethostname()
            made = ledger.begin(session, name, host=host, folder=str(folder), why=why, now=clock())
            begun.append(made.id)
            session.commit()
        try:
            with _spoken():
                yield done
        except BaseException as error:
            failed(error)
            raise
    finally:
        engine.dispose()


@contextmanager
def _spoken() -> Iterator[None]:
    """Whatever a backup fails with, said in words that quote no row."""
    try:
        yield
    except BackupError:
        raise
    except OSError as error:
        where = error.filename or "the disk"
        raise BackupError(
            f"{where}: {error.strerror}. Make room or give us access, or name another folder with --out"
        ) from error
    except (SealError, DatabaseError, PostgresError) as error:
        raise BackupError(str(error)) from error
    except (SQLAlchemyError, psycopg.Error) as error:
        raise BackupError(
            f"the database broke off ({type(error).__name__}): is its server up? See postgres.log"
        ) from error


def _need_months(settings: Settings, now: datetime) -> None:
    """Make the months ahead before the snapshot: making one later would wait for us, and all else for it."""
    engine = connect(settings, pool=1)
    try:
        with suppress(DBAPIError), Session(engine) as session:  # what cannot be made now is tried by night
            session.execute(text("SET LOCAL lock_timeout = '2s'"))
            make_months(session, now=now)
            session.commit()
    finally:
        engine.dispose()


def need_room(settings: Settings, folder: Path, *, first: bool) -> None:
    """Raises BackupError when the backup, or the database it is proven in, most likely finds no room."""
    with connected(url(settings)) as connection:
        row = connection.execute(SIZE).fetchone()
        database = row[0] // 1_000_000 if row else 0
    media = sum(each.stat().st_size for each in settings.media.glob("*/*") if each.is_file()) // 1_000_000
    new = media if first else 0  # later ones share what is there
    for where, needed in ((folder, database // 2 + new), (settings.data.resolve(), database * 3 // 2)):
        free = shutil.disk_usage(where).free // 1_000_000
        if free < needed + ROOM_MB:
            raise BackupError(
                f"the disk with {where} has {free:,} MB free, a backup needs about {needed + ROOM_MB:,} MB there: "
                "make room, or name another folder with --out"
            )


def _free_name(folder: Path, now: datetime) -> str:
    name = f"goldenhour-{now:%Y%m%dT%H%M%SZ}"
    taken: Sequence[str] = os.listdir(folder)
    return next(
        each
        for each in (name, *(f"{name}-{number}" for number in range(2, 1000)))
        if each not in taken and each + UNFINISHED not in taken
    )
