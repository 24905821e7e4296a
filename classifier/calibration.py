"""From logits to probabilities: one softmax over the nine types, and a monotone curve for every other label."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST = 5e-4  # no type is less likely
SUREST = 5.3  # no logit beyond: 0.5% and 99.5%
KINDS = (
    "stop_search",
    "use_of_force",
    "death_or_firearms",
    "pursuit_collision",
    "arrest_detention",
    "other_encounter",
    "officer_harmed",
    "officer_conduct",
    "none",
)
READ = ("incident", "incident_any", *KINDS)  # the labels that decide the type, in order
CORE_KINDS, ENCOUNTERS = KINDS[:4], KINDS[:7]


class Curve(NamedTuple):
    """Probabilities at rising logits; straight between them, flat beyond."""

    logits: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(values, self.logits, self.probabilities)


IDENTITY = Curve(tuple(np.linspace(-8, 8, 33)), tuple(1 / (1 + np.exp(-np.linspace(-8, 8, 33)))))


class Calibration:
    """The curves of a model, by label."""

    def __init__(self, curves: Mapping[str, Curve]) -> None:
        self.curves = dict(curves)

    def probabilities(self, labels: Sequence[str], logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Same shape as the logits: a row per text, a column per label."""
        if not len(logits):
            return logits
        columns = [self.curves.get(label, IDENTITY)(logits[:, i]) for i, label in enumerate(labels)]
        return np.stack(columns, axis=1) if columns else logits

    def as_json(self) -> dict[str, list[list[float]]]:
        return {name: [list(curve.logits), list(curve.probabilities)] for name, curve in self.curves.items()}

    @classmethod
    def from_json(cls, kept: Mapping[str, Sequence[Sequence[float]]]) -> "Calibration":
        return cls({name: Curve(tuple(points[0]), tuple(points[1])) for name, points in kept.items()})


class Blend(NamedTuple):
    """How gate and encoder together speak for one label: a logistic curve over both logits."""

    gate: float
    encoder: float
    offset: float

    def __call__(self, gate: NDArray[np.float64], encoder: NDArray[np.float64]) -> NDArray[np.float64]:
        logit = np.clip(self.gate * gate + self.encoder * encoder + self.offset, -SUREST, SUREST)
        blended: NDArray[np.float64] = 1 / (1 + np.exp(-logit))
        return blended


class Types:
    """The nine types from the logits of one reader or both: a softmax, so that they sum to one."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        self.weights = weights

    def __call__(self, *readers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of READ, a row per text: `incident` and `incident_any` are the sums of their types.

        Each reader's logits are columns in the order of READ.
        """
        scores = np.concatenate(readers, axis=1) @ self.weights[:-1] + self.weights[-1]
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        likely = np.maximum(likely / likely.sum(axis=1, keepdims=True), LEAST)
        likely /= likely.sum(axis=1, keepdims=True)
        core, encounters = likely[:, : len(CORE_KINDS)].sum(1), likely[:, : len(ENCOUNTERS)].sum(1)
        return np.column_stack([core, encounters, likely])


class Beside(NamedTuple):
    """How a second reader counts beside the gate: for the types, and for other labels."""

    types: Types
    blends: Mapping[str, Blend]

    def as_json(self) -> dict[str, Any]:
        return {"types": self.types.weights.tolist(), "blends": dict(self.blends)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Beside":
        blends = {label: Blend(*each) for label, each in kept["blends"].items()}
        return cls(Types(np.array(kept["types"], dtype=np.float64)), blends)
