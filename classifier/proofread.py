"""The proofreader: what each sentence of a draft says that it must not, the draft read whole beside what is known.

A small sentence encoder (all-MiniLM-L6-v2, Apache-2.0), tuned on drafts with one known fault and on clean ones; an
8-bit ONNX file made by `classifier/training/proofread.py`.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from classifier.network import Floats, opened
from classifier.wordpiece import WordPieces

KINDS = (
    "none", "unverified", "name", "personal", "child", "officer", "previous", "blame", "prejudge", "context",
    "minimise", "jargon", "bwv", "promise", "medical", "rumour", "proceedings", "conflict", "nonapology", "tactics",
    "argues", "posters", "force",
)  # fmt: skip
SENTENCE, DRAFT, BESIDE = 72, 320, 144  # word pieces read of a sentence, of a draft at once, of what is known
APART = -1  # what belongs to no sentence
PROMISES = len(KINDS)  # the column behind them: how surely a sentence says when the next word comes
REMEMBERED = 500  # stretches of drafts whose numbers are kept before starting afresh, about 2 MB


class Stretch(NamedTuple):
    """Sentences of a draft that are read at once, what is known behind them. For each word piece its number, which of
    the sentences it is of or APART, and whether it is of what is known."""

    ids: list[int]
    owners: list[int]
    known: list[int]
    sentences: int


class Proofreader:
    """Reads a draft, some fifty milliseconds where it changed."""

    def __init__(self, model: Path, vocabulary: Path) -> None:
        self._pieces = WordPieces.read(vocabulary)
        self._session = opened(model)
        self._read: dict[bytes, Floats] = {}

    def __call__(self, sentences: Sequence[str], beside: str) -> Floats:
        """Sentences x KINDS: a logit for each kind, `none` being that nothing is wrong."""
        return self._read_whole(sentences, beside)[:, :PROMISES]

    def promises(self, sentences: Sequence[str], beside: str) -> Floats:
        """A logit for each sentence that it says when the next update comes."""
        return self._read_whole(sentences, beside)[:, PROMISES]

    def _read_whole(self, sentences: Sequence[str], beside: str) -> Floats:
        if not sentences:
            return np.zeros((0, PROMISES + 1), np.float32)
        return np.concatenate([self._said(each) for each in stretches(self._pieces, sentences, beside)])

    def _said(self, stretch: Stretch) -> Floats:
        ids = np.array([stretch.ids], np.int64)
        key = ids.tobytes()
        if (said := self._read.get(key)) is None:
            if len(self._read) >= REMEMBERED:
                self._read.clear()
            owners = np.array(stretch.owners)
            answer: list[Any] = self._session.run(
                None,
                {
                    "ids": ids,
                    "known": np.array([stretch.known], np.float32),
                    "holds": (owners == np.arange(stretch.sentences)[:, None]).astype(np.float32),
                },
            )
            said = self._read[key] = answer[0]
        return said


def key_of(sentences: Sequence[str], beside: str) -> int:
    """A checksum of what is read, of 64 bits."""
    return int.from_bytes(sha256("\t".join([*sentences, beside]).encode()).digest()[:8])


def stretches(pieces: WordPieces, sentences: Sequence[str], beside: str) -> Iterator[Stretch]:
    """A draft in as many stretches of whole sentences as it takes, mostly one."""
    said = [pieces.numbers(each, SENTENCE) for each in sentences]
    facts = pieces.numbers(beside, BESIDE)[1:]
    taken: list[list[int]] = []
    for each in said:
        if taken and sum(map(len, taken)) + len(each) - 1 > DRAFT:
            yield _stretch(taken, facts)
            taken = []
        taken.append(each[1:] if taken else each)
    if taken:
        yield _stretch(taken, facts)


def _stretch(said: Sequence[list[int]], facts: list[int]) -> Stretch:
    owners = [number for number, each in enumerate(said) for _ in each]
    owners[0] = APART  # the mark that all begins with
    return Stretch(
        [piece for each in said for piece in each] + facts,
        owners + [APART] * len(facts),
        [0] * len(owners) + [1] * len(facts),
        len(said),
    )
