"""Growing trees (triage/checking_trees.py): gradient boosting by scikit-learn, laid out in full."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier

from triage.checking_trees import ASKED, DEEP, LEAVES, Floats, Trees

MANY, STEP = 150, 0.05  # trees, and how much each adds
FEWEST = 6  # rows on each side of a question
LOOKED_AT, OF_ROWS = 0.3, 0.7  # shares of columns and of rows that each tree is grown on, drawn by lot
SEED = 7


def grown(rows: Floats, wrong: NDArray[np.bool_]) -> Trees:
    forest = GradientBoostingClassifier(
        n_estimators=MANY, learning_rate=STEP, max_depth=DEEP, min_samples_leaf=FEWEST, max_features=LOOKED_AT,
        subsample=OF_ROWS, init="zero", random_state=SEED,
    ).fit(rows, wrong)  # fmt: skip
    columns, above = np.zeros((MANY, ASKED), np.int64), np.zeros((MANY, ASKED), np.float32)
    adds = np.zeros((MANY, LEAVES), np.float32)
    for number, (each,) in enumerate(forest.estimators_):
        _lay_out(each.tree_, 0, 0, columns[number], above[number], adds[number])
    return Trees(columns, above, adds)


def _lay_out(
    tree: Any, node: int, place: int, columns: NDArray[np.int64], above: Floats, adds: Floats
) -> None:
    """A branch that ends early asks a question either answer of which leads to the same leaf."""
    if place >= ASKED:
        adds[place - ASKED] = STEP * tree.value[node, 0, 0]
        return
    no, yes = tree.children_left[node], tree.children_right[node]
    ends = no < 0
    if not ends:
        columns[place], above[place] = tree.feature[node], tree.threshold[node]
    _lay_out(tree, node if ends else no, 2 * place + 1, columns, above, adds)
    _lay_out(tree, node if ends else yes, 2 * place + 2, columns, above, adds)
