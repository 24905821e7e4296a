"""Fitting the gate: hashed features to a linear head per label, calibrated on predictions out of fold."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.linear_model import LogisticRegression
from spacy.language import Language

from classifier.gate import ROWS, Weights, folded, hashed, letter_features, ragged, word_features
from classifier.normalise import normalise
from classifier.training.sets import Row
from classifier.training.splits import FOLDS

STRENGTH = 8.0  # inverse regularisation of the heads, chosen on the folds
NEVER = -6.0  # the logit of a label nothing was learnt of
RARE = 2  # a feature seen in fewer training texts is left out: it would only name its text


class Features:
    """Counts per text and hashed feature, and how much each feature weighs (inverse document frequency)."""

    def __init__(self, nlp: Language, texts: Sequence[str]) -> None:
        words = [[folded(t.lower_) for t in nlp.make_doc(normalise(text).text)] for text in texts]
        self.word = _presence(words)
        self.letter = _letters(words)

    def weighted(self, rows: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights of word and letter features, learnt from some rows."""
        return _rarity(self.word[rows]), _rarity(self.letter[rows])


def _presence(words: Sequence[Sequence[str]]) -> csr_matrix:
    keys = [np.array([hashed(each) for each in text], dtype=np.uint64) for text in words]
    found = word_features(keys)
    values = np.ones(len(found.rows), np.float32)
    return csr_matrix((values, found.rows, found.starts), shape=(len(words), ROWS))


def _letters(words: Sequence[Sequence[str]]) -> csr_matrix:
    """For each text the number of its distinct words that hold the piece."""
    place: dict[str, int] = {}
    spelled = [[place.setdefault(word, len(place)) for word in sorted(set(text))] for text in words]
    pieces = letter_features(list(place))
    holds = csr_matrix(
        (np.ones(len(pieces.rows), np.float32), pieces.rows, pieces.starts), shape=(len(place), ROWS)
    )
    flat = ragged([np.array(text, dtype=np.int64) for text in spelled])
    has = csr_matrix(
        (np.ones(len(flat.rows), np.float32), flat.rows, flat.starts), shape=(len(words), len(place))
    )
    return (has @ holds).tocsr()


def _rarity(counts: csr_matrix) -> NDArray[np.float64]:
    texts = np.bincount(counts.indices, minlength=ROWS)
    rarity: NDArray[np.float64] = np.log((1 + counts.shape[0]) / (1 + texts)) + 1
    rarity[texts < RARE] = 0
    return rarity


def scaled(counts: csr_matrix, rarity: NDArray[np.float64]) -> csr_matrix:
    """Features of length one per text. Length counts a piece once for each word that holds it, as the gate does."""
    lengths = np.sqrt(np.maximum(counts @ (rarity**2), 1e-6))
    return diags(1 / lengths) @ counts @ diags(rarity)


class Truths(NamedTuple):
    """What is known of each text: a probability per label, not a number where nothing is; and a weight."""

    labels: tuple[str, ...]
    table: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Sequence[Row], labels: Sequence[str]) -> "Truths":
        table = [[row.truth.get(label, np.nan) for label in labels] for row in rows]
        return cls(tuple(labels), np.array(table, dtype=np.float64), np.array([row.weight for row in rows]))


class Fit:
    """The heads learnt from some texts: coefficients over both groups of features, and a bias."""

    def __init__(self, features: Features, truths: Truths, train: Sequence[int]) -> None:
        self.labels = truths.labels
        self.rarity = features.weighted(train)
        self._used = np.flatnonzero(np.concatenate(self.rarity))
        matrix = self._matrix(features, train)[:, self._used].tocsr()
        self.coefficients = np.zeros((len(self.labels), 2 * ROWS), np.float32)
        self.bias = np.full(len(self.labels), NEVER, np.float32)
        for column in range(len(self.labels)):
            self._learn(matrix, truths.table[train, column], truths.weight[train], column)

    def _learn(
        self, matrix: csr_matrix, truth: NDArray[np.float64], weight: NDArray[np.float64], column: int
    ) -> None:
        """One head. A text that is likely to degree p counts as p of one that is and 1 - p of one that is not."""
        known = np.flatnonzero(~np.isnan(truth))
        is_so, is_not = truth[known] * weight[known], (1 - truth[known]) * weight[known]
        yes, no = known[is_so > 0], known[is_not > 0]
        if not len(yes) or not len(no):
            return
        said = np.concatenate([np.ones(len(yes)), np.zeros(len(no))])
        counts = np.concatenate([is_so[is_so > 0], is_not[is_not > 0]])
        head = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=400, random_state=0)
        head.fit(matrix[np.concatenate([yes, no])], said, sample_weight=counts)
        self.coefficients[column, self._used] = head.coef_[0]
        self.bias[column] = head.intercept_[0]

    def _matrix(self, features: Features, rows: Sequence[int]) -> csr_matrix:
        word, letter = self.rarity
        return hstack([scaled(features.word[rows], word), scaled(features.letter[rows], letter)]).tocsr()

    def logits(self, features: Features, rows: Sequence[int]) -> NDArray[np.float64]:
        return np.asarray(self._matrix(features, rows) @ self.coefficients.T + self.bias)

    def weights(self) -> Weights:
        """As the gate keeps them: each coefficient already times its feature's weight."""
        word, letter = self.rarity
        whole = self.coefficients * np.concatenate([word, letter])
        scale = (np.abs(whole).max(axis=1) / 127 + 1e-12).astype(np.float32)
        steps = np.rint(whole / scale[:, None]).T.astype(np.int8)
        return Weights(
            labels=self.labels,
            word=np.ascontiguousarray(steps[:ROWS]),
            letter=np.ascontiguousarray(steps[ROWS:]),
            word_size=(word**2).astype(np.float16),
            letter_size=(letter**2).astype(np.float16),
            scale=scale,
            bias=self.bias,
        )


def out_of_fold(
    features: Features,
    truths: Truths,
    train: Sequence[int],
    fold: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Logits for the training texts, each from a fit that did not see its group."""
    logits = np.zeros((len(train), len(truths.labels)))
    for number in range(FOLDS):
        inside = [i for i, each in zip(train, fold, strict=True) if each != number]
        outside = [i for i, each in zip(train, fold, strict=True) if each == number]
        logits[fold == number] = Fit(features, truths, inside).logits(features, outside)
    return logits
