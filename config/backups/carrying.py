"""What was asked for since a backup was made and must hold after it is restored: who is to be forgotten, who asks not
to be found, who was locked out, what is to be kept. Read from the database before, when it can be read, and from the
ledger that retention keeps outside of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from collector.store import withdraw_posts
from config.backups.dumping import connected
from config.backups.manifest import BackupError, Manifest
from config.backups.proving import there
from config.database import DatabaseError, connect
from config.settings import Settings
from responders.retention.ledger import After, after, reapply, write_ledger

COMMITTED_WITHIN = timedelta(minutes=10)  # an act may be dated before a snapshot that does not see it yet
WITHDRAWN = """
SELECT id, coalesce(withdrawn_because, 'withdrawn before the database was restored') FROM posts
WHERE withdrawn_at > %s
"""
LOCKED = "SELECT id, disabled_at FROM people WHERE disabled_at > %s"
WISHES = "SELECT author_key, platform, at FROM opt_outs WHERE at > %s"
LOCK = text("UPDATE people SET disabled_at = :at WHERE id = :id AND disabled_at IS NULL")
WISH = text(
    "INSERT INTO opt_outs (author_key, platform, at) VALUES (:key, :platform, :at) ON CONFLICT DO NOTHING"
)
KEEP = text(
    "INSERT INTO held_copies SELECT * FROM jsonb_populate_record(NULL::held_copies, CAST(:row AS jsonb))"
    " ON CONFLICT DO NOTHING"
)
# what people speak of, by how the rows of it are called
LOST = {
    "posts": "posts",
    "cases": "cases",
    "alerts": "alerts",
    "statements": "lines",
    "log_entries": "entries of the log",
}


class Carried(NamedTuple):
    """Posts withdrawn again, wishes and holds taken over, people locked out again; and by what how many rows are lost.
    `unread` says why the database before could not be asked.
    """

    withdrawn: int = 0
    wishes: int = 0
    holds: int = 0
    locked_out: int = 0
    lost: dict[str, int] = {}  # noqa: RUF012  never changed
    unread: str = ""


class _Asked(NamedTuple):
    """What the database before knows that the backup does not."""

    withdrawn: dict[UUID, str] = {}  # noqa: RUF012
    locked: Sequence[Any] = ()
    wishes: Sequence[Any] = ()
    kept: Sequence[str] = ()
    lost: dict[str, int] = {}  # noqa: RUF012
    unread: str = ""


def carry_over(
    before: str | None, ledgers: Sequence[Path], settings: Settings, manifest: Manifest, *, now: datetime
) -> Carried:
    """Ask again for what was asked for since the backup. What cannot be read is said, and stops nothing."""
    asked = _Asked(unread="there was none")
    if before is not None:
        asked = _asked_of(before, settings, manifest, ledgers[0], now)
    told = [after(each, manifest.made_at) for each in ledgers]
    holds = max((each.holds for each in told), key=len)
    engine = connect(settings, pool=1)
    try:
        with Session(engine) as session:
            reapply(session, After([], holds), now=now)  # first, so that what they keep is copied
            gone = withdraw_posts(session, asked.withdrawn, now=now)
            gone += reapply(session, After([post for each in told for post in each.posts], []), now=now)
            for row in asked.kept:
                session.execute(KEEP, {"row": row})
            for person, at in asked.locked:
                session.execute(LOCK, {"id": person, "at": at})
            for key, platform, at in asked.wishes:
                session.execute(WISH, {"key": key, "platform": platform, "at": at})
            session.commit()
    finally:
        engine.dispose()
    return Carried(gone, len(asked.wishes), len(holds), len(asked.locked), asked.lost, asked.unread)


def _asked_of(before: str, settings: Settings, manifest: Manifest, ledger: Path, now: datetime) -> _Asked:
    since = (manifest.made_at - COMMITTED_WITHIN,)
    try:
        with connected(before) as old:
            found = _Asked(
                withdrawn=dict(old.execute(WITHDRAWN, since).fetchall()),
                locked=old.execute(LOCKED, since).fetchall(),
                wishes=old.execute(WISHES, since).fetchall(),
                kept=_held_copies(old, since),
                lost=_lost(old, manifest),
            )
        _bring_ledger_up(there(settings, before), ledger, now)
    except (BackupError, psycopg.Error, SQLAlchemyError, DatabaseError) as error:
        return _Asked(unread=f"it cannot be read ({type(error).__name__})")
    return found


def _bring_ledger_up(before: Settings, folder: Path, now: datetime) -> None:
    """Write what went, and how the holds stand, as the database before knows it now."""
    engine = connect(before, pool=1)
    try:
        with Session(engine) as session:
            write_ledger(session, folder, now=now)
    finally:
        engine.dispose()


def _held_copies(old: psycopg.Connection, since: tuple[datetime]) -> list[str]:
    """Copies that holds keep of what is gone: of posts that came after the backup there are no others."""
    known = old.execute("SELECT to_regclass('public.held_copies') IS NOT NULL").fetchone()
    asked = "SELECT to_jsonb(t)::text FROM held_copies t WHERE taken_at > %s"
    return [row for (row,) in old.execute(asked, since).fetchall()] if known and known[0] else []


def _lost(old: psycopg.Connection, manifest: Manifest) -> dict[str, int]:
    """How many more rows there are than the backup has."""
    found = {}
    for name, called in LOST.items():
        row = old.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        more = (row[0] if row else 0) - manifest.tables[name].rows
        if more > 0:
            found[called] = more
    return found
