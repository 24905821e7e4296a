"""The reservoir: a few of the items that the prefilter refuses each day, drawn at random, for a person to look at.

Every refused item draws a lot between 0 and 1; the lowest lots of a day stay. So each has the same chance, however
many processes collect, and nothing is kept of the others. Kept without author, address, payload or pictures, for
`KEPT` or until a person has looked, whichever comes first.
"""

import hashlib
import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session, col, delete

from collector.batch import Item, Refused
from collector.dates import believable
from collector.jobs import defer
from collector.plain import clean, shortened
from collector.records import post_id
from collector.refused_records import RefusedItem
from collector.store import Row, keep_sightings, new_among, store_posts

LONDON = ZoneInfo("Europe/London")
KEPT = timedelta(days=7)
LET_IN_BY = "found in the sample"

_BAR = text("SELECT lot FROM refused_items WHERE day = :day ORDER BY lot OFFSET :size LIMIT 1")
_BEYOND = text(  # what another process is about to delete is left to it
    "DELETE FROM refused_items WHERE id IN (SELECT id FROM refused_items WHERE day = :day AND lot >= :bar"
    " FOR UPDATE SKIP LOCKED)"
)


class Urn:
    """The lowest lots drawn since it was emptied."""

    def __init__(self, size: int, draw: Callable[[], float] = random.random) -> None:
        self._size, self._draw = size, draw
        self._held: list[tuple[float, int, Callable[[], Item]]] = []
        self._bar = 1.0 if size else 0.0
        self._count = 0

    def offer(self, read: Callable[[], Item]) -> None:
        """Draw a lot for an item."""
        lot = self._draw()
        if lot >= self._bar:
            return
        self._count += 1
        held = (-lot, self._count, read)  # the highest lot first; the count tells equals apart
        if len(self._held) < self._size:
            heapq.heappush(self._held, held)
        else:
            heapq.heapreplace(self._held, held)
        if len(self._held) == self._size:
            self._bar = -self._held[0][0]

    def empty(self) -> list[Refused]:
        """What it held."""
        held, self._held, self._bar = self._held, [], 1.0 if self._size else 0.0
        return [Refused(-lot, read) for lot, _, read in held]


def keep_refused(
    session: Session,
    source: str,
    drawn: Sequence[Refused],
    size: int,
    *,
    allowed: Callable[[list[Item]], list[Item]],
    now: datetime,
) -> int:
    """Keep those that are among the `size` lowest of the day. `allowed` leaves out what may not be kept at all.

    Returns how many were taken. The caller commits.
    """
    if not drawn or not size:
        return 0
    day = now.astimezone(LONDON).date()
    bar = session.execute(_BAR, {"day": day, "size": size - 1}).scalar()
    low = sorted((each for each in drawn if bar is None or each.lot < bar), key=lambda each: each.lot)[:size]
    read = list(_read(low))
    kept = {id(item) for item in allowed([item for _, item in read])}
    rows = [_row(lot, item, source, day, now) for lot, item in read if id(item) in kept]
    session.add_all(rows)
    session.flush()
    beyond = session.execute(_BAR, {"day": day, "size": size}).scalar()
    if beyond is not None:
        session.execute(_BEYOND, {"day": day, "bar": beyond})
    return len(rows)


def let_refused_go(session: Session, *, now: datetime) -> int:
    """Let go what nobody looked at in time. The caller commits."""
    old = delete(RefusedItem).where(col(RefusedItem.refused_at) <= now - KEPT)
    return len(session.execute(old.returning(col(RefusedItem.id))).all())


def take_in(session: Session, found: RefusedItem, *, now: datetime) -> UUID:
    """Make a post of an item that should not have been refused, and leave a job to assess it. The caller commits.

    It has the id it would have had, so that it goes when it is deleted where it came from.
    """
    if new_among(session, [found.post_id], now=now):
        row = _post(found, now)
        store_posts(session, [row])
        keep_sightings(session, [row], {row.id}, found.source, now=now)
        defer(session, "assess", queue="assess", posts=[str(row.id)])
    return found.post_id


def _read(drawn: Sequence[Refused]) -> Iterator[tuple[float, Item]]:
    """The items that can be read; of the others the prefilter has judged words all the same."""
    for each in drawn:
        with suppress(ValueError):
            yield each.lot, each.read()


def _row(lot: float, item: Item, source: str, day: date, now: datetime) -> RefusedItem:
    external_id = clean(item.external_id)
    return RefusedItem(
        id=uuid4(),
        day=day,
        lot=lot,
        post_id=post_id(item.platform, f"{item.scope}\0{external_id}" if item.scope else external_id),
        source=source,
        platform=item.platform,
        title=clean(item.title)[:1_000] if item.title else None,
        text=shortened(clean(item.text)),
        lang=clean(item.lang)[:35] if item.lang else None,
        published_at=believable(item.published_at, now),
        refused_at=now,
    )


def _post(found: RefusedItem, now: datetime) -> Row:
    return Row(
        id=found.post_id,
        collected_at=now,
        source=found.source,
        platform=found.platform,
        external_id=f"sampled:{found.id}",
        url=None,
        title=found.title,
        text=found.text,
        lang=found.lang,
        published_at=found.published_at,
        published_raw=None,
        author_key=None,
        reply_to=None,
        quote_of=None,
        content_warning=None,
        has_video=False,
        payload=None,
        payload_sha256=hashlib.sha256(found.text.encode("utf-8", "surrogatepass")).digest(),
        let_in_by=LET_IN_BY,
    )
