"""A working copy of a text, undisguised and tidied, in which every character knows where it came from.

The original is evidence and stays as it is; signals are found in the copy and shown on the original.
Undone here: lone surrogates, mojibake, look-alike letters inside mixed-script words, zero-width and
direction marks between Latin letters, full-width and mathematical letters, stretched words, leet, words
spaced out or masked letter by letter, slips of the finger (`spelling.py`). Text in a script of its own comes
out as it went in.
"""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ftfy import fix_encoding
from ftfy.badness import is_bad

from classifier.spelling import DISGUISED, RANKS, is_english, joined, meant_by, mended

LAYERS = 4  # one disguise may hide another, not without end
LONGEST = 4_000  # characters read of one text; a post has 147 on average, a long thread under 3,000

_HERE = Path(__file__).parent


_ROWS = (_HERE / "confusables.tsv").read_text(encoding="utf-8").splitlines()
CONFUSABLES = dict(row.split("\t") for row in _ROWS if row and not row.startswith("#"))

_NEEDS_NOTHING = re.compile(r"[\x20-\x7e\n]*\Z")
_MOJIBAKE = re.compile(r"\S*[^\x00-\x7f]\S*")
_CLUSTER = re.compile(r"[^\x00-\x7f][\u0300-\u036f]*|[A-Za-z][\u0300-\u036f]+")
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0001-\U000e007f\U000e0100-\U000e01ef]+"
)

_REVERSED = re.compile("[\u202e]([^\u202c\n]{1,200})\u202c?")
_WORD = re.compile(r"[^\W\d_]+")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)
_LEETED = re.compile(
    r"(?<![\w$@!|])(?=[a-zA-Z$@!|]*[0134578$@!|])(?=[\d$@!|]*[A-Za-z])[\w$@!|]{3,16}(?![\w$@])"
)
_SPACED = re.compile(
    r"(?<![^\W_])[A-Za-z0-9$@]([ .\-_*·|~+/]{1,2})(?:[A-Za-z0-9$@]\1){1,60}[A-Za-z0-9$@](?![^\W_])"
)
_PLAIN_WORD = re.compile(r"(?<![\w@#'’/.-])(?:[A-Za-z]?[a-z]{3,15}|[A-Z]{4,16})(?![\w'’/-]|\.\w)")
_MASKED = re.compile(r"(?<![\w*])[A-Za-z]+[*•×#]{1,6}[A-Za-z]+(?![\w*])")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u2028\u2029\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_ENDLESS = re.compile(r"\S{200}(?=\S)")  # spaCy's splitter takes quadratic time over one endless word
_SURROGATE = re.compile("[\ud800-\udfff]")


