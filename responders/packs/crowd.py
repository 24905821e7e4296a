"""Describing a case so that it is one of several: coarser, step by step, until enough cases of a year fit.

A description is a place, a time and tactics. The age band is never part of one outside the full copy, and no other
field that describes the person is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from responders.packs.saying import LONDON, month

YEAR = timedelta(days=365)
ANYWHERE, ANY_TACTICS, NOT_SHOWN = "London", "not shown", "not shown"


class Traits(NamedTuple):
    """What would describe one case."""

    borough: str | None
    bcu: str | None
    at: datetime
    tactics: tuple[str, ...]


class Description(NamedTuple):
    """How a case is described to others: `place`, `when` and `tactics` as they are said. `crowd` cases fit it."""

    place: str
    when: str
    tactics: str
    crowd: int

    @property
    def said(self) -> str:
        """One line that the linter reads back from the finished file."""
        return f"Described as: {self.place}; {self.when}; tactics {self.tactics}; age band {NOT_SHOWN}."


class Crowd:
    """All cases of a year by each way of describing them."""

    def __init__(self, cases: Iterable[Traits], *, least: int) -> None:
        self.least = least
        self._fits = Counter(each for traits in cases for each in set(_ladder(traits)))

    def describe(self, traits: Traits) -> Description | None:
        """The finest description that enough cases fit; None when even the coarsest has too few."""
        for place, when, tactics in _ladder(traits):
            crowd = self._fits[(place, when, tactics)]
            if crowd >= self.least:
                return Description(place, when, tactics, crowd)
        return None

    def fits(self, place: str, when: str, tactics: str) -> int:
        """How many cases of the year a description fits, as it was read from a file."""
        return self._fits[(place, when, tactics)]


def _ladder(traits: Traits) -> Iterator[tuple[str, str, str]]:
    """From fine to coarse; what is not known is said as not shown, like what is held back."""
    tactics = ", ".join(traits.tactics) or ANY_TACTICS
    borough, unit = traits.borough or ANYWHERE, f"BCU {traits.bcu}" if traits.bcu else ANYWHERE
    for place in (borough, unit):
        yield place, month(traits.at), tactics
        yield place, quarter(traits.at), tactics
    yield unit, quarter(traits.at), ANY_TACTICS
    yield unit, f"the year {_local(traits.at).year}", ANY_TACTICS
    yield ANYWHERE, f"the year {_local(traits.at).year}", ANY_TACTICS


def quarter(at: datetime) -> str:
    local = _local(at)
    first, last = ((local.month - 1) // 3 * 3 + each for each in (1, 3))
    return f"{local.replace(month=first, day=1):%B} to {local.replace(month=last, day=1):%B %Y}"


def _local(at: datetime) -> datetime:
    return at.astimezone(LONDON)


def tactics_of(recorded: Sequence[str], spoken: Sequence[str]) -> tuple[str, ...]:
    """What the record says where there is one, else what posts speak of."""
    return tuple(recorded) or tuple(spoken)
