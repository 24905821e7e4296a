"""What may not leave the full copy: rules that read words and say where somebody could be known by them.

The rules are config/review/pack-checks.toml. They read chunks of text, such as the paragraphs and cells of a finished
file, folded so that odd digits, dashes and invisible characters hide nothing. A finding says where and by which rule,
never what stood there.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from triage.checking_names import Known, names_in

DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
KNOWN = "known"
SHORTEST_KNOWN = 4
RUNS = re.compile(r"[^\S\n]+")


class PackChecksError(ValueError):
    """The rules cannot be read; the message names file, key and reason."""


class Found(NamedTuple):
    """That a rule found something in a chunk, from `start` to `end` of its folded text. It never holds the words."""

    rule: str
    chunk: int
    start: int
    end: int
    why: str


class Check(BaseModel):
    """One rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    why: Annotated[str, Field(min_length=5, max_length=100)]
    kind: Literal["pattern", "names", "terms"] = "pattern"
    patterns: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    cased: bool = False

    @field_validator("patterns", "unless")
    @classmethod
    def _are_expressions(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for each in given:
            try:
                re.compile(each)
            except re.error as error:
                raise ValueError(f"{each!r} is no regular expression: {error}") from error
        return given

    @cached_property
    def found(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(each, 0 if self.cased else re.IGNORECASE) for each in self.patterns)

    @cached_property
    def excused(self) -> re.Pattern[str]:
        return re.compile("|".join(self.unless) or r"(?!)")


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    check: tuple[Check, ...] = Field(min_length=1)


class Checks(NamedTuple):
    """The rules, and what names something else than a person."""

    rules: tuple[Check, ...]
    names: Known


def read_pack_checks(path: Path, names: Known) -> Checks:
    """Raises PackChecksError."""
    try:
        rules = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).check
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PackChecksError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise PackChecksError(f"{path}: {error}") from error
    return Checks(rules, names)


def findings_in(
    chunks: Sequence[str], checks: Checks, *, known: Iterable[str] = (), ours: Iterable[str] = ()
) -> list[Found]:
    """Every place in these chunks where somebody could be known. `known` are words that must be nowhere, such as the
    names in the case material; `ours` are strings of the pack's own, such as digests, which are passed over."""
    passed = re.compile("|".join(re.escape(fold(each)) for each in ours if each) or r"(?!)")
    words = _any_of(known)
    found: list[Found] = []
    for place, chunk in enumerate(chunks):
        text = passed.sub(lambda match: "_" * len(match[0]), fold(chunk))
        found += (
            Found(KNOWN, place, *match.span(), "words of the case material")
            for match in words.finditer(text.lower())
        )
        for rule in checks.rules:
            found += (Found(rule.name, place, *span, rule.why) for span in _spans(rule, text, checks.names))
    return found


def fold(text: str) -> str:
    """The text as it reads: odd digits and letters as the plain ones, dashes alike, nothing invisible."""
    plain = unicodedata.normalize("NFKC", text).translate(DASHES)
    digits = (
        str(unicodedata.digit(char)) if char.isdigit() and not char.isascii() else char for char in plain
    )
    seen = "".join(char for char in digits if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf"))
    return RUNS.sub(" ", seen)


def names_said(text: str, names: Known) -> Iterator[str]:
    """What must be names of people in a text, as they stand there."""
    folded = fold(text)
    for each in names_in(folded, names):
        if each.sure:
            yield folded[each.start : each.end]


def matches_of(text: str, checks: Checks) -> Iterator[str]:
    """What identifies somebody in a text by its form, such as numbers and addresses, as it stands there."""
    folded = fold(text)
    for rule in checks.rules:
        if rule.kind == "pattern":
            yield from (folded[start:end] for start, end in _spans(rule, folded, checks.names))


def _spans(rule: Check, text: str, names: Known) -> Iterator[tuple[int, int]]:
    if rule.kind == "names":
        yield from ((each.start, each.end) for each in names_in(text, names) if each.sure)
        return
    for pattern in rule.found:
        for match in pattern.finditer(text):
            if not rule.excused.fullmatch(match[0]):
                yield match.span()


def _any_of(known: Iterable[str]) -> re.Pattern[str]:
    """One expression for all words that must be nowhere, the longest first."""
    told = {fold(each).lower().strip() for each in known}
    listed = sorted(
        (each for each in told if len(each) >= SHORTEST_KNOWN), key=lambda each: (-len(each), each)
    )
    if not listed:
        return re.compile(r"(?!)")
    return re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(each) for each in listed)})(?!\w)")
