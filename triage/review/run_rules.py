"""Run rules: what in a row of months is unlikely to be chance. The usual two of run charts, and nothing stronger:
a shift is six or more months in a row on one side of the median, a trend five or more that each go the same way.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise

SHIFT, TREND = 6, 5
LEAST = 10  # with fewer months neither rule is applied


def run_notes(values: Sequence[float | None], middle: float | None) -> tuple[str, ...]:
    """What the rules find, in words. Months without a value, or on the median, neither make nor break a run."""
    known = [each for each in values if each is not None]
    if middle is None or len(known) < LEAST:
        return (f"Fewer than {LEAST} months have a value: no run rule is applied.",)
    found = []
    above = longest([each > middle for each in known if each != middle])
    if above >= SHIFT:
        found.append(f"A shift: {above} months in a row on one side of the median.")
    moves = longest([after > before for before, after in pairwise(known) if after != before])
    if moves + 1 >= TREND:
        found.append(f"A trend: {moves + 1} months in a row that each go the same way.")
    return tuple(found) or ("No shift and no trend: what moves here may be chance.",)


def longest(sides: Sequence[bool]) -> int:
    """The length of the longest run of the same."""
    return max((sum(1 for _ in run) for _, run in groupby(sides)), default=0)
