"""What was asked for since a backup was made and must hold after it is restored: who is to be forgotten, who asks not
to be found, who was locked out, what is to be kept. Read from the database before, when that can be read.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from sqlalchemy import text
from sqlmodel import Session

from collector.store import withdraw_posts
from config.backups.dumping import connected
from config.backups.manifest import BackupError, Manifest
from config.database import connect
from config.settings import Settings
from responders.retention.ledger import after, reapply

COMMITTED_WITHIN = timedelta(minutes=10)  # an act may be dated before a snapshot that does not see it yet
WITHDRAWN = """
SELECT id, coalesce(withdrawn_because, 'withdrawn before the database was restored') FROM posts
WHERE withdrawn_at > %s
"""
LOCKED = "SELECT id, disabled_at FROM people WHERE disabled_at > %s"
ROWS = {
    "opt_outs": "SELECT to_jsonb(t)::text FROM opt_outs t WHERE at > %s",
    "holds": "SELECT to_jsonb(t)::text FROM holds t WHERE set_at > %s AND ended_at IS NULL",
    "held_copies": "SELECT to_jsonb(t)::text FROM held_copies t WHERE taken_at > %s",
}
INSERT = "INSERT INTO {0} SELECT * FROM jsonb_populate_record(NULL::{0}, %s::jsonb) ON CONFLICT DO NOTHING"
# what people speak of, by how the rows of it are called
LOST = {
    "posts": "posts",
    "cases": "cases",
    "alerts": "alerts",
    "statements": "lines",
    "log_entries": "entries of the log",
}


class Carried(NamedTuple):
    """Posts withdrawn again, wishes and holds taken over, people locked out again; holds that found nothing to hold;
    and by what how many rows are lost. `unread` says why nothing of it could be read."""

    withdrawn: int = 0
    taken_over: int = 0
    locked_out: int = 0
    holds_lost: int = 0
    lost: dict[str, int] = {}  # noqa: RUF012  never changed
    unread: str = ""


def carry_over(before: str, settings: Settings, manifest: Manifest, *, now: datetime) -> Carried:
    """Ask again for what was asked for since the backup. What cannot be read is said, and stops nothing."""
    try:
        with connected(before) as old:
            since = (manifest.made_at - COMMITTED_WITHIN,)
            withdrawn = dict(old.execute(WITHDRAWN, since).fetchall())
            locked = old.execute(LOCKED, since).fetchall()
            rows = [(name, row) for name, query in ROWS.items() for (row,) in _read(old, name, query, since)]
            lost = _lost(old, manifest)
    except (BackupError, psycopg.Error) as error:
        return Carried(unread=f"the database before cannot be read ({type(error).__name__})")
    engine = connect(settings, pool=1)
    try:
        with Session(engine) as session:
            gone = withdraw_posts(session, withdrawn, now=now)
            for person, at in locked:
                asked = "UPDATE people SET disabled_at = :at WHERE id = :id AND disabled_at IS NULL"
                session.execute(text(asked), {"id": person, "at": at})
            session.commit()
        over, failed = _insert(settings, rows)
    finally:
        engine.dispose()
    return Carried(gone, over, len(locked), failed, lost)


def forget_again(settings: Settings, manifest: Manifest, *, now: datetime) -> int:
    """Take away again what the ledger in the data folder says went since the backup, and set the holds as they stood:
    also where the database before cannot be read. Returns how many posts."""
    engine = connect(settings, pool=1)
    try:
        with Session(engine) as session:
            gone = reapply(session, after(settings.retention, manifest.made_at), now=now)
            session.commit()
    finally:
        engine.dispose()
    return gone


def _read(old: psycopg.Connection, name: str, query: str, since: tuple[datetime]) -> list[Any]:
    known = old.execute("SELECT to_regclass(%s) IS NOT NULL", (f"public.{name}",)).fetchone()
    return old.execute(query, since).fetchall() if known and known[0] else []


def _lost(old: psycopg.Connection, manifest: Manifest) -> dict[str, int]:
    """How many more rows there are than the backup has."""
    found = {}
    for name, called in LOST.items():
        row = old.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        more = (row[0] if row else 0) - manifest.tables[name].rows
        if more > 0:
            found[called] = more
    return found


def _insert(settings: Settings, rows: list[tuple[str, str]]) -> tuple[int, int]:
    """Each row alone: what it refers to may be lost."""
    over = failed = 0
    with connected(settings.database_url.get_secret_value() if settings.database_url else "") as new:
        for name, row in rows:
            try:
                with new.transaction():
                    new.execute(sql.SQL(INSERT).format(sql.Identifier(name)), (row,))
                over += 1
            except psycopg.IntegrityError:
                failed += 1
    return over, failed
