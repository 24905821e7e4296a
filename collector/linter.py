"""The linter of collection terms: what we look for describes events and places, never a person, an account or a
group of people who protest. It refuses and says why; the lists of names are `config/lexicons/refused_terms.toml`.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self
from unicodedata import category, normalize

from collector.folding import LOOKALIKES

HANDLE = re.compile(
    r"@|\bdid:|\bat://|[\[({]\s*at\s*[\])}]|(?:^|\s)/?\s*(?:u|user)\s*/"
    r"|\b(?:from|to|author|user|account|channel|list|retweets_of)\s*:"
    r"|\b(?:bsky|mastodon|threads|tiktok|instagram|facebook|twitter|youtube|reddit|linkedin|snapchat|nextdoor)"
    r"\s*(?:\.|\bdot\b)\s*(?:app|com|me|net|social)\b|\b(?:x\.com|t\.me|fb\.com|youtu\.be)\b|\.bsky\b|\bdot bsky\b",
    re.IGNORECASE,
)
NUMBER = re.compile(
    r"\b(?:pc|ps|dc|sgt|officer)\s?#?\d{2,5}[a-z]{0,2}\b|\b(?:collar|shoulder) number\b", re.IGNORECASE
)
TITLES = (
    "pc",
    "wpc",
    "dc",
    "ps",
    "sgt",
    "sergeant",
    "inspector",
    "insp",
    "constable",
    "officer",
    "superintendent",
    "commissioner",
    "commander",
    "cllr",
    "councillor",
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "sir",
    "lady",
    "imam",
    "rabbi",
    "reverend",
)
PLEAS = (
    ("justice", "for"),
    ("justice", "4"),
    ("justice4",),
    ("justicefor",),
    ("rest", "in", "peace"),
    ("rest", "in", "power"),
    ("in", "memory", "of"),
    ("who", "killed"),
    ("say", "his", "name"),
    ("say", "her", "name"),
    ("truth", "for"),
    ("answers", "for"),
)
SQUEEZED_PLEA = re.compile(r"(?:justicefor|justice4|restinpeace|restinpower)(\w{3,})")
SHORT_PLEAS = ("rip", "free", "remember", "iam", "weare")
KEYS = {"given_names", "groups", "no_names", "place_words", "places"}
SINGLE = 4  # letters apart from each other that make a word: d a n i e l
PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
)
DISGUISED = str.maketrans("013457$!", "oieastsi")  # digits and signs put for letters
_DIGITS = re.compile(r"[\d$!]+(?=[^\W\d_])|(?<=[^\W\d_])[\d$!]+")


class LintError(ValueError):
    """The lists of the linter are wrong; the message names file, key and reason."""


class Linter:
    """Refuses terms. Without lists it still knows handles, titles and the forms of a plea for a person."""

    def __init__(
        self,
        given_names: Iterable[str] = (),
        groups: Iterable[str] = (),
        no_names: Iterable[str] = (),
        place_words: Iterable[str] = (),
        places: Iterable[str] = (),
    ) -> None:
        """`no_names` are words that may follow a title or a given name without making a person of it;
        `place_words` make a street or a park of one or two names before them; `places` are called like a person."""
        self.given_names = {_plain(each) for each in given_names}
        self.groups = {_squeezed(each): each for each in groups}
        self.place_words = {each.lower() for each in place_words}
        self.no_names = {each.lower() for each in no_names} | self.place_words
        self.places = {each.lower() for each in places}

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Self:
        """The linter with the lists of these files. Raises LintError."""
        lists: dict[str, list[str]] = {key: [] for key in KEYS}
        for path in paths:
            for key, names in _read(path).items():
                lists[key] += names
        return cls(**lists)

    def why_not(self, term: str) -> str | None:
        """Why a term may not be collected by, None when it may. `term` is a hashtag or the words of a search."""
        shown = "".join(each for each in normalize("NFKC", term) if category(each) != "Cf")
        if HANDLE.search(shown):
            return "names an account; we look for incidents, never for what one account writes"
        if NUMBER.search(shown):
            return "names an officer by number; look for the event and the place instead"
        for words in dict.fromkeys(_readings(shown)):
            group = self._group(words)
            if group:
                return f"names a group that protests ({group}); look for the event and the place instead"
            person = self._person(words)
            if person:
                return f"looks like the name of a person ({person}); look for the event and the place instead"
        return None

    def _group(self, words: Sequence[str]) -> str | None:
        """A group whose name stands in the term, as whole words or written together."""
        for start in range(len(words)):
            for end in range(start + 1, len(words) + 1):
                found = self.groups.get("".join(words[start:end]))
                if found:
                    return found
        return None

    def _person(self, words: Sequence[str]) -> str | None:
        squeezed = "".join(words)
        plea = SQUEEZED_PLEA.fullmatch(squeezed)
        if (plea and plea[1] not in self.no_names) or self._short_plea(words, squeezed):
            return squeezed
        pleaded = self._pleaded(words)
        if pleaded:
            return pleaded
        for before, first, second, third in zip(
            ["", *words], words, words[1:], [*words[2:], ""], strict=False
        ):
            named = first in TITLES or (first in self.given_names and before != "st")
            if named and self._may_be_name(second) and third not in self.place_words:
                return f"{first} {second}"
        alone = [word for word in words if self._is_handle(word)]
        if alone:
            return alone[0]
        return squeezed if len(words) == 1 and words[0] in self.given_names - self.places else None

    def _pleaded(self, words: Sequence[str]) -> str | None:
        """For whom a plea such as `justice for` is made, anywhere in the term."""
        for plea in PLEAS:
            for start in range(len(words) - len(plea)):
                end = start + len(plea)
                if tuple(words[start:end]) == plea and self._may_be_name(words[end]):
                    return " ".join(words[start : end + 1])
        return None

    def _is_handle(self, word: str) -> bool:
        """A given name and a number, as accounts are called."""
        bare = word.rstrip("0123456789")
        return len(bare) > 3 and len(word) - len(bare) > 1 and bare in self.given_names

    def _short_plea(self, words: Sequence[str], squeezed: str) -> bool:
        """A word like RIP before what may be a name, or written together with a given name."""
        if len(words) > 1 and words[0] in SHORT_PLEAS:
            return self._may_be_name(words[1])
        starts = [plea + name for plea in SHORT_PLEAS for name in self.given_names if len(name) > 3]
        return len(words) == 1 and squeezed.startswith(tuple(starts))

    def _may_be_name(self, word: str) -> bool:
        return word.isalpha() and len(word) > 1 and word not in self.no_names


def _readings(term: str) -> Iterator[tuple[str, ...]]:
    """The words of a term, and the words it has when digits and signs stand for letters."""
    words = _words(term)
    yield words
    if any(not each.isalpha() for each in words) or "$" in term or "!" in term:
        unmasked = _DIGITS.sub(lambda found: found[0].translate(DISGUISED), term)
        yield _words(unmasked)


def _words(term: str) -> tuple[str, ...]:
    """The words of a term in small plain letters; a hashtag in CamelCase is taken apart, single letters join."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", term)
    words: list[str] = []
    single: list[str] = []
    for word in [*re.findall(r"[^\W_]+", _plain(apart)), ""]:
        if len(word) == 1:
            single.append(word)
            continue
        words += ["".join(single)] if len(single) >= SINGLE else single
        single = []
        words += [word] if word else []
    return tuple(words)


def _plain(text: str) -> str:
    """Small letters without accents; letters of other scripts that stand inside a Latin word as what they look like."""
    small = normalize("NFKD", text.casefold()).translate(PLAIN)
    bare = normalize("NFC", "".join(each for each in small if category(each) != "Mn"))
    return re.sub(r"[^\W_]+", lambda word: _one_script(word[0]), bare)


def _one_script(word: str) -> str:
    return word.translate(LOOKALIKES) if re.search(r"[a-z]", word) else word


def _squeezed(name: str) -> str:
    return "".join(re.findall(r"[^\W_]+", _plain(name)))


def _read(path: Path) -> dict[str, list[str]]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LintError(f"{path}: {error}") from error
    for key, names in found.items():
        if key not in KEYS:
            raise LintError(f"{path}: key {key}: only {', '.join(sorted(KEYS))} may stand here")
        if not isinstance(names, list) or not all(isinstance(each, str) and each.strip() for each in names):
            raise LintError(f"{path}: key {key}: must be a list of names")
    return found
