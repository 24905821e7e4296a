"""Trees: many small yes-or-no questions to numbers, learnt so that their answers add up to how likely something is.

Gradient boosting (Friedman 2001) of trees three questions deep, on the logistic loss.

    trees = Trees.grown(rows, wrong)
    likely = trees.likely(rows)      # 0..1 for each row
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

DEEP = 3
ASKED, LEAVES = 2**DEEP - 1, 2**DEEP
MANY, STEP = 160, 0.08  # trees, and how much each adds
BINS = 32  # values a question may be asked at
FEWEST, HELD_BACK = 4.0, 4.0  # rows (by weight) on each side of a question; the ridge


class Trees(NamedTuple):
    """Question k of a tree goes on with 2k + 1 (no) and 2k + 2 (yes); `adds` are what its leaves add."""

    columns: Numbers  # trees x ASKED
    above: Floats  # trees x ASKED
    adds: Floats  # trees x LEAVES

    @classmethod
    def grown(cls, rows: Floats, wrong: NDArray[np.bool_]) -> Self:
        bounds = _bounds(rows)
        binned = np.stack(
            [np.searchsorted(each, column) for each, column in zip(bounds, rows.T, strict=True)]
        )
        sums = np.zeros(len(rows))
        grown = []
        for _ in range(MANY):
            likely = 1 / (1 + np.exp(-sums))
            columns, at, leaf, adds = _tree(binned, likely - wrong, likely * (1 - likely))
            above = [bounds[column][place] for column, place in zip(columns, at, strict=True)]
            sums += adds[leaf]
            grown.append((columns, above, adds))
        return cls(
            np.array([each[0] for each in grown], np.int64),
            np.array([each[1] for each in grown], np.float32),
            np.array([each[2] for each in grown], np.float32),
        )

    def likely(self, rows: Floats) -> Floats:
        trees = np.arange(len(self.columns))
        at = np.zeros((len(rows), len(trees)), np.int64)
        for _ in range(DEEP):
            yes = rows[np.arange(len(rows))[:, None], self.columns[trees, at]] > self.above[trees, at]
            at = 2 * at + 1 + yes
        sums = self.adds[trees, at - ASKED].sum(axis=1)
        found: Floats = (1 / (1 + np.exp(-sums))).astype(np.float32)
        return found


def _bounds(rows: Floats) -> list[Floats]:
    """Values between which a column is divided, at most BINS - 1; one that is never passed where all are alike."""
    found = []
    for column in rows.T:
        values = np.unique(column)
        if len(values) > BINS:
            values = np.unique(np.quantile(column, np.linspace(0, 1, BINS)).astype(np.float32))
        found.append((values[:-1] + values[1:]) / 2 if len(values) > 1 else values)
    return found


def _tree(
    binned: Numbers, slope: NDArray[np.float64], bend: NDArray[np.float64]
) -> tuple[Numbers, Numbers, Numbers, NDArray[np.float64]]:
    """The questions of one tree (column and bound), the leaf each row comes to, and what the leaves add."""
    columns, at = np.zeros(ASKED, np.int64), np.zeros(ASKED, np.int64)
    place = np.zeros(binned.shape[1], np.int64)
    for question in range(ASKED):
        here = np.flatnonzero(place == question)
        columns[question], at[question] = _best(binned[:, here], slope[here], bend[here])
        yes = binned[columns[question], here] > at[question]
        place[here] = 2 * question + 1 + yes
    leaf = place - ASKED
    slopes, bends = (np.bincount(leaf, each, LEAVES) for each in (slope, bend))
    return columns, at, leaf, -STEP * slopes / (bends + HELD_BACK)


def _best(binned: Numbers, slope: NDArray[np.float64], bend: NDArray[np.float64]) -> tuple[int, int]:
    """The column and the bound that divide rows best; the first of all where none leaves enough on both sides."""
    width = len(binned)
    cells = (binned + BINS * np.arange(width)[:, None]).ravel()
    slopes, bends, counts = (
        np.bincount(cells, np.tile(each, width), BINS * width).reshape(width, BINS).cumsum(axis=1)
        for each in (slope, bend, np.ones(len(slope)))
    )
    all_slope, all_bend, all_rows = slopes[:, -1:], bends[:, -1:], counts[:, -1:]
    gain = slopes**2 / (bends + HELD_BACK) + (all_slope - slopes) ** 2 / (all_bend - bends + HELD_BACK)
    gain -= all_slope**2 / (all_bend + HELD_BACK)
    gain[(counts < FEWEST) | (all_rows - counts < FEWEST)] = -np.inf
    gain[:, -1] = -np.inf
    column, bound = divmod(int(gain.argmax()), BINS)
    return column, bound
