"""Words of one meaning, from `config/lexicons/signals*.toml`, found in one pass over a text.

A file holds `[[lexicon]]` tables: `name` (unique), `signal` (the file in `classifier/signals/` that reads
it), `says` (the officer reads it before the words), `score` 0..1, `words`; and where they apply `label`
(what it speaks for), `part` of severity and `harm` or other weight in it. A word ending in `*` also
begins longer words; one written with a capital only counts with it.
"""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind
from pydantic import BaseModel, ConfigDict, Field, ValidationError

PARTS = ("harm", "conduct", "vulnerability", "false_information", "officer_safety")


class LexiconError(ValueError):
    """A lexicon file is wrong; the message names file, key and reason."""


class Lexicon(BaseModel):
    """Words of one meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    signal: str
    says: str
    score: float = Field(ge=0, le=1)
    words: tuple[str, ...] = Field(min_length=1)
    label: str = ""
    part: str = ""
    weight: float = Field(default=0.0, ge=0, le=4)
    even_if_denied: bool = False


class Hit(NamedTuple):
    """A lexicon's word at text[start:end] of the working copy."""

    lexicon: Lexicon
    start: int
    end: int


class Lexicons:
    """All lexicons as one automaton."""

    def __init__(self, lexicons: Sequence[Lexicon]) -> None:
        self.lexicons = {each.name: each for each in lexicons}
        meant: dict[str, list[tuple[Lexicon, bool, str]]] = {}
        for lexicon in lexicons:
            for word in lexicon.words:
                bare = word.rstrip("*")
                cased = bare if bare != bare.lower() else ""
                meant.setdefault(bare.lower(), []).append((lexicon, word.endswith("*"), cased))
        self._meant = list(meant.values())
        self._automaton = AhoCorasick(
            list(meant), matchkind=MatchKind.Standard, implementation=Implementation.ContiguousNFA
        )

    def find(self, text: str, lowered: str) -> dict[str, list[Hit]]:
        """Hits by signal, in order of place; a hit inside a longer one of the same signal is left out."""
        found: dict[str, list[Hit]] = {}
        for number, start, end in self._automaton.find_matches_as_indexes(lowered, overlapping=True):
            if start and lowered[start - 1].isalnum() and lowered[start].isalnum():
                continue
            inside = end < len(lowered) and lowered[end].isalnum() and lowered[end - 1].isalnum()
            for lexicon, begins, cased in self._meant[number]:
                if (inside and not begins) or (cased and text[start:end] != cased):
                    continue
                _keep(found.setdefault(lexicon.signal, []), Hit(lexicon, start, end))
        return found


def _keep(hits: list[Hit], new: Hit) -> None:
    """Matches come ordered by their end: a later one that reaches as far back swallows those before it."""
    while hits and hits[-1].start >= new.start and (hits[-1].start, hits[-1].end) != (new.start, new.end):
        hits.pop()
    if not hits or hits[-1].end <= new.start or hits[-1].end == new.end or hits[-1].start < new.start:
        hits.append(new)


def read_lexicons(paths: Iterable[Path]) -> Lexicons:
    """The lexicons of some files. Raises LexiconError naming file, key and reason."""
    found: dict[str, Lexicon] = {}
    for path in paths:
        for lexicon in _read(path):
            if lexicon.name in found:
                raise LexiconError(f"{path}: lexicon {lexicon.name!r} is there twice; give one another name")
            found[lexicon.name] = lexicon
    return Lexicons(list(found.values()))


def _read(path: Path) -> list[Lexicon]:
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        made = [Lexicon(**table) for table in tables.pop("lexicon", [])]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LexiconError(f"{path}: {error}") from error
    except ValidationError as error:
        raise LexiconError(f"{path}: {_first(error)}") from error
    if tables:
        raise LexiconError(f"{path}: {next(iter(tables))}: only [[lexicon]] tables belong here")
    for lexicon in made:
        if lexicon.part and lexicon.part not in PARTS:
            raise LexiconError(f"{path}: {lexicon.name}.part: {lexicon.part!r} is none of {', '.join(PARTS)}")
    return made


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(each) for each in first['loc'])}: {first['msg']}"
