"""What a text is recognised by: its exact content, its wording, and the words that make it about one thing.

A fingerprint is made from the text alone, on a copy folded so hard that look-alike letters, invisible
characters, addresses, handles, emoji and "RT" leave no trace. It is never shown: the post as published is.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from classifier.normalise import CONFUSABLES

BANDS, ROWS = 8, 4
LONGEST_TEXT = 4_000
FEWEST_WORDS = 5  # fewer are said by many without meaning one another
MOST_TERMS = 64

_LOOKALIKES = str.maketrans(
    {letter: latin for letter, latin in CONFUSABLES.items() if len(letter) == 1}
    | dict(zip("’‘ʼ“”–—", "'''\"\"--", strict=True))
)
_MARKS = re.compile("[\u0300-\u036f\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_NOISE = re.compile(
    r"https?://\S+|www\.\S+|\b\w+\.(?:com|co\.uk|org|net|ly|be)/\S+|(?<!\w)@\w[\w.@-]*|^\s*(?:RT|MT|via)\b:?"
)
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_NAME = re.compile(r"[A-Z][a-z'][\w'-]*(?: [A-Z][a-z'][\w'-]*)*")
_LEADS_TO_PLACE = re.compile(r"\b(?:in|on|at|near|outside|off|from|by)\s+(?:the\s+)?$", re.IGNORECASE)
STOPWORDS = frozenset(
    word
    for line in (Path(__file__).parent / "stopwords.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for word in line.split()
)

_rng = np.random.default_rng(20240229)  # any fixed seed: sketches must agree between processes
_FACTOR = _rng.integers(1, 2**61, BANDS * ROWS, dtype=np.uint64) | np.uint64(1)
_SHIFT = _rng.integers(0, 2**61, BANDS * ROWS, dtype=np.uint64)
_MIX = _rng.integers(1, 2**61, ROWS, dtype=np.uint64) | np.uint64(1)


class Fingerprint(NamedTuple):
    """`exact` is equal for equal folded texts. `sketch` are 32 MinHash values of the word pairs, `bands` keys
    made of four of them each: near-copies share at least one. `terms` are the stems and the pairs of names,
    each once, in order; `places` those of them that stand where places do. `words` counts the words that
    are left after folding.
    """

    exact: int
    sketch: NDArray[np.uint32]
    bands: tuple[int, ...]
    terms: tuple[str, ...]
    places: frozenset[str]
    words: int


def fold(text: str) -> str:
    """The text with letters made plain and what carries no meaning taken out; case is kept."""
    text = text[:LONGEST_TEXT]
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text)).translate(_LOOKALIKES)
    return _NOISE.sub(" ", text)


def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of one text of any length, empty included."""
    folded = fold(text)
    words = _WORD.findall(folded.lower())
    pairs, places = _names(folded)
    stems = dict.fromkeys(stem(word) for word in words if word not in STOPWORDS and len(word) > 1)
    return Fingerprint(
        exact=_number(" ".join(words)),
        sketch=(sketch := _sketch(words)),
        bands=_bands(sketch),
        terms=tuple(stems | dict.fromkeys(pairs))[: 2 * MOST_TERMS],
        places=frozenset(places),
        words=len(words),
    )


def exact_of(text: str) -> tuple[int, int]:
    """How many words are left of a text after folding, and its `exact`: what a fingerprint says of copies alone."""
    words = _WORD.findall(fold(text).lower())
    return len(words), _number(" ".join(words))


def likeness(one: Fingerprint, other: Fingerprint) -> float:
    """The share of word pairs two texts have in common (Jaccard), estimated within about 0.09."""
    return float(np.count_nonzero(one.sketch == other.sketch)) / (BANDS * ROWS)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """A word without its common English endings, so that "shootings" and "shooting" are one term."""
    for ending in ("'s", "'"):
        word = word.removesuffix(ending)
    if len(word) > 4 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    for ending, shortest in (("ing", 6), ("ed", 5)):
        if len(word) >= shortest and word.endswith(ending):
            word = word.removesuffix(ending)
            break
    return word.removesuffix("e") if len(word) > 4 else word


def _names(folded: str) -> tuple[list[str], list[str]]:
    """Pairs of words written as names are, and the words of those that follow "in", "on", "outside" and the like."""
    pairs: list[str] = []
    places: list[str] = []
    for run in _NAME.finditer(folded):
        parts = [stem(part) for part in run[0].lower().split(" ") if part not in STOPWORDS]
        found = [f"{a} {b}" for a, b in pairwise(parts)]
        pairs += found
        if _LEADS_TO_PLACE.search(folded, max(0, run.start() - 14), run.start()):
            places += parts + found
    return pairs, places


def _sketch(words: list[str]) -> NDArray[np.uint32]:
    pairs = {f"{a} {b}" for a, b in pairwise(words)} or {" ".join(words)}
    hashed = np.fromiter((crc32(pair.encode()) for pair in pairs), dtype=np.uint64, count=len(pairs))
    mixed = hashed[:, None] * _FACTOR + _SHIFT  # wraps at 2**64; the upper half is well mixed
    least: NDArray[np.uint64] = mixed.min(axis=0)
    return (least >> np.uint64(32)).astype(np.uint32)


def _bands(sketch: NDArray[np.uint32]) -> tuple[int, ...]:
    """One key for each band: its values mixed, with the band's place in the low bits."""
    keys = sketch.reshape(BANDS, ROWS).astype(np.uint64) @ _MIX
    return tuple((keys << np.uint64(3) | np.arange(BANDS, dtype=np.uint64)).tolist())


def _number(text: str) -> int:
    raw = text.encode()
    return crc32(raw) << 32 | crc32(raw, 0x9E3779B9)
