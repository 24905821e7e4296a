"""The labelled examples that a text is most like: what kinds they are, and what they report; never their words.

Kept of each example is how likely each label was held to be, from which nothing can be read back, and its kind.
Two texts are alike when the model holds the same of both.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import KINDS
from classifier.reading import Signal

Floats = NDArray[np.float32]

FILES = ("examples.npz", "examples.json")
NEAREST = 25
SUREST = 4.0  # no logit counts beyond: 98%
KINDS_NAMED = 2
WORDS = {
    "stop_search": "a stop or search",
    "use_of_force": "use of force",
    "death_or_firearms": "a death or police firearms",
    "pursuit_collision": "a pursuit or collision",
    "arrest_detention": "an arrest",
    "other_encounter": "another encounter",
    "officer_harmed": "an officer harmed",
    "officer_conduct": "conduct outside an encounter",
    "none": "no encounter",
}


class Kind(NamedTuple):
    """What an example is: where it comes from, in words such as `London posts`, its type, and what else is known."""

    where: str
    type: str
    also: str = ""

    def __str__(self) -> str:
        return f"{self.where} of {WORDS[self.type]}" + (f", {self.also}" if self.also else "")


class Examples:
    """`vectors` has a row per example, a column per label of `labels`; `kinds` says what each is."""

    def __init__(self, labels: Sequence[str], vectors: Floats, kinds: Sequence[Kind]) -> None:
        self.labels, self.kinds = tuple(labels), tuple(kinds)
        self._vectors = vectors
        self._lengths = (vectors**2).sum(axis=1)

    @classmethod
    def of(cls, table: Mapping[str, NDArray[np.float64]], kinds: Sequence[Kind]) -> "Examples":
        """From calibrated probabilities by label, an array over the examples each."""
        labels = sorted(table)
        vectors = np.column_stack([_logits(table[label]) for label in labels])
        return cls(labels, vectors.astype(np.float32), kinds)

    def nearest(self, said: Mapping[str, float]) -> list[Kind]:
        """The kinds of the labelled examples of which most alike is held, the nearest first."""
        here = _logits(np.array([said[label] for label in self.labels])).astype(np.float32)
        away = self._lengths - 2 * (self._vectors @ here)  # less a constant
        return [self.kinds[i] for i in np.argsort(away, kind="stable")[:NEAREST]]

    def signal(self, said: Mapping[str, float]) -> Signal:
        """What the nearest report, as a reason about the text as a whole; scored by the share that do as its type."""
        nearest = self.nearest(said)
        types = Counter(kind.type for kind in nearest)
        told = ", ".join(f"{count} {WORDS[kind]}" for kind, count in types.most_common())
        kinds = "; ".join(f"{kind} ({count})" for kind, count in Counter(nearest).most_common(KINDS_NAMED))
        because = f"of the {len(nearest)} labelled examples most like it: {told}. Nearest kinds: {kinds}"
        likeliest = max(KINDS, key=lambda kind: said.get(kind, 0.0))
        return Signal("examples", round(types[likeliest] / len(nearest), 2), 0, 0, because)

    def to_disk(self, folder: Path) -> None:
        named = sorted(set(self.kinds))
        at = np.array([named.index(kind) for kind in self.kinds], dtype=np.int16)
        np.savez_compressed(folder / FILES[0], vectors=self._vectors.astype(np.float16), kinds=at)
        kept = {"labels": self.labels, "kinds": named}
        (folder / FILES[1]).write_text(json.dumps(kept, indent=1), encoding="utf-8")

    @classmethod
    def from_disk(cls, folder: Path) -> "Examples":
        """Raises OSError, ValueError or KeyError for files that are not ours."""
        kept = json.loads((folder / FILES[1]).read_text(encoding="utf-8"))
        named = [Kind(*each) for each in kept["kinds"]]
        with np.load(folder / FILES[0], allow_pickle=False) as arrays:
            vectors, at = arrays["vectors"].astype(np.float32), arrays["kinds"]
        return cls(kept["labels"], vectors, [named[i] for i in at])


def _logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    held = np.clip(probabilities, 1e-6, 1 - 1e-6)
    spread: NDArray[np.float64] = np.clip(np.log(held / (1 - held)), -SUREST, SUREST)
    return spread
