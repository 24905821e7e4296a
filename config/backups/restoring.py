"""A restore: a backup becomes the database again, beside the one that is there, and takes its place only when it has
proved to be what was saved. What people asked for since (to be forgotten, to be kept, to be locked out) is asked for
again, as far as the database before can still be read.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
import structlog
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from config.backups.carrying import Carried, carry_over
from config.backups.dumping import connected, plain
from config.backups.keeping import DATA, MEDIA, STAFF, open_keys
from config.backups.manifest import BackupError, Manifest, print_of, read_manifest
from config.backups.proving import check_database, check_files, check_schema_and_log, there, unpack
from config.backups.sealing import pieces, read_key
from config.backups.settling import Settled, put_heads_aside, settle
from config.database import is_known, owned, served, url
from config.settings import Settings

log = structlog.get_logger()

TABLES = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
OTHERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
ENDS_WITHIN_S = 3.0  # what just closed its connection may still be counted
BESIDE, BEFORE = "{}_restoring", "{}_before_{}"
WITHOUT_KEYS = (
    "without the key file the log before this restore cannot be verified, and nobody is known again whose posts were "
    "of one voice; without the vault's no author of a case can be revealed"
)


class Target(NamedTuple):
    """Where to: the database and folder of the settings, or `into` another database, or another `data` folder.

    `replace` names a database that is not empty and may be put aside. `keys_under` opens the keys in the backup;
    `other_keys` says that the right ones are lost.
    """

    into: str | None = None
    data: Path | None = None
    replace: str | None = None
    keys_under: Path | None = None
    other_keys: bool = False


class Restored(NamedTuple):
    """What came of it. `aside` is the name under which the database before still stands; `left` are files that were
    there already, with other content, and stayed."""

    manifest: Manifest
    database: str
    aside: str | None
    settled: Settled
    carried: Carried
    files: int
    left: tuple[str, ...]
    without_keys: bool


def restore(
    live: Settings,
    folder: Path,
    target: Target,
    *,
    clock: Callable[[], datetime],
    tell: Callable[[str], None] = lambda _: None,
) -> Restored:
    """Put a backup in place. Raises BackupError, with what was there before untouched."""
    settings = settings_of(live, target)
    seal = read_key(live.backup.key_file) if live.backup.key_file else None
    with owned(settings.data) as other:
        if other:
            raise BackupError(
                f"Golden Hour (process {other}) runs on {settings.data.resolve()}: stop it before you restore"
            )
        _put_keys(settings, folder, target)
        manifest = read_usable(folder, settings, other_keys=target.other_keys)
        tell("reading the backup")
        check_files(folder, manifest)
        with served(settings), _beside(url(settings), target.replace) as place:
            own = there(settings, place.url)
            tell("restoring the database")
            unpack(folder, place.url, settings, seal=seal)
            check_database(place.url, manifest)
            check_schema_and_log(folder, manifest, own, seal=seal, same_keys=not target.other_keys)
            now = clock()
            settled = settle(own, manifest, aside=place.occupied, now=now)
            before = url(settings) if place.occupied else None
            ledgers = list(dict.fromkeys((settings.retention, live.retention)))
            carried = carry_over(before, ledgers, own, manifest, now=now)
            tell("putting the files back")
            files, left = _put_files(settings, folder, manifest, seal)
            put_heads_aside(settings, manifest, now=now)
            aside = place.swap(f"{now:%Y%m%dT%H%M%SZ}".lower())
    log.info("restored", backup=manifest.name, database=place.name, aside=aside)
    return Restored(manifest, place.name, aside, settled, carried, files, left, target.other_keys)


def settings_of(live: Settings, target: Target) -> Settings:
    """The settings of the place that is restored to."""
    if target.data is not None and target.into is not None:
        raise BackupError("give --into or --data, not both")
    if target.data is not None:
        alone = {"data": target.data, "database_url": None, "secret_file": None, "vault_file": None}
        return live.model_copy(update=alone)
    if target.into is not None:
        return live.model_copy(update={"database_url": SecretStr(target.into)})
    return live


def read_usable(folder: Path, settings: Settings, *, other_keys: bool) -> Manifest:
    """The manifest of a backup that this release can restore here. Raises BackupError with the reason."""
    key = settings.key("backup")
    manifest = read_manifest(folder, key)
    if manifest.proof is None:
        raise BackupError(f"{folder} was never proven: use another backup")
    if not is_known(manifest.revision):
        raise BackupError(
            f"{folder} was made by release {manifest.release} at revision {manifest.revision}, which this release does "
            "not know: restore it with that release or a newer one"
        )
    if manifest.key_print != print_of(key) and not other_keys:
        raise BackupError(
            f"{settings.secret_file or settings.data / 'secret'} is not the key file this backup was made with: put "
            f"that one in place, or give --other-keys when it is lost: {WITHOUT_KEYS}"
        )
    return manifest


def _put_keys(settings: Settings, folder: Path, target: Target) -> None:
    """The key files must be there before the database is: from the backup, or put in place by hand."""
    secret = settings.secret_file or settings.data / "secret"
    if target.keys_under is not None:
        held = open_keys(folder, read_key(target.keys_under))
        for path, text in ((secret, held["secret"]), (settings.vault, held["vault"])):
            if text and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)
                path.write_text(text, encoding="ascii")
    if not secret.exists() and not target.other_keys:
        raise BackupError(
            f"the key file {secret} is not there: put back the one you keep apart, give --keys-under when the backup "
            f"holds it, or --other-keys when it is lost: {WITHOUT_KEYS}"
        )


class _Place:
    """The database that is filled, until it is swapped in under the name it is for."""

    def __init__(self, address: str, *, occupied: bool) -> None:
        self.address, self.occupied = address, occupied
        self.name = str(make_url(address).database)
        self.beside = BESIDE.format(self.name)
        self.url = _other(address, self.beside)
        self.swapped = False

    def swap(self, stamp: str) -> str | None:
        """In one transaction: the one before aside, the restored one in its place. An empty one is let go."""
        aside = BEFORE.format(self.name, stamp)
        with connected(_other(self.address, "postgres")) as connection:
            for name in (self.name, self.beside):
                need_alone(connection, name)
            for old, new in ((self.name, aside), (self.beside, self.name)):
                rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                connection.execute(rename.format(sql.Identifier(old), sql.Identifier(new)))
        self.swapped = True
        if self.occupied:
            return aside
        with connected(_other(self.address, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(aside)))
        return None


@contextmanager
def _beside(address: str, replace: str | None) -> Iterator[_Place]:
    """An empty database beside the one that is meant; gone again when it was not swapped in."""
    place = _Place(address, occupied=_is_occupied(address))
    if place.occupied and replace != place.name:
        raise BackupError(
            f"the database {place.name!r} is not empty: nothing was touched. To put it aside (it is renamed, not "
            f"deleted) give --replace {place.name}"
        )
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(place.beside))
    with connected(_other(address, "postgres"), autocommit=True) as connection:
        need_alone(connection, place.name)
        try:
            connection.execute(drop)  # of a restore that was killed
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(place.beside))
            )
        except psycopg.errors.InsufficientPrivilege as error:
            raise BackupError(
                f"our user may not make the database {place.beside!r}, in which a restore is tried first: "
                "ALTER ROLE ... CREATEDB"
            ) from error
    try:
        yield place
    finally:
        if not place.swapped:
            with connected(_other(address, "postgres"), autocommit=True) as connection:
                connection.execute(drop)


def _is_occupied(address: str) -> bool:
    with connected(address) as connection:
        row = connection.execute(TABLES).fetchone()
        return bool(row and row[0])


def need_alone(connection: psycopg.Connection, name: str) -> None:
    """Wait until nobody but us is at that database. Raises BackupError when somebody stays."""
    until_s = time.monotonic() + ENDS_WITHIN_S
    while True:
        connection.execute(
            "SELECT pg_stat_clear_snapshot()"
        )  # else a transaction sees for ever who was there first
        row = connection.execute(OTHERS, (name,)).fetchone()
        if not row or not row[0]:
            return
        if time.monotonic() > until_s:
            raise BackupError(
                f"{row[0]} connections use the database {name!r}: stop every part of the service first"
            )
        time.sleep(0.05)


def _put_files(
    settings: Settings, folder: Path, manifest: Manifest, seal: bytes | None
) -> tuple[int, tuple[str, ...]]:
    """Put the files back where they are not. What is there with other content stays as it is, and is named."""
    written, left = 0, []
    for each in manifest.kept:
        kind, _, path = each.path.partition("/")
        roots = {MEDIA: settings.media, DATA: settings.data, STAFF: settings.data / "restored-config"}
        if kind not in roots or not path:
            continue
        target = roots[kind] / path
        if target.exists() and target.parent in (settings.heads_file.parent, settings.retention):
            continue  # what is there knows more
        if target.exists():
            if b"".join(pieces(folder / each.path, seal)) != target.read_bytes():
                left.append(str(target))
            continue
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = target.with_name(target.name + ".restoring")
        with unfinished.open("wb") as file:
            file.writelines(pieces(folder / each.path, seal))
        unfinished.chmod(0o400 if kind == MEDIA and "." not in target.name else 0o600)
        unfinished.replace(target)
        written += 1
    return written, tuple(left)


def _other(address: str, database: str) -> str:
    known = make_url(plain(address)).set(drivername="postgresql+psycopg", database=database)
    return known.render_as_string(hide_password=False)
