"""Fitting the gate: hashed features to a linear head per label, calibrated on predictions out of fold."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.linear_model import LogisticRegression
from spacy.language import Language

from classifier.gate import ROWS, Weights, folded, hashed, letter_features, ragged, word_features
from classifier.normalise import normalise
from classifier.training.sets import Row
from classifier.training.splits import FOLDS, folds

STRENGTH = 8.0  # inverse regularisation of the heads, chosen on the folds
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


class Fit:
    """The heads learnt from some rows: coefficients over both groups, and a bias."""

    def __init__(
        self, features: Features, rows: Sequence[Row], train: Sequence[int], labels: Sequence[str]
    ) -> None:
        self.labels = tuple(labels)
        self.rarity = features.weighted(train)
        matrix = self._matrix(features, train)
        self.coefficients = np.zeros((len(labels), 2 * ROWS), np.float32)
        self.bias = np.zeros(len(labels), np.float32)
        for column, label in enumerate(labels):
            self._learn(matrix, [rows[i] for i in train], column, label)

    def _learn(self, matrix: csr_matrix, rows: Sequence[Row], column: int, label: str) -> None:
        known = [i for i, row in enumerate(rows) if label in row.truth]
        truth = [rows[i].truth[label] for i in known]
        if not 0 < sum(truth) < len(truth):
            self.bias[column] = -6.0
            return
        weight = [rows[i].weight for i in known]
        head = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=400, random_state=0)
        head.fit(matrix[known], truth, sample_weight=weight)
        self.coefficients[column] = head.coef_[0]
        self.bias[column] = head.intercept_[0]

    def _matrix(self, features: Features, rows: Sequence[int]) -> csr_matrix:
        word, letter = self.rarity
        return hstack([scaled(features.word[rows], word), scaled(features.letter[rows], letter)]).tocsr()

    def logits(self, features: Features, rows: Sequence[int]) -> NDArray[np.float64]:
        return np.asarray(self._matrix(features, rows) @ self.coefficients.T + self.bias)

    def weights(self) -> Weights:
        """As the gate keeps them: each coefficient already times its feature's weight."""
        word, letter = self.rarity
        half = np.float16
        return Weights(
            labels=self.labels,
            word=(self.coefficients[:, :ROWS] * word).T.astype(half),
            letter=(self.coefficients[:, ROWS:] * letter).T.astype(half),
            word_size=(word**2).astype(half),
            letter_size=(letter**2).astype(half),
            bias=self.bias,
        )


def out_of_fold(
    features: Features, rows: Sequence[Row], train: Sequence[int], labels: Sequence[str]
) -> NDArray[np.float64]:
    """Logits for the training rows, each from a fit that did not see its group."""
    fold = folds([rows[i] for i in train])
    logits = np.zeros((len(train), len(labels)))
    for number in range(FOLDS):
        inside = [i for i, each in zip(train, fold, strict=True) if each != number]
        outside = [i for i, each in zip(train, fold, strict=True) if each == number]
        logits[fold == number] = Fit(features, rows, inside, labels).logits(features, outside)
    return logits
