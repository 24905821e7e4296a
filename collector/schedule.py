"""When each source is fetched next: leases, intervals, back-off. All of it stands in the `sources` table.

A source is fetched by one worker at a time and a host by one at a time, on any number of machines: a lease
is taken in a short transaction under a lock on the host, and what was fetched is only stored while the
lease is still ours. A source is never given up: after failures it is asked ever more rarely, up to a cap.
Only a source whose term or agreement has run out, or that its server calls gone, is not asked at all, and says so.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4
from zlib import crc32

from sqlalchemy import text
from sqlmodel import Session, select

from collector.agreements import GONE
from collector.batch import CursorPosition
from collector.errors import FetchError, Refused
from collector.events import interval_of
from collector.records import SourceRow
from collector.rhythm import Heard, heard, pace
from collector.sources import kind_of, polled

JITTER = 0.1  # of the interval, added so that sources of one interval do not all come at once
SHORTEST_BACKOFF = timedelta(minutes=1)

_HOST = "lower(split_part(split_part(url, '://', 2), '/', 1))"

_HOST_LOCKED = text(  # its own statement: what is decided under the lock must see what was decided before
    f"SELECT {_HOST}, pg_advisory_xact_lock(hashtextextended({_HOST}, 0)) FROM sources WHERE name = :name"  # noqa: S608
)
_TAKEN = select(SourceRow).from_statement(
    text(
        "UPDATE sources SET lease_until = :until, lease_owner = :owner, last_tried_at = :now"  # noqa: S608
        " WHERE name = (SELECT name FROM sources WHERE name = :name AND enabled"
        " AND (due_at <= :now OR :early) AND (rest_until IS NULL OR rest_until <= :now)"
        " AND (stops_at IS NULL OR stops_at > :now) AND (paused_until IS NULL OR paused_until <= :now)"
        " FOR UPDATE SKIP LOCKED)"
        " AND NOT EXISTS (SELECT FROM sources AS busy WHERE busy.lease_until > :now"
        f" AND {_HOST.replace('url', 'busy.url')} = :host) RETURNING *"
    )
)
_CURSOR = text("SELECT position, etag, last_modified, body_sha256 FROM cursors WHERE source = :name")


class Lease(NamedTuple):
    """The right to fetch one source, until a moment. Holds what the fetch starts from."""

    owner: str
    source: SourceRow
    cursor: CursorPosition


def due(session: Session, *, now: datetime, limit: int, doubtful: int | None = None) -> list[str]:
    """Names of sources to fetch now, longest due first, one for each host. Claims nothing.

    Those that failed the last time come last, and at most `doubtful` of them, with those being fetched: however
    many keep us waiting, they never take all the places.
    """
    found = session.execute(
        text(
            "SELECT name FROM (SELECT *, row_number() OVER (PARTITION BY failing ORDER BY due_at, name) AS place"  # noqa: S608
            " FROM (SELECT DISTINCT ON (host) name, due_at, failures > 0 AS failing FROM"
            f" (SELECT *, {_HOST} AS host FROM sources) AS places WHERE enabled"
            " AND kind = ANY(CAST(:kinds AS text[])) AND due_at <= :now"
            " AND (rest_until IS NULL OR rest_until <= :now) AND (stops_at IS NULL OR stops_at > :now)"
            " AND (paused_until IS NULL OR paused_until <= :now)"
            " AND NOT EXISTS (SELECT FROM sources AS busy"
            f" WHERE {_HOST.replace('url', 'busy.url')} = host AND busy.lease_until > :now)"
            " ORDER BY host, failures > 0, due_at, name) AS first) AS ranked WHERE NOT failing OR place <= :doubtful"
            " - (SELECT count(*) FROM sources WHERE failures > 0 AND lease_until > :now)"
            " ORDER BY failing, due_at, name LIMIT :limit"
        ),
        {
            "now": now,
            "limit": limit,
            "doubtful": limit if doubtful is None else doubtful,
            "kinds": list(polled()),
        },
    )
    return [each.name for each in found]


def claim(
    session: Session, name: str, *, now: datetime, lasts: timedelta, even_early: bool = False
) -> Lease | None:
    """The lease on a source, None when it is not due, disabled, or being fetched, it or its host.

    `even_early` fetches before it is due, as a person may ask for; what a server asked for is kept to.
    """
    host = session.scalar(_HOST_LOCKED, {"name": name})
    if host is None:
        return None
    owner = uuid4().hex
    taken = session.scalars(
        _TAKEN,
        {"name": name, "now": now, "until": now + lasts, "owner": owner, "early": even_early, "host": host},
        execution_options={"populate_existing": True},
    ).first()
    return Lease(owner, taken, _cursor(session, name)) if taken else None


def _cursor(session: Session, name: str) -> CursorPosition:
    stored = session.execute(_CURSOR, {"name": name}).first()
    return CursorPosition(*stored) if stored else CursorPosition()


def succeeded(
    session: Session,
    lease: Lease,
    *,
    now: datetime,
    more: bool = False,
    rest_until: datetime | None = None,
    shown: Sequence[datetime] = (),
) -> bool:
    """Give the lease back after a fetch. False when it was lost meanwhile: then nothing may be stored.

    `more` is due again at once; `rest_until` keeps everything on that host away until then. `shown` are the
    publication times of what it showed, ours or not: its rhythm, by which it is asked again.
    """
    row = lease.source
    known = heard(Heard(row.rhythm_s, row.newest_at), shown, now=now)
    event = interval_of(session, row.name, now=now)
    floor = kind_of(row.kind).floor
    paced = pace(timedelta(seconds=row.every_s), floor, known, event=event, now=now)
    due_at = now if more else now + paced + _jitter(row.name, paced, now)
    kept = session.execute(
        text(
            "UPDATE sources SET lease_until = NULL, lease_owner = NULL, last_success_at = last_tried_at,"
            " failures = 0, error = NULL, remedy = NULL, due_at = :due_at, rest_until = NULL,"
            " paced_s = :paced_s, rhythm_s = :rhythm_s, newest_at = :newest_at"
            " WHERE name = :name AND lease_owner = :owner RETURNING name"
        ),
        {
            "name": row.name,
            "owner": lease.owner,
            "now": now,
            "due_at": due_at,
            "paced_s": int(paced.total_seconds()),
            "rhythm_s": known.rhythm_s,
            "newest_at": known.newest_at,
        },
    ).first()
    if kept is not None and rest_until is not None:
        _let_rest(session, lease.source, rest_until, whole_host=True)
    return kept is not None


def failed(
    session: Session, lease: Lease, error: FetchError, *, now: datetime, longest: timedelta
) -> timedelta:
    """Give the lease back after a failure, with its cause and remedy. Returns how long the source is left alone.

    The wait doubles with each failure in a row up to `longest`, and is never shorter than the server asked.
    """
    failures = lease.source.failures + 1
    wait = backoff(timedelta(seconds=lease.source.every_s), failures, longest)
    gone = isinstance(error, Refused) and error.status == 410
    wait = max(wait, error.retry_after or wait)
    wait += _jitter(lease.source.name, wait, now)
    session.execute(
        text(
            "UPDATE sources SET lease_until = NULL, lease_owner = NULL, failures = failures + 1,"
            " error = :error, remedy = :remedy, due_at = :due_at,"
            " stops_at = CASE WHEN :gone THEN :now ELSE stops_at END,"
            " stops_because = CASE WHEN :gone THEN :gone_because ELSE stops_because END"
            " WHERE name = :name AND lease_owner = :owner"
        ),
        {
            "name": lease.source.name,
            "owner": lease.owner,
            "error": str(error)[:1_000].replace("\0", ""),
            "remedy": error.remedy,
            "due_at": now + wait,
            "now": now,
            "gone": gone,
            "gone_because": GONE,
        },
    )
    let_rest(session, lease.source, error, now=now)
    return wait


def backoff(every: timedelta, failures: int, longest: timedelta) -> timedelta:
    """How long to wait after so many failures in a row: the interval, doubled with each, up to `longest`."""
    doubled: timedelta = max(every, SHORTEST_BACKOFF) * 2 ** min(failures - 1, 20)
    return max(min(doubled, longest), every)


def release(session: Session, lease: Lease) -> None:
    """Give the lease back as if nothing had been: what was fetched was not what the source is asked for."""
    session.execute(
        text(
            "UPDATE sources SET lease_until = NULL, lease_owner = NULL WHERE name = :name AND lease_owner = :owner"
        ),
        {"name": lease.source.name, "owner": lease.owner},
    )


def let_rest(session: Session, source: SourceRow, error: FetchError, *, now: datetime) -> None:
    """Keep away for as long as a refusal asks for; not at all when it asks for nothing."""
    if error.retry_after is not None:
        whole_host = isinstance(error, Refused) and error.whole_host
        _let_rest(session, source, now + error.retry_after, whole_host=whole_host)


def _let_rest(session: Session, source: SourceRow, until: datetime, *, whole_host: bool) -> None:
    """Keep away until a moment: from the source after a fault of its own (5xx), from its host after a 429."""
    where = f"{_HOST} = :host" if whole_host else "name = :name"
    session.execute(
        text(
            "UPDATE sources SET rest_until = greatest(rest_until, :until),"  # noqa: S608
            f" due_at = greatest(due_at, :until) WHERE {where}"
        ),
        {"until": until, "host": urlsplit(source.url).netloc.lower(), "name": source.name},
    )


def _jitter(name: str, interval: timedelta, now: datetime) -> timedelta:
    """Up to a tenth of an interval, another one each time, the same on every run."""
    share = crc32(f"{name} {now.isoformat()}".encode()) / 2**32
    return timedelta(seconds=interval.total_seconds() * JITTER * share)