class Working(NamedTuple):
    """`text` is the working copy; `offsets[i]` is where its character i begins in the original, None if all
    are in their place. `disguises` says what had to be undone."""

    text: str
    offsets: list[int] | None = None
    disguises: tuple[str, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's characters that stand for text[start:end]."""
        if self.offsets is None:
            return start, end
        first = self.offsets[start]
        return first, max(self.offsets[end], first + 1) if end > start else first


def normalise(original: str) -> Working:
    """The working copy of the first LONGEST characters. Never raises; doing it twice changes nothing more."""
    text = original[:LONGEST]
    plain = _NEEDS_NOTHING.match(text) is not None
    copy = _Copy(text)
    if plain and not any(odd.search(text) for odd in (_STRETCHED, _LEETED, _SPACED, _MASKED, _ENDLESS)):
        _undo_slips(copy)
        return Working(copy.text, copy.offsets)
    for _layer in range(0 if plain else LAYERS):
        before = copy.text
        _undo_unicode(copy)
        if copy.text == before:
            break
    copy.replace(_ENDLESS, lambda found: found[0] + " ")
    copy.replace(_STRETCHED, _squeeze)
    copy.replace(_SPACED, _join, "spaced-out letters")
    copy.replace(_LEETED, _unleet, "digits and signs for letters")
    copy.replace(_MASKED, _unmask, "masked letters")
    _undo_slips(copy)
    return Working(copy.text, copy.offsets, tuple(dict.fromkeys(copy.disguises)))


def _undo_unicode(copy: "_Copy") -> None:
    copy.replace(_SURROGATE, lambda _found: "\ufffd")
    copy.replace(_CONTROL, lambda _found: " ")
    if copy.text.isascii():
        return
    if is_bad(copy.text):
        copy.replace(_MOJIBAKE, lambda found: fix_encoding(found[0]))
    copy.replace(_REVERSED, lambda found: found[1][::-1], "reversed text")
    copy.replace(_HIDDEN, lambda found: _seen(found, copy.text), "hidden characters")
    copy.replace(_CLUSTER, lambda found: _plain(found[0]))
    text = copy.text
    if copy.replace(_WORD, lambda found: _unmixed(found[0]), "look-alike letters") and _mostly_latin(text):
        copy.replace(_WORD, lambda found: _folded(found[0]))


def _undo_slips(copy: "_Copy") -> None:
    """Words no one knows become those they are one slip from, where most other words are known."""
    slipped = {word for word in _PLAIN_WORD.findall(copy.text) if word not in RANKS and mended(word)}
    if slipped and is_english(copy.text):
        copy.replace(_PLAIN_WORD, lambda found: mended(found[0]) or found[0])


class _Copy:
    """A text being rewritten, with the original place of every character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offsets: list[int] | None = None
        self.disguises: list[str] = []

    def replace(
        self, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str], disguise: str = ""
    ) -> bool:
        """Rewrite every match; True when any changed. A disguise is noted when one did."""
        kept: list[str] = []
        places: list[int] = []
        offsets = self.offsets
        at = 0
        for found in pattern.finditer(self.text):
            new = by(found)
            if new == found[0]:
                continue
            offsets = offsets or list(range(len(self.text) + 1))
            start, end = found.span()
            kept += (self.text[at:start], new)
            places += offsets[at:start]
            places += [offsets[min(start + i, end - 1)] for i in range(len(new))]
            at = end
        if not kept or offsets is None:
            return False
        self.text = "".join(kept) + self.text[at:]
        self.offsets = places + offsets[at:]
        if disguise:
            self.disguises.append(disguise)
        return True


def _seen(found: re.Match[str], text: str) -> str:
    """Hidden characters go, but joiners and direction marks stay beside letters of the scripts that need them."""
    before, after = text[: found.start()][-1:], text[found.end() :][:1]
    needed = any(each and ord(each) > 0x58F and not "\u2000" <= each <= "\u206f" for each in (before, after))
    return found[0] if needed else ""


def _plain(cluster: str) -> str:
    """Latin letters and digits in fancy dress become ordinary ones; all else stays."""
    made = unicodedata.normalize("NFKC", cluster)
    if "\uff01" <= cluster <= "\uff5e":  # full-width signs
        return made
    if made == cluster or not (
        made.isalnum() and unicodedata.name(made[0], "").startswith(("LATIN", "DIGIT"))
    ):
        return cluster
    return made


def _unmixed(word: str) -> str:
    """Look-alikes folded when the word also has plain Latin letters; a word in one script stays."""
    if word.isascii() or not any("a" <= each <= "z" for each in word.lower()):
        return word
    if not any(each in CONFUSABLES for each in word):
        bare = "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))
        return bare if bare.lower() in DISGUISED else word
    return _folded(word, whole=False)


def _folded(word: str, *, whole: bool = True) -> str:
    if whole and not all(each in CONFUSABLES for each in word):
        return word
    return "".join(CONFUSABLES.get(each, each) for each in word)


def _mostly_latin(text: str) -> bool:
    letters = [each for each in text if each.isalpha()]
    return sum(each.isascii() for each in letters) > 0.5 * len(letters)


def _squeeze(found: re.Match[str]) -> str:
    """`poliiice` to `police`; `www` and Roman numerals stay."""
    return found[0] if found[1] in "wWxXI" else found[1]


def _join(found: re.Match[str]) -> str:
    letters = found[0].replace(found[1], "")
    if not letters.isalpha():
        return meant_by(letters) or found[0]
    return joined(letters) or found[0]


def _unleet(found: re.Match[str]) -> str:
    word = found[0].rstrip("!")
    if word[:1] == "@" and word[1:].isalpha():  # an account
        return found[0]
    meant = meant_by(word)
    return meant + "!" * (len(found[0]) - len(word)) if meant else found[0]


def _unmask(found: re.Match[str]) -> str:
    shape = re.compile(re.sub(r"[*•×#]", "[a-z]", found[0].lower()))
    return next((word for word in sorted(DISGUISED) if shape.fullmatch(word)), found[0])
