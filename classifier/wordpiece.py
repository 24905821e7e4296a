"""Word pieces as BERT counts them: lower case, no accents, punctuation apart, then the longest known pieces.

The vocabulary is that of all-MiniLM-L6-v2 (Apache-2.0). Written here because it is one page, and the library
that does it brings a client for the network with it.
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

REMEMBERED = 100_000  # words whose pieces are kept before starting afresh
LONGEST_WORD = 100  # letters; a longer word is unknown, as in BERT
# a CJK character or a sign stands alone; anything else between spaces is a word
_WORDS = re.compile(
    r"[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\U00020000-\U0002ebef]"
    r"|[^\w\s]|_|(?:(?![\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\U00020000-\U0002ebef])[^\W_])+"
)
_MARKS = re.compile(r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0670\u06d6-\u06dc]")


class WordPieces:
    """Turns texts into the numbers of their pieces, the start and end marks included."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._number = {piece: number for number, piece in enumerate(vocabulary)}
        self._start, self._end, self._unknown = (self._number[each] for each in ("[CLS]", "[SEP]", "[UNK]"))
        self._known: dict[str, list[int]] = {}

    @classmethod
    def read(cls, path: Path) -> "WordPieces":
        return cls(path.read_text(encoding="utf-8").split("\n"))

    def numbers(self, text: str, longest: int) -> list[int]:
        """At most `longest` numbers."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        found = [self._start]
        for word in _WORDS.findall(_bare(text)):
            pieces = self._known.get(word)
            if pieces is None:
                pieces = self._known[word] = self._pieces(word)
            found += pieces
            if len(found) >= longest:
                break
        return [*found[: longest - 1], self._end]

    def _pieces(self, word: str) -> list[int]:
        if len(word) > LONGEST_WORD:
            return [self._unknown]
        found, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if (number := self._number.get(piece)) is not None:
                    break
            else:
                return [self._unknown]
            found.append(number)
            start = end
        return found


def _bare(text: str) -> str:
    """Lower case without accents."""
    low = text.lower()
    return low if low.isascii() else _MARKS.sub("", unicodedata.normalize("NFD", low))
