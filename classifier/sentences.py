"""Sentences: what a text means, as a direction in 384 dimensions; texts that mean alike point alike.

The published sentence encoder all-MiniLM-L6-v2 (Apache-2.0), tuned on posts and the claims they make, as an
8-bit ONNX file; made by `classifier/training/sentences.py`.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from classifier.network import Floats, Network
from classifier.wordpiece import WordPieces

LONGEST = 96  # word pieces read of a text
WIDTH = 384
MANY = 1_000


class Sentences:
    """Reads texts into directions, a few hundred short ones a second on each core."""

    def __init__(self, model: Path, vocabulary: Path) -> None:
        self._pieces = WordPieces.read(vocabulary)
        self._network = Network(model, remembered=0)

    def directions(self, texts: Sequence[str]) -> Floats:
        """A row of length 1 per text.

        One text at a time, so that company does not change what a text means; many texts on every core.
        """
        if len(texts) < MANY:
            return np.array([self._direction(text) for text in texts], np.float32).reshape(-1, WIDTH)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            return np.array(list(threads.map(self._direction, texts)), np.float32)

    def _direction(self, text: str) -> Floats:
        return self._network(np.array([self._pieces.numbers(text, LONGEST)], dtype=np.int64))
