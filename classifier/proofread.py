"""The proofreader: what a sentence of a draft says that it must not, read beside what is known of its case.

A small sentence encoder (all-MiniLM-L6-v2, Apache-2.0), tuned on whole drafts with one known fault and on clean ones;
an 8-bit ONNX file made by `classifier/training/proofread.py`.
"""

from hashlib import sha256
from pathlib import Path

import numpy as np

from classifier.network import Floats, Network
from classifier.wordpiece import WordPieces

KINDS = (
    "none", "unverified", "name", "personal", "child", "officer", "previous", "blame", "prejudge", "context",
    "minimise", "jargon", "bwv", "promise", "medical", "rumour", "proceedings", "conflict", "nonapology", "tactics",
    "argues", "posters", "force",
)  # fmt: skip
SENTENCE, BESIDE = 72, 144  # word pieces read of each


class Proofreader:
    """Reads one sentence at a time, a few milliseconds each."""

    def __init__(self, model: Path, vocabulary: Path) -> None:
        self._pieces = WordPieces.read(vocabulary)
        self._network = Network(model)

    def __call__(self, sentence: str, beside: str) -> Floats:
        """A logit for each of KINDS, `none` being that nothing is wrong."""
        return self._network(np.array([numbers(self._pieces, sentence, beside)], np.int64))


def key_of(sentence: str, beside: str) -> int:
    """A checksum of what is read, of 64 bits."""
    return int.from_bytes(sha256(f"{sentence}\t{beside}".encode()).digest()[:8])


def numbers(pieces: WordPieces, sentence: str, beside: str) -> list[int]:
    """The numbers of the pieces of both, a mark between them."""
    return pieces.numbers(sentence, SENTENCE) + pieces.numbers(beside, BESIDE)[1:]
