"""Tell-tale words: runs of one to three words that stand in faults more often than in what lines may say, or less.

Of each run that is in two examples or more the logarithm of how much likelier it is in a fault is kept (naive Bayes),
by a checksum of the run instead of its words. Together with what a sentence means (triage/checking_sense.py) they
tell more than either alone.
"""

import re
from collections import Counter
from collections.abc import Sequence
from math import log, sqrt
from typing import NamedTuple, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

LONGEST = 3  # words of a run
SELDOM = 2  # examples a run must be in
PRIOR = 0.5
SCALE = 16  # of 8-bit weights
EVEN = 3  # runs that tell nothing, added to each text, so that short ones say less
WORD = re.compile(r"\w[\w']*")


class Words(NamedTuple):
    """What runs of words tell: their checksums in order, and how much each speaks for a fault, times SCALE."""

    runs: NDArray[np.uint32]
    tells: NDArray[np.int8]

    @classmethod
    def of(cls, texts: Sequence[str], faults: Sequence[bool]) -> Self:
        """Learn from examples."""
        counts: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}
        for text, fault in zip(texts, faults, strict=True):
            counts[fault].update(_runs(text))
        of = {fault: list(faults).count(fault) + 2 * PRIOR for fault in counts}
        known = sorted(
            run for run in counts[True] | counts[False] if counts[True][run] + counts[False][run] >= SELDOM
        )
        tells = [
            log((counts[True][run] + PRIOR) / of[True]) - log((counts[False][run] + PRIOR) / of[False])
            for run in known
        ]
        kept = np.clip(np.rint(np.array(tells, np.float32) * SCALE), -127, 127).astype(np.int8)
        return cls(np.array(known, np.uint32), kept)

    def tell(self, text: str) -> float:
        """How much the words of a text speak for a fault; 0 where they tell nothing."""
        runs = np.fromiter(_runs(text), np.uint32)
        if not len(self.runs) or not len(runs):
            return 0.0
        at = np.minimum(np.searchsorted(self.runs, runs), len(self.runs) - 1)
        told = self.tells[at][self.runs[at] == runs]
        return float(told.sum(dtype=np.int64)) / SCALE / sqrt(len(told) + EVEN)


def _runs(text: str) -> set[int]:
    words = ["<", *WORD.findall(text.lower().replace("’", "'")), ">"]
    return {
        crc32(" ".join(words[first : first + length]).encode())
        for length in range(1, LONGEST + 1)
        for first in range(len(words) - length + 1)
    }
