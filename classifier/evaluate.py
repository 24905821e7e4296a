"""Measuring a model on labelled texts: precision, recall, F1, average precision, calibration error, confusion.

Pure functions of truths and probabilities, and one report over rows; nothing here knows where rows come from.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

Floats = NDArray[np.float64]
Truth = NDArray[np.int64]

BINS = 15  # of the calibration error


class Figures(NamedTuple):
    """How one label fares on one set. Without positives only `raised`, the share above the threshold, means much.

    Intervals hold 95% of resampled sets. `calibration_by_chance` is the calibration error that probabilities as right
    as can be would show on so many texts.
    """

    texts: int
    positives: int
    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    calibration_error: float
    raised: float
    average_precision_interval: tuple[float, float] | None = None
    recall_interval: tuple[float, float] | None = None
    calibration_by_chance: float = 0.0


def figures(truth: Truth, probabilities: Floats, *, threshold: float = 0.5) -> Figures:
    """The figures of one label over one set; both arrays have one entry per text."""
    said = probabilities >= threshold
    hit = int((said & (truth == 1)).sum())
    positives = int(truth.sum())
    return Figures(
        texts=len(truth),
        positives=positives,
        average_precision=_rounded(average_precision(truth, probabilities)) if positives else None,
        precision=_rounded(hit / said.sum()) if said.any() else None,
        recall=_rounded(hit / positives) if positives else None,
        f1=_rounded(f1_score(truth, said, zero_division=0)) if positives else None,
        calibration_error=_rounded(calibration_error(truth, probabilities)),
        raised=_rounded(said.mean()) if len(said) else 0.0,
        average_precision_interval=resampled(truth, probabilities) if positives else None,
        recall_interval=interval((said[truth == 1]).tolist()) if positives else None,
        calibration_by_chance=_rounded(calibration_by_chance(probabilities)),
    )


def average_precision(truth: Truth, probabilities: Floats) -> float:
    """The mean of the precision at each positive, the likeliest first; texts of one probability stand together."""
    order = np.argsort(-probabilities, kind="stable")
    hits, said = np.cumsum(truth[order]), probabilities[order]
    last = np.append(said[1:] != said[:-1], True)
    found, at = hits[last], np.flatnonzero(last) + 1
    return float((np.diff(found, prepend=0) * found / at).sum() / max(1, found[-1]))


def resampled(
    truth: Truth, probabilities: Floats, *, rounds: int = 400, seed: int = 0
) -> tuple[float, float]:
    """95% bootstrap interval of the average precision."""
    chance = np.random.default_rng(seed)
    drawn = []
    for _ in range(rounds):
        again = chance.integers(0, len(truth), len(truth))
        if truth[again].any():
            drawn.append(average_precision(truth[again], probabilities[again]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return _rounded(low), _rounded(high)


def calibration_by_chance(probabilities: Floats, *, rounds: int = 40, seed: int = 0) -> float:
    """The calibration error to expect of probabilities that are exactly right."""
    chance = np.random.default_rng(seed)
    drawn = [
        calibration_error((chance.random(len(probabilities)) < probabilities).astype(np.int64), probabilities)
        for _ in range(rounds)
    ]
    return float(np.mean(drawn))


def calibration_error(truth: Truth, probabilities: Floats, bins: int = BINS) -> float:
    """Mean distance between what was said and what was so, over bins of equal width, by their share of texts."""
    if not len(truth):
        return 0.0
    edges = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    gaps = [
        abs(probabilities[edges == each].mean() - truth[edges == each].mean()) * (edges == each).mean()
        for each in np.unique(edges)
    ]
    return float(sum(gaps))


def macro_f1(truth: Sequence[str], said: Sequence[str], labels: Sequence[str]) -> float:
    """The mean F1 over the labels that occur in either."""
    present = [each for each in labels if each in set(truth) | set(said)]
    return _rounded(f1_score(truth, said, labels=present, average="macro", zero_division=0))


def interval(values: Sequence[bool], *, rounds: int = 1_000, seed: int = 0) -> tuple[float, float]:
    """95% bootstrap interval of a share."""
    if not values:
        return 0.0, 1.0
    drawn = np.random.default_rng(seed).binomial(len(values), float(np.mean(values)), rounds) / len(values)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return _rounded(low), _rounded(high)


def span_f1(truth: Sequence[set[tuple[int, int]]], said: Sequence[set[tuple[int, int]]]) -> float:
    """F1 of exact spans over all texts."""
    right = sum(len(a & b) for a, b in zip(truth, said, strict=True))
    total = sum(map(len, truth)) + sum(map(len, said))
    return _rounded(2 * right / total) if total else 0.0


def _rounded(value: float) -> float:
    return round(float(value), 4)
