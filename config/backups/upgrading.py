"""An upgrade: a proven backup, then the migrations, once for all processes that start together. And the way back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import psycopg
import structlog
from psycopg import sql
from sqlmodel import Session

from config.backups.dumping import TABLES, connected
from config.backups.making import Order, make_backup
from config.backups.manifest import BackupError
from config.database import Step, connect, is_known, migrate, revisions, served, steps_down, url
from config.settings import Settings
from triage.log import MACHINE, Line, note

log = structlog.get_logger()

UPGRADE_LOCK = 0x601DE4  # any fixed number: whoever starts meanwhile waits
SEALED_SINCE = "0005"  # before that there is no log as we write it
WAYS_OUT = 'To go without one: goldenhour upgrade --no-backup "why"'


class Moved(NamedTuple):
    """From where to where a database was brought, and the backup made before. `lost` counts rows whose table went."""

    before: str | None
    after: str
    backup: str | None = None
    lost: dict[str, int] = {}  # noqa: RUF012  never changed


def upgrade(
    settings: Settings,
    *,
    no_backup: str | None = None,
    clock: Callable[[], datetime],
    tell: Callable[[str], None] = lambda _: None,
) -> Moved:
    """Bring the database up to this release; what is older and holds rows is backed up first, unless there is a reason
    not to. Raises BackupError with the database as it was.
    """
    with served(settings), _one_at_a_time(settings):
        present, newest = _stands(settings)
        if present in (None, newest) or not is_known(present):
            migrate(settings)
            return Moved(present, newest)
        backup = None
        if no_backup is None:
            tell(f"the database is at {present}, this release has {newest}: a backup first")
            try:
                why = f"before the upgrade from {present} to {newest}"
                backup = make_backup(settings, Order(why), clock=clock, tell=tell).name
            except BackupError as error:
                raise BackupError(f"not upgraded, because there is no backup: {error}. {WAYS_OUT}") from error
        tell(f"bringing it up to {newest}")
        migrate(settings)
        _note(settings, "database upgraded", present, newest, backup, no_backup, clock())
    log.info("database upgraded", before=present, after=newest, backup=backup)
    return Moved(present, newest, backup)


def downgrade(
    settings: Settings,
    revision: str,
    *,
    no_backup: str | None = None,
    clock: Callable[[], datetime],
    tell: Callable[[str], None] = lambda _: None,
) -> Moved:
    """Take the database down to an earlier release's revision, with a proven backup before."""
    with served(settings), _one_at_a_time(settings):
        present, _ = _stands(settings)
        list(plan_down(settings, revision))
        backup = None
        if no_backup is None:
            why = f"before going down from {present} to {revision}"
            backup = make_backup(settings, Order(why), clock=clock, tell=tell).name
        held = _held(settings)
        if revision >= SEALED_SINCE:
            _note(settings, "database taken down", present, revision, backup, no_backup, clock())
        tell(f"taking it down to {revision}")
        migrate(settings, revision, down=True)
        stays = _held(settings)
    log.info("database taken down", before=present, after=revision, backup=backup)
    lost = {name: rows for name, rows in held.items() if name not in stays and rows}
    return Moved(present, revision, backup, lost)


def plan_down(settings: Settings, revision: str) -> Iterator[Step]:
    """What would be undone, the newest first. Raises DatabaseError when there is no such way."""
    present, _ = _stands(settings)
    yield from steps_down(present or "", revision)


def _stands(settings: Settings) -> tuple[str | None, str]:
    engine = connect(settings, pool=1)
    try:
        return revisions(engine)
    finally:
        engine.dispose()


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    with connected(url(settings), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (UPGRADE_LOCK,))
        yield


def _held(settings: Settings) -> dict[str, int]:
    with connected(url(settings)) as connection:
        names = [str(name) for (name,) in connection.execute(TABLES).fetchall()]
        return {name: _count(connection, name) for name in names}


def _count(connection: psycopg.Connection, name: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
    return int(row[0]) if row else 0


def _note(
    settings: Settings,
    what: str,
    before: str | None,
    after: str,
    backup: str | None,
    why: str | None,
    now: datetime,
) -> None:
    engine = connect(settings, pool=1)
    with Session(engine) as session:
        detail = {"before": before, "after": after, "backup": backup}
        note(session, [Line(what, None, why, detail)], who=MACHINE, now=now)
        session.commit()
    engine.dispose()
