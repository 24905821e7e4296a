"""The daily compliance sweep: stored posts whose platform tells nobody of deletions are looked at again, a few of
one source at a time. What is gone there goes here; what was edited is taken up; what may not be kept goes by itself.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

import structlog
from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.collect import LetsIn, edited_among
from collector.errors import FetchError
from collector.http import Http
from collector.quotas import Meter, count_spent, metered
from collector.records import POST_NAMESPACE, SourceRow
from collector.schedule import Lease, claim, let_rest, release
from collector.settings import CollectSettings
from collector.sources import kind_of, kinds, open_source
from collector.sources.base import Again, Follows, Place, Stored
from collector.store import GOING, withdraw_posts

log = structlog.get_logger()

EVERY = timedelta(hours=20)  # so that with its waits it is never more than a day
LATE = timedelta(hours=25)
LOOK_BACK = timedelta(days=90)
AT_ONCE = 40  # posts of one source in one go; with a go every ten minutes some 5,000 a day
PATIENCE_S = 35.0  # and one request more: still within the lease
AFTER_ERROR = timedelta(hours=1)
BETWEEN_S = 0.25  # between two requests to one host

_CASED = "id IN (SELECT post_id FROM custody_entries WHERE act = 'collected')"
_DUE = (  # what is in a case for as long as it is there, the rest for 90 days
    " FROM posts WHERE source = :source AND withdrawn_at IS NULL AND coalesce(checked_at, collected_at) < :before"
    f" AND (collected_at > :since AND NOT :spared OR {_CASED})"
)


class Swept(NamedTuple):
    """What looking again came to: posts checked, of them gone and edited; and what stopped it, if anything."""

    checked: int = 0
    gone: int = 0
    edited: int = 0
    error: str | None = None


_DUE_AT_ALL = _DUE.replace(":source", "sources.name").replace(":spared", "sources.kind = ANY(:sparing)")


def due_to_sweep(session: Session, *, now: datetime) -> list[str]:
    """Sources with posts that were not looked at for a day, of kinds that tell of no deletions."""
    found = session.execute(
        text(
            "SELECT name FROM sources WHERE kind = ANY(CAST(:kinds AS text[])) AND enabled"  # noqa: S608  # all parts are ours
            " AND (stops_at IS NULL OR stops_at > :now) AND (rest_until IS NULL OR rest_until <= :now)"
            " AND (paused_until IS NULL OR paused_until <= :now)"
            " AND (look_again_at IS NULL OR look_again_at <= :now)"
            f" AND EXISTS (SELECT{_DUE_AT_ALL}) ORDER BY name"
        ),
        {
            "kinds": _read_again(),
            "sparing": _spared(),
            "now": now,
            "since": now - LOOK_BACK,
            "before": now - EVERY,
        },
    )
    return [each.name for each in found]


def note_behind(session: Session, *, now: datetime) -> dict[str, int]:
    """Of each source that does not keep up, how many stored posts nobody looked at for more than a day; each is a
    Failure until it is mended. The caller commits."""
    found = session.execute(
        text(
            f"SELECT name, (SELECT count(*){_DUE_AT_ALL}) AS late FROM sources"  # noqa: S608  # all parts are ours
            " WHERE kind = ANY(CAST(:kinds AS text[])) AND enabled AND (stops_at IS NULL OR stops_at > :now)"
        ),
        {
            "kinds": _read_again(),
            "sparing": _spared(),
            "now": now,
            "since": now - LOOK_BACK,
            "before": now - LATE,
        },
    )
    late = {each.name: each.late for each in found if each.late}
    session.execute(
        text(
            "UPDATE failures SET mended_at = :now WHERE stage = 'sweep' AND mended_at IS NULL"
            " AND subject <> ALL(CAST(:late AS text[]))"
        ),
        {"now": now, "late": list(late)},
    )
    for name, posts in late.items():
        session.execute(
            _BEHIND, {"id": uuid5(POST_NAMESPACE, f"sweep\0{name}"), "now": now, "name": name, "late": posts}
        )
    return late


_BEHIND = text(
    "INSERT INTO failures (id, at, stage, subject, error, remedy) VALUES (:id, :now, 'sweep', :name,"
    " CAST(:late AS text) || ' stored posts were not looked at again for more than a day',"
    " 'See why its source fails, or set its key; posts in no case go after 30 days')"
    " ON CONFLICT (id) DO UPDATE SET at = excluded.at, error = excluded.error, mended_at = NULL"
)


def _spared() -> list[str]:
    return [kind for kind in kinds() if kind_of(kind).spared]


def _read_again() -> list[str]:
    return [kind for kind in kinds() if kind_of(kind).deletions is Follows.READ_AGAIN]


def sweep(
    engine: Engine,
    name: str,
    http: Http,
    prefilter: LetsIn,
    *,
    author_key: bytes,
    clock: Callable[[], datetime],
    settings: CollectSettings,
    between_s: float = BETWEEN_S,
) -> Swept:
    """Look again at up to 40 posts of one source that are due, under its lease. A failure ends it and is returned."""
    with Session(engine, expire_on_commit=False) as session:
        lasts = timedelta(seconds=settings.lease_s)
        lease = claim(session, name, now=clock(), lasts=lasts, even_early=True)
        stored = _stored(session, lease.source, clock()) if lease else []
        session.commit()
    if lease is None:
        return Swept()
    row, meter = lease.source, metered(engine, clock)
    place = Place(row.name, row.url, row.tag, row.term, settings.keys(), meter, settings.quarantine)
    source = open_source(row.kind, place)
    total, until_s, error = Swept(), time.monotonic() + PATIENCE_S, None
    for start in range(0, len(stored), source.together):
        part = stored[start : start + source.together]
        try:
            again = source.look_again(http, part, now=clock())
        except FetchError as found:
            error = found
            break
        if not again.looked:
            error = FetchError("it cannot say how its posts stand", remedy="Set its key")
            break
        checked = _take_up(engine, name, part, again, prefilter, author_key, clock())
        total = Swept(total.checked + checked[0], total.gone + checked[1], total.edited + checked[2])
        if time.monotonic() > until_s:
            break
        time.sleep(between_s)
    _end(engine, lease, meter, error, clock())
    return total._replace(error=str(error) if error else None)


def _stored(session: Session, row: SourceRow, now: datetime) -> list[Stored]:
    found = session.execute(
        text(
            f"SELECT id, external_id, url, payload{_DUE}"  # all parts are ours
            " ORDER BY coalesce(checked_at, collected_at) LIMIT :most"
        ),
        {
            "source": row.name,
            "spared": row.kind in _spared(),
            "since": now - LOOK_BACK,
            "before": now - EVERY,
            "most": AT_ONCE,
        },
    )
    return [Stored(each.id, each.external_id, each.url, each.payload) for each in found]


def _take_up(
    engine: Engine,
    name: str,
    part: Sequence[Stored],
    again: Again,
    prefilter: LetsIn,
    author_key: bytes,
    now: datetime,
) -> tuple[int, int, int]:
    """Store what one look brought: posts checked, gone, edited."""
    ids = {each.external_id: each.id for each in part}
    because: dict[UUID, str] = {ids[each]: said for each, said in again.gone.items() if each in ids}
    with Session(engine) as session:
        gone = withdraw_posts(session, because, now=now)
        edited = edited_among(session, again.items, name, prefilter, author_key=author_key, now=now)
        session.execute(
            text(
                "UPDATE posts SET checked_at = :now FROM post_keys AS k WHERE k.id = ANY(:ids)"
                " AND posts.id = k.id AND posts.collected_at = k.collected_at"
            ),
            {"now": now, "ids": list(ids.values())},
        )
        session.commit()
    return len(ids), gone, edited


def _end(engine: Engine, lease: Lease, meter: Meter, error: FetchError | None, now: datetime) -> None:
    with Session(engine) as session:
        count_spent(session, meter.spent, now=now)
        release(session, lease)
        session.execute(
            text("UPDATE sources SET look_again_at = :then WHERE name = :name"),
            {"name": lease.source.name, "then": now + AFTER_ERROR if error else None},
        )
        if error is not None:
            log.warning("sweep broke off", source=lease.source.name, error=str(error))
            let_rest(session, lease.source, error, now=now)
        session.commit()


def purge(session: Session, *, now: datetime, most: int = GOING) -> list[UUID]:
    """Withdraw what its platform does not let us keep longer unrefreshed. Returns the next of them, at most `most` of
    a kind; none when all is done. The caller commits.

    Of what was refreshed the present words stay; counts, earlier wordings and the payload as it first came go.
    """
    gone: list[UUID] = []
    for kind in kinds():
        retention = kind_of(kind).retention
        if retention is not None:
            values = {"kind": kind, "before": now - retention, "most": most}
            because = f"{kind} lets nobody keep it longer than {retention.days} days"
            old = list(session.scalars(_UNREFRESHED, values))
            withdraw_posts(session, dict.fromkeys(old, because), now=now)
            gone += old
            for statement in _OUTDATED:
                session.execute(statement, values)
    return gone


_UNREFRESHED = text(
    "SELECT id FROM posts WHERE platform = :kind AND withdrawn_at IS NULL"
    " AND coalesce(checked_at, collected_at) <= :before LIMIT :most"
)
_OUTDATED = (
    text(
        "UPDATE posts SET payload = NULL WHERE platform = :kind AND payload IS NOT NULL"
        " AND coalesce(changed_at, collected_at) <= :before"
        " AND NOT EXISTS (SELECT FROM held_posts AS h WHERE h.post_id = posts.id)"
    ),
    text(
        "UPDATE post_versions AS v SET text = '', title = NULL, payload = NULL FROM posts AS p"
        " WHERE p.id = v.post_id AND p.platform = :kind AND v.taken_at <= :before"
        " AND NOT EXISTS (SELECT FROM held_posts AS h WHERE h.post_id = v.post_id)"
    ),
    text(
        "UPDATE sightings SET reach = '{}' WHERE seen_at <= :before AND reach <> '{}'"
        " AND source IN (SELECT name FROM sources WHERE kind = :kind)"
    ),
)
