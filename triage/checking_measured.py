"""Measured: how much of what is wrong the checker catches, and how many clean drafts it stops, with intervals."""

from collections import Counter
from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

from triage.checking_context import Finding

ONLY_WARNS = "warn:"  # how the name of a fault begins that is to be warned of
SURE = 1.96  # standard errors of a 95 % interval


class Tried(NamedTuple):
    """A draft that was checked: its `fault`, empty for a clean one, in the words text[start:end]; what was found."""

    fault: str
    start: int
    end: int
    found: tuple[Finding, ...]

    @property
    def counted(self) -> list[Finding]:
        return [each for each in self.found if each.blocks or self.fault.startswith(ONLY_WARNS)]

    @property
    def caught(self) -> bool:
        return bool(self.counted)

    @property
    def placed(self) -> bool:
        """Whether it was found in the very words, or where something is missing."""
        nowhere = self.start == self.end
        return any(
            nowhere or not each.end or (each.start < self.end and self.start < each.end)
            for each in self.counted
        )


class Share(NamedTuple):
    """So many of so many, with the ends of the 95 % interval (Wilson 1927), in 0..1."""

    some: int
    of: int
    low: float
    high: float

    @classmethod
    def counted(cls, flags: Iterable[bool]) -> "Share":
        said = list(flags)
        some, of = sum(said), len(said)
        if not of:
            return cls(0, 0, 0.0, 1.0)
        share, room = some / of, SURE**2 / of
        middle, half = share + room / 2, SURE * sqrt(share * (1 - share) / of + room / of / 4)
        return cls(some, of, max(0.0, (middle - half) / (1 + room)), min(1.0, (middle + half) / (1 + room)))


class Measured(NamedTuple):
    """What a set of drafts shows. `missed` counts faults by name, `stopping` the rules that stopped clean drafts."""

    caught: Share
    placed: Share
    stopped: Share
    missed: dict[str, Share]
    stopping: dict[str, int]


def measure(tried: Iterable[Tried]) -> Measured:
    drafts = list(tried)
    planted = [each for each in drafts if each.fault]
    clean = [each for each in drafts if not each.fault]
    rules = Counter(rule for each in clean for rule in {found.rule for found in each.counted})
    by_fault = {
        name: Share.counted(not each.caught for each in planted if each.fault == name)
        for name in sorted({each.fault for each in planted})
    }
    return Measured(
        Share.counted(each.caught for each in planted),
        Share.counted(each.placed for each in planted),
        Share.counted(each.caught for each in clean),
        {name: share for name, share in by_fault.items() if share.some},
        dict(rules.most_common()),
    )
