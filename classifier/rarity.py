"""How rare a term is in everyday text: what two posts share says little when everyone writes it.

The table is learned from many texts and keeps no words, only a count for each hash. Terms that come up while
it is in use are counted too, so that next year's common words, and form letters, stop being rare.
"""

import math
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SLOTS = 1 << 20
REFRESH = 1_024  # texts between two looks at the counts
LATELY = 20_000  # cases; then what was counted weighs half
A_FEW, CALM = 2, 200  # cases that may share a term, and that there must be, before it stops being rare
STEPS = 8  # steps of the stored scale for each doubling


class RarityError(ValueError):
    """The table cannot be read; the message names the file and the reason."""


class Rarity:
    """Document frequencies by hash of the term. Made by `learn`, kept by `save`, read by `load`.

    Beside what was learned, `count` keeps how many cases of late use a term: what many cases share tells none
    of them apart, however rare it once was.
    """

    def __init__(self, counts: NDArray[np.float32], texts: int) -> None:
        self.counts, self.texts = counts, texts
        self._of_late: NDArray[np.float32] = np.zeros(SLOTS, dtype=np.float32)
        self._cases = 0
        self._weights: dict[str, float] = {}
        self._unread = 0

    @classmethod
    def learn(cls, texts: Iterable[Sequence[str]]) -> "Rarity":
        """Count terms over texts, each given as its terms without repeats."""
        counts, number = np.zeros(SLOTS, dtype=np.float32), 0
        for number, terms in enumerate(texts, 1):  # noqa: B007 (the last number is how many)
            counts[_slots(terms)] += 1
        return cls(counts, number)

    @classmethod
    def load(cls, path: Path) -> "Rarity":
        """Read a table. Raises RarityError."""
        try:
            raw = path.read_bytes()
            steps = np.frombuffer(zlib.decompress(raw[8:]), dtype=np.uint8)
        except (OSError, zlib.error) as error:
            raise RarityError(f"{path}: {error}; make it with `goldenhour match --learn {path}`") from error
        if len(steps) != SLOTS:
            raise RarityError(f"{path}: holds {len(steps)} counts, {SLOTS} expected; make it again")
        return cls(np.exp2(steps / STEPS).astype(np.float32) - 1, int.from_bytes(raw[:8], "big"))

    def save(self, path: Path) -> None:
        """Write the table. Terms met only once are left out: they are as rare as those never met."""
        kept = np.where(self.counts >= 2, self.counts, 0)
        steps = np.round(np.log2(1 + kept) * STEPS).clip(0, 255).astype(np.uint8)
        path.write_bytes(self.texts.to_bytes(8, "big") + zlib.compress(steps.tobytes(), 9))

    def count(self, terms: Sequence[str], *, new: bool) -> None:
        """Take note that a case, perhaps a `new` one, uses these terms for the first time."""
        self._of_late[_slots(terms)] += 1
        self._cases += new
        self._unread += 1
        if self._unread >= REFRESH:
            self._unread = 0
            self._weights.clear()
        if self._cases >= LATELY:
            self._cases //= 2
            self._of_late /= 2

    def weigh(self, terms: Sequence[str]) -> list[float]:
        """How much each term tells, in order: about 0 for one in every text, about 11 for one never met."""
        known = self._weights
        for term in terms:
            if term not in known:
                known[term] = self._weight(zlib.crc32(term.encode()) % SLOTS)
        return [known[term] for term in terms]

    def _weight(self, slot: int) -> float:
        share = (float(self.counts[slot]) + 1) / (self.texts + 1)
        of_late = (float(self._of_late[slot]) - A_FEW) / (self._cases + CALM)
        return max(0.0, -math.log(max(share, of_late)))


def _slots(terms: Sequence[str]) -> list[int]:
    return [zlib.crc32(term.encode()) % SLOTS for term in terms]
