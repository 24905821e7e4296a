"""What stands in a database, told another way than the product tells it; and a database with something in it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlmodel import Session, select

from collector.footage_records import Look
from collector.records import Post, PostKey
from collector.video.files import Files
from config.database import connect
from config.postgres import Cluster
from config.settings import Settings
from tests.browser.seed import seed
from triage.log import Line, note
from triage.records import Alert, Delivery

NUMBERS = count(1)
TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition ORDER BY 1
"""
# what a restore changes so that nothing is said twice, and nobody comes in who was locked out
UNSETTLED = (
    "deliveries",
    "notifications",
    "web_sessions",
    "sign_in_links",
    "heartbeats",
    "log_entries",
    "log_head",
)
CLIP = b"not a clip, but as good as one: " + bytes(range(256)) * 40


def digests(url: str, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Each table's rows, sorted and hashed here."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return hashed(connection, without=without)


def hashed(connection: psycopg.Connection, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """The same, as a transaction sees it that has begun already."""
    found = {}
    connection.execute("SET timezone = 'UTC'")
    for (name,) in connection.execute(TABLES).fetchall():
        if name in without:
            continue
        copied = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(sql.Identifier(name))
        with connection.cursor().copy(copied) as copy:
            rows = sorted(b"".join(bytes(piece) for piece in copy).splitlines())
        found[str(name)] = f"{len(rows)} " + hashlib.sha256(b"\n".join(rows)).hexdigest()
    return found


def fill(settings: Settings) -> bytes:
    """A busy night, a file of evidence, a few days of heads. Gives the digest of the file."""
    now = datetime.now(UTC)
    engine = connect(settings, pool=1)
    with Session(engine) as session:
        seed(session, now=now)
        digest = hashlib.sha256(CLIP).digest()
        session.add(
            Look(media_id=uuid4(), at=now, done_at=now, sha256=digest, size_bytes=len(CLIP), file_at=now)
        )
        alert = session.exec(select(Alert).limit(1)).one()
        waits = Delivery(alert_id=alert.id, channel="slack:C0WAITING", due_at=now - timedelta(minutes=1))
        session.add(waits)
        for post in session.exec(select(Post)).all():
            session.add(PostKey(id=post.id, collected_at=post.collected_at))
        note(session, [Line("noted", None, "three times", {"n": n}) for n in range(3)], who="amira", now=now)
        session.commit()
    engine.dispose()
    place = Files(settings.media).place(digest)
    place.parent.mkdir(parents=True)
    place.write_bytes(CLIP)
    return digest


@contextmanager
def empty_database(cluster: Cluster) -> Iterator[str]:
    """The address of a database with nothing in it."""
    name = f"empty_{next(NUMBERS)}"
    with psycopg.connect(cluster.url_of("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield cluster.url_of(name)
        made = f"SELECT datname FROM pg_database WHERE datname LIKE '{name}%'"
        for (each,) in connection.execute(made).fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(each)))
