"""How rare a term is in everyday text: what two posts share says little when everyone writes it.

The table is learned from many texts and keeps no words, only a count for each hash. Terms that come up while
it is in use are counted too, so that next year's common words stop being rare.
"""

import math
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

SLOTS = 1 << 20
REFRESH = 4_096  # texts between two looks at the counts
STEPS = 8  # steps of the stored scale for each doubling


class RarityError(ValueError):
    """The table cannot be read; the message names the file and the reason."""


class Rarity:
    """Document frequencies by hash of the term. Made by `learn`, kept by `save`, read by `load`."""

    def __init__(self, counts: np.ndarray, texts: int) -> None:
        self.counts, self.texts = counts, texts
        self._weights: dict[str, float] = {}
        self._unread = 0

    @classmethod
    def learn(cls, texts: Iterable[Sequence[str]]) -> "Rarity":
        """Count terms over texts, each given as its terms without repeats."""
        rarity = cls(np.zeros(SLOTS, dtype=np.float32), 0)
        for terms in texts:
            rarity.count(terms)
        return rarity

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

    def count(self, terms: Sequence[str]) -> None:
        """Take note of one more text."""
        self.texts += 1
        slots = [zlib.crc32(term.encode()) % SLOTS for term in terms]
        self.counts[slots] += 1
        self._unread += 1
        if self._unread >= REFRESH:
            self._unread = 0
            self._weights.clear()

    def weight(self, term: str) -> float:
        """How much a term tells: about 0 for a word in every text, about 11 for one never met."""
        return self.weigh((term,))[0]

    def weigh(self, terms: Sequence[str]) -> list[float]:
        """The weights of several terms, in order. Looked up in the table at most once between two looks."""
        known = self._weights
        for term in terms:
            if term not in known:
                met = float(self.counts[zlib.crc32(term.encode()) % SLOTS])
                known[term] = max(0.0, math.log((self.texts + 1) / (met + 1)))
        return [known[term] for term in terms]
