"""What a restored database is told before anybody works with it: that time has passed since."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from config.backups.manifest import Manifest
from config.database import connect
from config.settings import Settings
from triage.chain import Head
from triage.heads import read_heads
from triage.log import MACHINE, Line, note

SPOKEN_AHEAD = 1000  # numbers people may have spoken of since, such as GH-812, are not given a second time
AT_WORK = "state IN ('waiting', 'sending', 'unknown') AND due_at <= :now"
IN_DOUBT = (
    "state = 'unknown', due_at = :now, tried_at = coalesce(tried_at, :made), attempts = greatest(attempts, 1),"
    " lease_owner = NULL, lease_until = NULL,"
    " error = 'restored from a backup: looked for before it is sent again'"
)
# what was about to be said may have been said since: the senders look before they send
DELIVERIES = text(f"UPDATE deliveries SET {IN_DOUBT} WHERE {AT_WORK} RETURNING id")  # noqa: S608  all parts are ours
NOTIFICATIONS = text(f"UPDATE notifications SET {IN_DOUBT} WHERE {AT_WORK} RETURNING id")  # noqa: S608
# who was signed in then may have been locked out since; links may have been used
FORGOTTEN = (
    "DELETE FROM web_sessions",
    "DELETE FROM sign_in_links",
    "DELETE FROM heartbeats",
    "DELETE FROM procrastinate_workers",
)
ITSELF = text(
    "UPDATE backups SET state = 'good', ended_at = :at, entries = :entries, restored_at = :now WHERE name = :name"
)
NUMBERED = text("""
SELECT quote_ident(seq.relname) FROM pg_class seq
JOIN pg_depend d ON d.objid = seq.oid AND d.deptype IN ('a', 'i')
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE seq.relkind = 'S' AND seq.relnamespace = 'public'::regnamespace AND a.attname = 'number'
""")


class Settled(NamedTuple):
    """What was settled: messages that are looked for before they are sent, entries of the log that are known to be
    lost, and the last head that was published before."""

    in_doubt: int
    entries_lost: int
    last_head: Head | None


def settle(settings: Settings, manifest: Manifest, *, aside: bool, now: datetime) -> Settled:
    """Bring a restored database into the present, in one transaction, and say so in its log."""
    head = Head.read(manifest.head)
    published = [each.head for each in read_heads(settings.heads_file)]
    last = max(published, key=lambda each: each.entries, default=None)
    lost = max(0, last.entries - head.entries) if last else 0
    engine = connect(settings, pool=1)
    try:
        with Session(engine) as session:
            moments = {"now": now, "made": manifest.made_at}
            in_doubt = sum(len(session.execute(each, moments).all()) for each in (DELIVERIES, NOTIFICATIONS))
            for statement in FORGOTTEN:
                session.execute(text(statement))
            for name in session.scalars(NUMBERED).all():
                ahead = f"SELECT setval('{name}', (SELECT last_value + {SPOKEN_AHEAD} FROM {name}))"  # noqa: S608
                session.execute(text(ahead))
            own = {"name": manifest.name, "at": manifest.made_at, "entries": head.entries, "now": now}
            session.execute(ITSELF, own)
            detail = {
                "backup": manifest.name,
                "made_at": manifest.made_at.isoformat(),
                "entries": head.entries,
                "entries_lost": lost,
                "head_lost": str(last) if last and lost else None,
                "one_before_kept": aside,
            }
            note(session, [Line("database restored from a backup", None, None, detail)], who=MACHINE, now=now)
            session.commit()
    finally:
        engine.dispose()
    return Settled(in_doubt, lost, last)


def put_heads_aside(settings: Settings, manifest: Manifest, *, now: datetime) -> None:
    """Heads of entries that are lost cannot be verified any more: they are kept, in a file of their own."""
    path, head = settings.heads_file, Head.read(manifest.head)
    known = [each.head.entries <= head.entries for each in read_heads(path)]
    if all(known):
        return
    lines = list(zip(path.read_text(encoding="utf-8").splitlines(keepends=True), known, strict=True))
    lost = "".join(line for line, stays in lines if not stays)
    path.with_name(f"heads-lost-{now:%Y%m%dT%H%M%SZ}.jsonl").write_text(lost, encoding="utf-8")
    rest = path.with_suffix(".part")
    rest.write_text("".join(line for line, stays in lines if stays), encoding="utf-8")
    rest.replace(path)
