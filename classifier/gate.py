"""The gate: a trained spaCy component that scores every text by its words and their letters.

A linear model with one head per label over hashed features: words, pairs of words (also with one word
between), and the 2- to 5-letter pieces of each word. Only hashes are stored, so nothing can be read back.
The pieces of a word are summed once and remembered, which is what makes it fast.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

Floats = NDArray[np.float32]
Keys = NDArray[np.uint64]

LONGEST_WORD = 40  # letters of a word that count
ROWS = 1 << 18  # hashed features of each of the two groups, words and letters
REMEMBERED = 50_000  # words whose sums are kept before starting afresh
_MIX = np.uint64(0x9E3779B97F4A7C15)
_APART = np.uint64(0xD1B54A32D192ED03)
_SHIFT = np.uint64(29)

USER, LINK, NUMBER = "\x01user", "\x01link", "\x01number"


def folded(word: str) -> str:
    """What a word counts as: all accounts are one word, all links one, digits count only by how many."""
    word = word.lower()
    if word.startswith("@") and len(word) > 1:
        return USER
    if word.startswith(("http:", "https:", "www.", "t.co/")):
        return LINK
    if any(each.isdigit() for each in word):
        return "".join("0" if each.isdigit() else each for each in word)
    return word.lstrip("#") or word


def hashed(text: str) -> int:
    """FNV-1a, 64 bits: the same on every machine and version."""
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "surrogatepass"):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def mixed(keys: Keys) -> Keys:
    with np.errstate(over="ignore"):
        keys = (keys ^ (keys >> _SHIFT)) * _MIX
        return keys ^ (keys >> _SHIFT)


class Ragged(NamedTuple):
    """Feature rows of a batch: the rows of text i are rows[starts[i]:starts[i + 1]]."""

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]


def ragged(rows: Sequence[NDArray[np.int64]]) -> Ragged:
    starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return Ragged(np.concatenate(rows) if rows else np.zeros(0, np.int64), starts)


def word_features(keys: Sequence[Keys]) -> Ragged:
    """Distinct rows for each text's words, neighbours, and neighbours but one."""
    lengths = np.fromiter((len(each) for each in keys), dtype=np.int64, count=len(keys))
    text = np.repeat(np.arange(len(keys)), lengths)
    flat = np.concatenate(keys) if len(text) else np.zeros(0, np.uint64)
    rows, owner = [flat], [text]
    with np.errstate(over="ignore"):
        for apart in (1, 2):
            same = text[:-apart] == text[apart:]
            pair = mixed(flat[:-apart] * _APART + flat[apart:] + np.uint64(apart))
            rows.append(pair[same])
            owner.append(text[apart:][same])
    joint = np.concatenate(owner) * ROWS + (np.concatenate(rows) % np.uint64(ROWS)).astype(np.int64)
    distinct = np.unique(joint)
    return Ragged(distinct % ROWS, np.searchsorted(distinct // ROWS, np.arange(len(keys) + 1)))


def letter_features(words: Sequence[str]) -> Ragged:
    """Distinct rows for the 2- to 5-letter pieces of each word, its ends marked."""
    marked = [f" {word[:LONGEST_WORD]} " for word in words]
    letters = np.frombuffer("".join(marked).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(
        np.uint64
    )
    word = np.repeat(np.arange(len(words)), [len(each) for each in marked])
    keys, owner = [], []
    piece = letters
    with np.errstate(over="ignore"):
        for size in range(2, 6):
            piece = piece[:-1] * _APART + letters[size - 1 :]
            same = word[: len(piece)] == word[size - 1 :]
            keys.append(mixed(piece[same] + np.uint64(size)))
            owner.append(word[: len(piece)][same])
    joint = np.concatenate(owner) * ROWS + (np.concatenate(keys) % np.uint64(ROWS)).astype(np.int64)
    distinct = np.unique(joint)
    return Ragged(distinct % ROWS, np.searchsorted(distinct // ROWS, np.arange(len(words) + 1)))


class Weights(NamedTuple):
    """One column per label, in steps of `scale`; `*_size` is each feature's squared weight in a text's length."""

    labels: tuple[str, ...]
    word: NDArray[np.int8]
    letter: NDArray[np.int8]
    word_size: NDArray[np.float16]
    letter_size: NDArray[np.float16]
    scale: Floats
    bias: Floats

    @classmethod
    def empty(cls) -> Self:
        none, flat = np.zeros((ROWS, 0), np.int8), np.zeros(ROWS, np.float16)
        return cls((), none, none, flat, flat, np.zeros(0, np.float32), np.zeros(0, np.float32))


@Language.factory("goldenhour_gate")
class Gate:
    """Leaves a logit per label in `doc.cats`."""

    def __init__(self, nlp: Language, name: str = "goldenhour_gate") -> None:
        self.name = name
        self.vocab = nlp.vocab
        self.use(Weights.empty())

    def use(self, weights: Weights) -> None:
        self.weights = weights
        self._known: dict[int, int] = {}
        self._keys = np.zeros(4_096, np.uint64)
        self._spelling = np.zeros((4_096, len(weights.labels) + 1), np.float32)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.weights.labels

    def __call__(self, doc: Doc) -> Doc:
        return next(iter(self.pipe([doc])))

    def pipe(self, docs: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        waiting = iter(docs)
        while held := list(islice(waiting, batch_size)):
            for doc, logits in zip(held, self.score(held).tolist(), strict=True):
                doc.cats = dict(zip(self.labels, logits, strict=True))
            yield from held

    def score(self, docs: Sequence[Doc]) -> Floats:
        """Logits, one row per text and one column per label."""
        if len(self._known) > REMEMBERED:
            self.use(self.weights)
        words = self._words(docs)
        weights = self.weights
        features = word_features([self._keys[each] for each in words])
        by_word = _sums(weights.word, features) / _length(_sums(weights.word_size[:, None], features))
        pieces = _sums(self._spelling, ragged([np.unique(each) for each in words]))
        by_letter = pieces[:, :-1] / _length(pieces[:, -1:])
        return ((by_word + by_letter) * weights.scale + weights.bias).astype(np.float32)

    def _words(self, docs: Sequence[Doc]) -> list[NDArray[np.int64]]:
        """The place of each word of each text among the words known, learning the new ones first."""
        known = self._known
        spelled: list[list[int]] = [doc.to_array("LOWER").tolist() if len(doc) else [] for doc in docs]
        new: dict[int, str] = {}
        for doc, words in zip(docs, spelled, strict=True):
            strings = doc.vocab.strings
            for each in words:
                if each not in known and each not in new:
                    new[each] = folded(strings[each])
        if new:
            self._learn(new)
        return [np.fromiter((known[each] for each in words), np.int64, len(words)) for words in spelled]

    def _learn(self, new: dict[int, str]) -> None:
        """Remember each word's key, and the sums over its letters."""
        first = len(self._known)
        while first + len(new) > len(self._keys):
            self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)])
            self._spelling = np.concatenate([self._spelling, np.zeros_like(self._spelling)])
        here = slice(first, first + len(new))
        letters = letter_features(list(new.values()))
        self._keys[here] = [hashed(word) for word in new.values()]
        self._spelling[here, :-1] = _sums(self.weights.letter, letters)
        self._spelling[here, -1:] = _sums(self.weights.letter_size[:, None], letters)
        self._known.update(zip(new, range(first, first + len(new)), strict=True))

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        weights = self.weights
        np.savez_compressed(Path(path).with_suffix(".npz"), **_arrays(weights))
        Path(path).with_suffix(".json").write_text(json.dumps(weights.labels), encoding="utf-8")

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:  # noqa: ARG002
        labels = tuple(json.loads(Path(path).with_suffix(".json").read_text(encoding="utf-8")))
        with np.load(Path(path).with_suffix(".npz"), allow_pickle=False) as kept:
            self.use(Weights(labels=labels, **{name: kept[name] for name in kept.files}))
        return self


def _arrays(weights: Weights) -> dict[str, Any]:
    return {name: value for name, value in weights._asdict().items() if name != "labels"}


def _sums(table: NDArray[Any], features: Ragged) -> Floats:
    """The sum of the table's rows for each text; nothing for a text without features."""
    sums = np.zeros((len(features.starts) - 1, table.shape[1]), np.float32)
    some = np.flatnonzero(np.diff(features.starts))
    if len(some):
        taken = table[features.rows].astype(np.float32)
        sums[some] = np.add.reduceat(taken, features.starts[some], axis=0)
    return sums


def _length(squared: Floats) -> Floats:
    return np.sqrt(np.maximum(squared, 1e-6))
