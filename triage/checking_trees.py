"""Trees: many small yes-or-no questions to numbers, whose answers add up to how likely something is.

`grown` learns them (gradient boosting, scikit-learn); asking them takes numpy alone, so that processes that only check
drafts need not load what learns.

    trees = grown(rows, wrong)       # triage/checking_growing.py
    likely = trees.likely(rows)      # 0..1 for each row
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

DEEP = 3
ASKED, LEAVES = 2**DEEP - 1, 2**DEEP


class Trees(NamedTuple):
    """Question k of a tree goes on with 2k + 1 (no) and 2k + 2 (yes); `adds` are what its leaves add."""

    columns: Numbers  # trees x ASKED
    above: Floats  # trees x ASKED
    adds: Floats  # trees x LEAVES

    def likely(self, rows: Floats) -> Floats:
        trees = np.arange(len(self.columns))
        at = np.zeros((len(rows), len(trees)), np.int64)
        for _ in range(DEEP):
            yes = rows[np.arange(len(rows))[:, None], self.columns[trees, at]] > self.above[trees, at]
            at = 2 * at + 1 + yes
        sums = self.adds[trees, at - ASKED].sum(axis=1)
        found: Floats = (1 / (1 + np.exp(-sums))).astype(np.float32)
        return found
