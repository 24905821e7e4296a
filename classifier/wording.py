"""Wording: which words, phrases, letters and numbers a post shares with known claims, weighed by how rare they are.

Words are weighed within the claims at hand (BM25), so what every claim in the list mentions tells little.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from classifier.fingerprint import STOPWORDS, stem

Floats = NDArray[np.float64]

SATURATION, LENGTH = 1.2, 0.6  # k1 and b of BM25
_LINK = re.compile(r"(?:https?://|pic\.twitter\.com/|www\.)\S+")
_TAG = re.compile(r"[@#](\w+)")
_INSIDE = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def plain(text: str) -> str:
    """Without links; tags and account names as the words they are made of."""
    return _TAG.sub(lambda tag: _INSIDE.sub(" ", tag[1]), _LINK.sub(" ", text))


def stems(text: str) -> list[str]:
    """The telling words of a text, in order, without their endings."""
    words = _WORD.findall(plain(text).lower().replace("’", "'"))
    return [stem(word) for word in words if word not in STOPWORDS]


class Shared:
    """The stems of some texts, and how much a post's stems say about each: BM25, and the share covered."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counter = CountVectorizer(analyzer=stems)
        try:
            counts = csr_matrix(self._counter.fit_transform(texts), dtype=np.float64)
        except ValueError:  # no text has a telling word
            self._counter, counts = (
                CountVectorizer(analyzer=stems, vocabulary={"": 0}),
                csr_matrix((len(texts), 1)),
            )
        uses = np.asarray((counts > 0).sum(axis=0)).ravel()
        lengths = np.asarray(counts.sum(axis=1)).ravel()
        self.rarity: Floats = np.log1p((len(texts) - uses + 0.5) / (uses + 0.5))
        self.words = self._counter.get_feature_names_out()
        at_length = SATURATION * (1 - LENGTH + LENGTH * lengths / max(lengths.mean(), 1.0))
        there = counts.tocoo()
        weights = there.data * (SATURATION + 1) / (there.data + at_length[there.row]) * self.rarity[there.col]
        self._weights = csr_matrix((weights, (there.row, there.col)), counts.shape)
        self.binary = csr_matrix((counts > 0).astype(np.float64))
        self._whole = np.maximum(self.binary @ self.rarity, 1e-9)

    def post(self, texts: Sequence[str]) -> csr_matrix:
        """Which of the known stems each post has, as 0 and 1."""
        return csr_matrix((self._counter.transform(texts) > 0).astype(np.float64))

    def bm25(self, posts: csr_matrix) -> Floats:
        """A row per post, a column per text; 1 would be every stem of the post, each at its plainest."""
        whole = np.maximum(posts @ self.rarity, 1e-9)
        found: Floats = (posts @ self._weights.T).toarray() / whole[:, None]
        return found

    def covered(self, posts: csr_matrix) -> Floats:
        """The share of each text's rare stems that a post has, 0 to 1."""
        found: Floats = (posts @ diags_array(self.rarity) @ self.binary.T).toarray() / self._whole[None, :]
        return found


class Letters:
    """Runs of three to five letters, which survive spelling mistakes and other endings."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._vectors = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32
        )
        self._texts = self._vectors.fit_transform([f"{plain(text)} ." for text in texts])

    def alike(self, posts: Sequence[str]) -> Floats:
        """Cosines: a row per post, a column per text."""
        found: Floats = (self._vectors.transform([plain(post) for post in posts]) @ self._texts.T).toarray()
        return found


def longest_run(post: Sequence[str], text: Sequence[str]) -> int:
    """How many stems in a row both have, at most."""
    best, before = 0, [0] * (len(text) + 1)
    for word in post:
        now = [0] * (len(text) + 1)
        for at, other in enumerate(text, 1):
            if word == other:
                now[at] = before[at - 1] + 1
                best = max(best, now[at])
        before = now
    return best
