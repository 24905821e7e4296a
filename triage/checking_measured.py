"""Measured: how much of what is wrong the checker catches, and how many clean drafts it stops, with intervals."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

from triage.checking_context import Finding

ONLY_WARNS = "warn:"  # how the name of a fault begins that is to be warned of
SURE = 1.96  # standard errors of a 95 % interval


class Tried(NamedTuple):
    """A draft that was checked: its `fault`, empty for a clean one, in the words text[start:end]; what was found.

    What waits for the post that answers for a flag, such as a child, is no finding of the checker's: it is left out.
    """

    fault: str
    start: int
    end: int
    found: tuple[Finding, ...]

    @property
    def stopped(self) -> bool:
        return any(each.blocks for each in self.found)

    @property
    def placed(self) -> list[Finding]:
        """What was found in the very words, or is missing where the fault is that something is."""
        nowhere = self.start == self.end
        return [each for each in self.found if (nowhere and not each.end) or _overlap(each, self)]

    @property
    def caught(self) -> bool:
        """Whether it was stopped; of a fault to be warned of, whether it was found where it is."""
        return bool(self.placed) if self.fault.startswith(ONLY_WARNS) else self.stopped

    @property
    def told(self) -> bool:
        """Whether it was stopped, or at least warned of in the very words."""
        return self.stopped or bool(self.placed)


def _overlap(finding: Finding, tried: Tried) -> bool:
    return finding.start < tried.end and tried.start < finding.end


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
    """What a set of drafts shows.

    `caught` are faults that were stopped, or warned of where a warning is asked for; `told` are those and what was
    warned of in the very words; `placed` are those stopped in the very words. Of clean drafts, `stopped` and `warned`
    (of anything). `missed` counts faults by name that were not even told, `let_by` those not stopped; `stopping` and
    `warning` count the rules that found something in clean drafts.
    """

    caught: Share
    placed: Share
    told: Share
    stopped: Share
    warned: Share
    missed: dict[str, Share]
    let_by: dict[str, Share]
    stopping: dict[str, int]
    warning: dict[str, int]


def measure(tried: Iterable[Tried]) -> Measured:
    drafts = list(tried)
    planted = [each for each in drafts if each.fault]
    clean = [each for each in drafts if not each.fault]
    return Measured(
        Share.counted(each.caught for each in planted),
        Share.counted(each.caught and bool(each.placed) for each in planted),
        Share.counted(each.told for each in planted),
        Share.counted(each.stopped for each in clean),
        Share.counted(bool(each.found) for each in clean),
        _by_name(planted, [not each.told for each in planted]),
        _by_name(planted, [not each.caught for each in planted]),
        _rules(clean, blocks=True),
        _rules(clean, blocks=False),
    )


def _by_name(planted: Sequence[Tried], flags: Sequence[bool]) -> dict[str, Share]:
    shares = {
        name: Share.counted(flag for each, flag in zip(planted, flags, strict=True) if each.fault == name)
        for name in sorted({each.fault for each in planted})
    }
    return {name: share for name, share in shares.items() if share.some}


def _rules(clean: Sequence[Tried], *, blocks: bool) -> dict[str, int]:
    return dict(
        Counter(
            rule
            for each in clean
            for rule in sorted({found.rule for found in each.found if found.blocks == blocks})
        ).most_common()
    )
