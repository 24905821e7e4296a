"""The reference every figure is shown against: TF-IDF of words and letters with logistic regression."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from classifier.training.sets import Row


class Reference:
    """Learnt from labelled rows; weak sets are left out, as they do not help it."""

    def __init__(self, rows: Sequence[Row], labels: Sequence[str]) -> None:
        used = [row for row in rows if row.type is not None and row.strict]
        self._word = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
        self._letter = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=3)
        texts = [row.text for row in used]
        self._word.fit(texts)
        self._letter.fit(texts)
        table = self._table(texts)
        self._heads = {label: _head(table, [row.truth[label] for row in used]) for label in labels}

    def probabilities(self, texts: Sequence[str], label: str) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self._heads[label].predict_proba(self._table(texts))[:, 1]
        return found

    def _table(self, texts: Sequence[str]) -> csr_matrix:
        return hstack([self._word.transform(texts), self._letter.transform(texts)]).tocsr()


def _head(table: csr_matrix, truth: Sequence[int]) -> LogisticRegression:
    return LogisticRegression(C=10.0, solver="liblinear", max_iter=300, random_state=0).fit(table, truth)
