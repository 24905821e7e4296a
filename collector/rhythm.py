"""A source's rhythm: how long usually lies between two of its items. From it follow how often it is asked and
when its silence is worth a word. Items that are not ours count too: they show that the source speaks.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

LATEST = 20  # items a rhythm is read from
ENOUGH = 5
NEW_SHARE = 0.5  # how much the latest reading counts beside what was known
FASTEST, SLOWEST = 1 / 4, 6  # of `every`: how far the interval may move by itself
AS_TOLD = timedelta(minutes=1)  # an interval shorter than this was set on purpose and is kept to
QUIET_FACTOR = 8  # with items coming at random, one such silence in 3,000
QUIET_AT_LEAST = timedelta(hours=12)  # nights and Sundays are no silence
STREAM_QUIET = timedelta(minutes=5)  # a whole network's stream never rests this long


class Heard(NamedTuple):
    """What is known of a source's rhythm: seconds between two items, None when too few were seen, and the newest."""

    rhythm_s: float | None = None
    newest_at: datetime | None = None


def heard(before: Heard, shown: Sequence[datetime], *, now: datetime) -> Heard:
    """The rhythm with the items shown now, new or not. Times in the future count as now."""
    times = sorted({min(each, now) for each in shown})[-LATEST:]
    if not times:
        return before
    newest = max(times[-1], before.newest_at or times[-1])
    found = _mean_gap_s(times if len(times) >= ENOUGH else _since(before.newest_at, times))
    if found is None or newest == before.newest_at:
        return Heard(before.rhythm_s, newest)
    if before.rhythm_s is None:
        return Heard(found if len(times) >= ENOUGH else None, newest)
    return Heard((1 - NEW_SHARE) * before.rhythm_s + NEW_SHARE * found, newest)


def _since(newest: datetime | None, times: list[datetime]) -> list[datetime]:
    return [*([newest] if newest else []), *(each for each in times if newest is None or each > newest)]


def _mean_gap_s(times: Sequence[datetime]) -> float | None:
    return (times[-1] - times[0]).total_seconds() / (len(times) - 1) if len(times) > 1 else None


def pace(
    every: timedelta, floor: timedelta, known: Heard, *, event: timedelta | None, now: datetime
) -> timedelta:
    """How long until the source is asked again: half its rhythm, within a quarter and six times `every`.

    Never shorter than `floor`, the kind's politeness. `event` is the shorter interval of a named event, None
    when there is none; it may go below the floor, to a minute.
    """
    if every < AS_TOLD:
        return every
    interval = every
    if known.rhythm_s is not None and known.newest_at is not None:
        silent_s = (now - known.newest_at).total_seconds()
        half = timedelta(seconds=max(known.rhythm_s, silent_s / QUIET_FACTOR) / 2)
        interval = max(every * FASTEST, min(half, every * SLOWEST))
    interval = max(interval, min(floor, every))
    return interval if event is None else min(interval, max(event, AS_TOLD))


def quiet_after(rhythm_s: float) -> timedelta:
    """How long a source may be silent before it has gone quiet."""
    return max(timedelta(seconds=QUIET_FACTOR * rhythm_s), QUIET_AT_LEAST)


def is_quiet(known: Heard, *, stream: bool, last_success_at: datetime | None, now: datetime) -> bool:
    """Whether a source is silent for far longer than it usually is. Never of one whose rhythm is not known."""
    if stream:
        return last_success_at is not None and now - last_success_at > STREAM_QUIET
    if known.rhythm_s is None or known.newest_at is None:
        return False

    return now - known.newest_at > quiet_after(known.rhythm_s)
