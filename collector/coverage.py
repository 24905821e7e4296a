"""Coverage: which boroughs are seen. A borough is seen by the enabled sources that name it; those for all of London
count for none of them, because a quiet corner would hide behind them.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from collector.boroughs import BOROUGHS, NEIGHBOUR, WHOLE
from collector.health import is_blind
from collector.records import SourceRow
from collector.rhythm import Heard, is_quiet
from collector.sources import inbound


class Sight(StrEnum):
    """How well a borough is seen. Of our neighbour, which has a police of its own, nothing is asked."""

    UNCOVERED = "not covered"
    BLIND = "blind"
    PARTLY = "partly seen"
    SEEN = "seen"
    NEIGHBOUR = "not the Met"


class Cover(NamedTuple):
    """One borough: how well it is seen, by which enabled sources, and which of them are blind now."""

    borough: str
    sight: Sight
    sources: list[str]
    blind: list[str]


def coverage(rows: Sequence[SourceRow], *, now: datetime) -> list[Cover]:
    """Every borough and our neighbour, by name."""
    watching = [
        row for row in rows if row.enabled and row.kind not in inbound() and WHOLE not in row.boroughs
    ]
    return [_cover(borough, watching, now) for borough in sorted((*BOROUGHS, NEIGHBOUR))]


def _cover(borough: str, watching: Sequence[SourceRow], now: datetime) -> Cover:
    own = [row for row in watching if borough in row.boroughs]
    blind = [row for row in own if is_blind(row, now) or row.last_success_at is None]
    seeing = [row for row in own if row not in blind]
    names = sorted(row.name for row in own), sorted(row.name for row in blind)
    if borough == NEIGHBOUR:
        return Cover(borough, Sight.NEIGHBOUR, *names)
    if not own:
        return Cover(borough, Sight.UNCOVERED, *names)
    if not seeing or _silent(seeing, now):
        return Cover(borough, Sight.BLIND, *names)
    return Cover(borough, Sight.PARTLY if blind else Sight.SEEN, *names)


def _silent(rows: Sequence[SourceRow], now: datetime) -> bool:
    """Whether nothing came from any of them for far longer than usually lies between two items of all together."""
    known = [row for row in rows if row.rhythm_s and row.newest_at]
    if len(known) < len(rows):
        return False
    together = Heard(
        1 / sum(1 / row.rhythm_s for row in known if row.rhythm_s),
        max(row.newest_at for row in known if row.newest_at),
    )
    return is_quiet(together, stream=False, last_success_at=None, now=now)
