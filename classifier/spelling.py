"""Words as they are written and as they are meant: letters spaced out, signs for letters, slips of the finger.

Words are mended only in English text, only when they are no word that is known, and only towards common words and
those that tell of encounters: a name or a word of slang is nearly always better left alone.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from pathlib import Path

_HERE = Path(__file__).parent


def _words(name: str) -> list[str]:
    lines = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


DISGUISED = frozenset(_words("disguised.txt"))
RANKS = {word: rank for rank, word in enumerate(_words("words.txt"), 1)}
COMMON, OFTEN = 8_000, 1_500  # words of the list towards which slips are mended
READABLE = 14_000  # words of the list that signs for letters may stand for
LONGEST = 16  # letters of a word
SHORT = 6  # letters below which only the very commonest words, and those of encounters, are mended towards
_ENDINGS = ("s", "es", "ed", "ing", "in", "er", "ers", "ly", "y", "ish", "able")
_OFTEN = 60  # the commonest words, in nearly every English text
_SIGNS = {
    "0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "$": "s", "@": "a", "!": "il", "|": "il",
}  # fmt: skip
_MEASURED = re.compile(r"[£$@]?\d+[a-z]{0,3}!*|[a-z]\d+!*", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def meant_by(word: str) -> str | None:
    """The word that letters with digits and signs among them stand for: `p0l1ce`. None when they are what they are."""
    if _MEASURED.fullmatch(word) or sum(each in "1!|" for each in word) > 4:
        return None
    found = ["".join(each) for each in product(*(_SIGNS.get(each, each) for each in word.lower()))]
    for each in found:
        if each in DISGUISED:
            return _as_written(each, word)
    known = [each for each in found if len(each) > 3 and RANKS.get(each, READABLE) < READABLE]
    return _as_written(min(known, key=RANKS.__getitem__), word) if known else None


def _as_written(word: str, before: str) -> str:
    if before.upper() == before and sum(each.isalpha() for each in before) > 1:
        return word.upper()
    return word.capitalize() if before[0].isupper() else word


def joined(letters: str) -> str | None:
    """Words spaced out letter by letter, put together again. None when they make none."""
    low = letters.lower()
    if low in DISGUISED:
        return letters
    costs, ends = [0.0], [0]
    for end in range(1, len(low) + 1):
        best, at = math.inf, end - 1
        for start in range(max(0, end - LONGEST), end):
            if (cost := costs[start] + _cost(low[start:end])) < best:
                best, at = cost, start
        costs.append(best)
        ends.append(at)
    if costs[-1] == math.inf:
        return None
    words, end = [], len(low)
    while end:
        words.append(letters[ends[end] : end])
        end = ends[end]
    if max(map(len, words)) < 4 or len(low) < 3 * len(words) - 1:
        return None
    return " ".join(reversed(words))


def _cost(word: str) -> float:
    """How unlikely a word is among others, as its place among the commonest says."""
    rank = 5 if word in ("a", "i") else RANKS.get(word)
    if rank is None:
        return math.inf
    return math.log(rank + 20) + 2


def _left_out(word: str) -> Iterator[str]:
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]


def _near() -> dict[str, list[str]]:
    """The words worth mending towards, by themselves and by all but one of their letters."""
    near: dict[str, list[str]] = {}
    for word, rank in RANKS.items():
        if (
            rank <= (COMMON if len(word) >= SHORT else OFTEN if len(word) == SHORT - 1 else 0)
            or word in DISGUISED
        ):
            for each in (word, *_left_out(word)):
                near.setdefault(each, []).append(word)
    return near


_NEAR = _near()


@lru_cache(maxsize=50_000)
def mended(word: str) -> str | None:
    """The commonest word one slip away from one that is unknown: a letter missing, too much, another, or swapped."""
    low = word.lower()
    if not 4 <= len(low) <= LONGEST or _known(low):
        return None
    found = {
        each
        for piece in (low, *_left_out(low))
        for each in _NEAR.get(piece, ())
        if abs(len(each) - len(low)) <= 1 and each[0] in low[:2] and _one_slip(each, low)
    }
    if not found:
        return None
    likeliest = min(found, key=lambda each: (each not in DISGUISED, _replaced(each, low), RANKS[each]))
    return _as_written(likeliest, word)


def _replaced(a: str, b: str) -> bool:
    """Whether a letter stands for another: rarer than one left out, doubled or swapped."""
    return len(a) == len(b) and sorted(a) != sorted(b)


def _known(word: str) -> bool:
    """Whether it is a word, or made of one by an ending."""
    if word in RANKS:
        return True
    return any(
        word.endswith(end) and (word[: -len(end)] in RANKS or f"{word[: -len(end)]}e" in RANKS)
        for end in _ENDINGS
        if len(word) > len(end) + 2
    )


def _one_slip(a: str, b: str) -> bool:
    if len(a) < len(b):
        a, b = b, a
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(b))
    if len(a) > len(b):
        return a[start + 1 :] == b[start:]
    rest = a[start + 1 :] == b[start + 1 :]
    return rest or (a[start : start + 2] == b[start : start + 2][::-1] and a[start + 2 :] == b[start + 2 :])


def is_english(text: str) -> bool:
    """Whether so many words are known that the others may be slips."""
    words = [word.lower() for word in _LETTERS.findall(text)]
    long = [word for word in words if len(word) > 2]
    known = sum(word in RANKS for word in long)
    share = 0.4 if any(2 < RANKS.get(word, 0) < _OFTEN for word in words) else 0.65
    return len(long) > 1 and known >= share * len(long)
