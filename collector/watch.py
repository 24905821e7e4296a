"""One visit to one source: lease, fetch, store, release. What a worker and `goldenhour collect` both call."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from collector.batch import Batch, Came, CursorPosition, Item, Missed
from collector.collect import Collected, LetsIn, collect
from collector.errors import FetchError
from collector.http import Answer, Http, witnessed
from collector.patience import within
from collector.plain import clean
from collector.quotas import Meter, count_spent, metered
from collector.schedule import Lease, claim, failed, succeeded
from collector.settings import CollectSettings
from collector.sources import open_source
from collector.sources.base import Place

log = structlog.get_logger()

FEWEST_TO_ROLL_OVER = 5


Brought = Callable[[str, Batch, datetime], None]


class Visit(NamedTuple):
    """How a visit ended: "collected", "failed", or "skipped" because the source is not due or is being fetched."""

    source: str
    outcome: str
    counts: Collected = Collected(0, 0, 0, 0, 0)
    error: str | None = None
    remedy: str | None = None


def collect_source(
    engine: Engine,
    name: str,
    http: Http,
    prefilter: LetsIn,
    *,
    author_key: bytes,
    clock: Callable[[], datetime],
    settings: CollectSettings,
    even_early: bool = False,
    brought: Brought = lambda _source, _batch, _at: None,
) -> Visit:
    """Fetch one source if it is due and free, and store what is new. `brought` hears of what it brought.

    No transaction is open while the network is used. A failure is written down with its remedy and ends
    the visit; nothing is raised but what the database raises.
    """
    with Session(engine, expire_on_commit=False) as session:
        lasts = timedelta(seconds=settings.lease_s)
        lease = claim(session, name, now=clock(), lasts=lasts, even_early=even_early)
        session.commit()
    if lease is None:
        return Visit(name, "skipped")
    meter = metered(engine, clock)
    try:
        batch = _fetch(lease, http, settings, meter, clock())
    except FetchError as error:
        return _left(engine, lease, error, meter, clock(), settings)
    with Session(engine) as session:
        now = clock()
        count_spent(session, meter.spent, now=now)
        shown = [item.published_at for item in batch.items if item.published_at is not None]
        kept = succeeded(session, lease, now=now, more=batch.more, rest_until=batch.rest_until, shown=shown)
        if not kept:
            session.commit()  # what was spent is spent
            log.warning("lease lost, nothing stored", source=name)
            return Visit(name, "skipped")
        counts = collect(session, name, batch, prefilter, author_key=author_key, now=now)
        session.commit()
    brought(name, batch, now)
    log.info("source collected", source=name, **counts._asdict())
    return Visit(name, "collected", counts)


def _fetch(lease: Lease, http: Http, settings: CollectSettings, meter: Meter, now: datetime) -> Batch:
    """What the source has for us. A fault of our own is written down like one of theirs: it must be seen, and
    one source must not stop the others."""
    row = lease.source
    try:
        place = Place(row.name, row.url, row.tag, row.term, settings.keys(), meter, settings.quarantine)
        with within(settings.visit_s), witnessed() as answers:
            batch = open_source(row.kind, place).fetch(http, lease.cursor, now=now)
    except FetchError:
        raise
    except Exception as error:
        log.exception("a source failed by our own fault", source=row.name)
        raise FetchError(
            f"{type(error).__name__} while reading it", remedy="Report this: it is a fault of Golden Hour"
        ) from error
    batch = traced(batch, answers)
    missed = rolled_over(batch, lease.cursor, row.last_success_at)
    return msgspec.structs.replace(batch, gaps=[*batch.gaps, missed]) if missed else batch


def traced(batch: Batch, answers: Sequence[Answer]) -> Batch:
    """The batch with the answers it came in, each item with its own: the one its payload stands in."""
    if not batch.items or not answers:
        return batch
    came = [Came(uuid4(), each.url, _kept(each), hashlib.sha256(each.body).digest()) for each in answers]
    if len(came) == 1:
        items = [msgspec.structs.replace(item, came_in=came[0].id) for item in batch.items]
    else:
        items = [
            msgspec.structs.replace(item, came_in=_found_in(item, answers, came)) for item in batch.items
        ]
    return msgspec.structs.replace(batch, items=items, answers=came)


def _found_in(item: Item, answers: Sequence[Answer], came: Sequence[Came]) -> UUID | None:
    pairs = zip(answers, came, strict=True)
    return next((known.id for answer, known in pairs if item.payload in answer.body), None)


def _kept(answer: Answer) -> dict[str, str]:
    """The headers of an answer, without cookies and bounded."""
    listed = ((name, value) for name, value in answer.headers.items() if name != "set-cookie")
    return {clean(name)[:100]: clean(value)[:1_000] for name, value in list(listed)[:100]}


def rolled_over(batch: Batch, cursor: CursorPosition, last_success_at: datetime | None) -> Missed | None:
    """The gap between the last fetch and the oldest of what is shown now, when everything shown is newer.

    A feed shows its latest entries only: what came and went in between was not seen. `last_success_at` is when
    that fetch was begun, for its answer holds nothing newer. Feeds are dated by the second.
    """
    if last_success_at is None or cursor.body_sha256 is None or len(batch.items) < FEWEST_TO_ROLL_OVER:
        return None
    dated = [item.published_at for item in batch.items if item.published_at is not None]
    since = last_success_at.replace(microsecond=0)
    if len(dated) < len(batch.items) or min(dated) < since:
        return None
    until = min(dated) + timedelta(seconds=1)
    return Missed(since, until, "everything in the feed is newer than the last fetch")


def _left(
    engine: Engine, lease: Lease, error: FetchError, meter: Meter, now: datetime, settings: CollectSettings
) -> Visit:
    longest = timedelta(seconds=settings.longest_backoff_s)
    with Session(engine) as session:
        count_spent(session, meter.spent, now=now)
        wait = failed(session, lease, error, now=now, longest=longest)
        session.commit()
    log.warning(
        "source failed",
        source=lease.source.name,
        error=str(error),
        failures=lease.source.failures + 1,
        again_in_s=round(wait.total_seconds()),
    )
    return Visit(lease.source.name, "failed", error=str(error), remedy=error.remedy)
