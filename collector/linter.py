"""The linter of collection terms: what we look for describes events and places, never a person, an account or a
group of people who protest. It refuses and says why; the lists of names are `config/lexicons/refused_terms.toml`.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

HANDLE = re.compile(
    r"@|\bdid:|\bat://|(?:^|\s)/?(?:u|user)/|\b(?:from|to|author|user|account|channel|list|retweets_of):",
    re.IGNORECASE,
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
PLEA = re.compile(r"(?:justicefor|justice4|restinpeace)(\w{3,})")
SHORT_PLEAS = ("rip", "free", "remember", "iam", "weare")
KEYS = {"given_names", "groups", "no_names", "place_words"}


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
    ) -> None:
        """`no_names` are words that may follow a title or a given name without making a person of it;
        `place_words` make a street or a park of one or two names before them."""
        self.given_names = {each.lower() for each in given_names}
        self.groups = {_squeezed(each): each for each in groups}
        self.place_words = {each.lower() for each in place_words}
        self.no_names = {each.lower() for each in no_names} | self.place_words

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Self:
        """The linter with the lists of these files. Raises LintError."""
        lists: dict[str, list[str]] = {key: [] for key in KEYS}
        for path in paths:
            for key, names in _read(path).items():
                lists[key] += names
        return cls(lists["given_names"], lists["groups"], lists["no_names"], lists["place_words"])

    def why_not(self, term: str) -> str | None:
        """Why a term may not be collected by, None when it may. `term` is a hashtag or the words of a search."""
        if HANDLE.search(term):
            return "names an account; we look for incidents, never for what one account writes"
        words = _words(term)
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
        plea = PLEA.fullmatch(squeezed)
        if (plea and plea[1] not in self.no_names) or self._short_plea(words, squeezed):
            return squeezed
        for first, second, third in zip(words, words[1:], [*words[2:], ""], strict=False):
            named = first in TITLES or first in self.given_names
            if named and self._may_be_name(second) and third not in self.place_words:
                return f"{first} {second}"
        return squeezed if len(words) == 1 and words[0] in self.given_names else None

    def _short_plea(self, words: Sequence[str], squeezed: str) -> bool:
        """A word like RIP before what may be a name, or written together with a given name."""
        if len(words) > 1 and words[0] in SHORT_PLEAS:
            return self._may_be_name(words[1])
        starts = [plea + name for plea in SHORT_PLEAS for name in self.given_names if len(name) > 3]
        return len(words) == 1 and squeezed.startswith(tuple(starts))

    def _may_be_name(self, word: str) -> bool:
        return word.isalpha() and len(word) > 1 and word not in self.no_names


def _words(term: str) -> list[str]:
    """The words of a term in small letters; a hashtag in CamelCase is taken apart."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", term)
    return re.findall(r"[^\W_]+", apart.lower())


def _squeezed(name: str) -> str:
    return "".join(re.findall(r"[^\W_]+", name.lower()))


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
