"""Disguises: how people hide what a text says from a machine while others still read it, each with a fixed seed."""

import random
from collections.abc import Callable, Mapping

from classifier.normalise import CONFUSABLES

HIDDEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069"
SIGNS = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "l": "1"}
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_ALIKE: dict[str, list[str]] = {}
for _odd, _plain in CONFUSABLES.items():
    _ALIKE.setdefault(_plain, []).append(_odd)


def hidden_between(text: str, chance: random.Random, *, among: str = HIDDEN) -> str:
    """After one letter in three a character that cannot be seen."""
    return "".join(each + chance.choice(among) if _hit(each, chance, 1 / 3) else each for each in text)


def marked(text: str, chance: random.Random) -> str:
    """After one letter in three a mark of direction."""
    return hidden_between(text, chance, among=MARKS)


def reversed_words(text: str, chance: random.Random) -> str:
    """One long word in two written backwards, with a mark that shows it forwards."""
    return _by_word(text, chance, lambda word: f"\u202e{word[::-1]}\u202c")


def full_width(text: str, chance: random.Random) -> str:  # noqa: ARG001  one signature for all
    """Every letter and digit in its wide form."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" < each <= "~" and each.isalnum() else each for each in text)


def look_alike(text: str, chance: random.Random) -> str:
    """Three letters in ten as a letter of another script that looks the same, where there is one."""
    return "".join(
        chance.choice(_ALIKE[each]) if each in _ALIKE and _hit(each, chance, 0.3) else each for each in text
    )


def leet(text: str, chance: random.Random) -> str:
    """In one long word in two, digits and signs for every letter that has one."""
    return _by_word(
        text, chance, lambda word: "".join(chance.choice(SIGNS.get(each.lower(), each)) for each in word)
    )


def spaced(text: str, chance: random.Random) -> str:
    """One long word in two spaced out letter by letter."""
    return _by_word(text, chance, " ".join)


def slips(text: str, chance: random.Random) -> str:
    """One slip of the finger in ten letters: left out, doubled, swapped with the next, or the next key."""
    made, at = [], 0
    while at < len(text):
        each, following = text[at], text[at + 1 : at + 2]
        at += 1
        if not _hit(each, chance, 0.1):
            made.append(each)
            continue
        slip = chance.choice(("left", "doubled", "swapped", "key"))
        if slip == "doubled":
            made.append(each * 2)
        elif slip == "swapped" and following.isalpha():
            made.append(following + each)
            at += 1
        elif slip == "key":
            made.append(_next_key(each, chance))
    return "".join(made)


DISGUISES: Mapping[str, Callable[[str, random.Random], str]] = {
    "zero width": hidden_between,
    "direction marks": marked,
    "reversed": reversed_words,
    "full width": full_width,
    "look-alikes": look_alike,
    "leet": leet,
    "spaced out": spaced,
    "slips": slips,
}


def disguise(name: str, text: str, seed: str) -> str:
    """A text in one of DISGUISES, the same on every machine for one seed."""
    return DISGUISES[name](text, random.Random(f"{name} {seed}"))  # noqa: S311  reproducible, not secret


def _hit(each: str, chance: random.Random, share: float) -> bool:
    return each.isascii() and each.isalpha() and chance.random() < share


def _by_word(text: str, chance: random.Random, change: Callable[[str], str]) -> str:
    """One in two of the words of four letters and more."""
    return " ".join(
        change(word)
        if len(word) > 3 and word.isascii() and word.isalpha() and chance.random() < 0.5
        else word
        for word in text.split(" ")
    )


def _next_key(each: str, chance: random.Random) -> str:
    row = next((row for row in KEYS if each.lower() in row), each)
    at = row.find(each.lower())
    other = chance.choice([row[i] for i in (at - 1, at + 1) if 0 <= i < len(row)] or [each])
    return other.upper() if each.isupper() else other
