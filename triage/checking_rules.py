"""The rules a draft is checked by, read from `config/statements/checks*.toml`. A wrong file is refused with file, key
and reason.

A `[[check]]` has a name (several may share one), a kind (triage/checking_kinds.py), `why` and `source`, which a writer
is shown, and `blocks`. `patterns` are regular expressions, without regard to case; `{word}` in one stands for the
expression of that name under `[words]`. A match does not count where `unless` is found in its clause or `unless_after`
right behind it. `flag` names a flag of the context that must be set, `unless_flag` one that must not be,
`unless_fact` a fact that must not be verified, `fact` one whose verified words may be said or, where something is
missing, whose clock time is enough, `variants` the wordings it is for. With `supported = true` words stand where the
verified facts say as much. With `questions = false` lines that begin with Q: are passed over; `heading_only` leaves out
the first sentence. `heard` are the acts a sentence is heard as (triage/checking_sense.py); it warns from `most` and
stops from `blocks_from`. How far what rules find in a sentence is believed there is learnt (triage/checking_trust.py).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage.checking_context import VARIANTS, Context

Kind = Literal[
    "pattern",
    "names",
    "missing",
    "flag",
    "together",
    "facts",
    "promised",
    "stated",
    "conflict",
    "expiry",
    "headline",
    "reading",
    "unsupported",
    "heard",
    "untold",
]
Flag = Literal[
    "active_proceedings",
    "child",
    "sexual_offence",
    "bwv_viewed",
    "apology_approved",
    "finding_made",
    "corrects",
    "final",
]
Line = Annotated[str, Field(min_length=5, max_length=300)]

_WORD = re.compile(r"\{([a-z_]+)\}")


class ChecksError(ValueError):
    """The rules cannot be used; the message names file, key and reason."""


class Check(BaseModel):
    """One rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    kind: Kind = "pattern"
    why: Line
    source: Line
    blocks: bool = True
    warns_in: tuple[str, ...] = ()
    reader: bool = False
    always: bool = False
    asking: bool = False
    patterns: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    unless_after: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    cased: bool = False
    questions: bool = True
    heading_only: bool = False
    supported: bool = False
    flag: Flag | None = None
    unless_flag: Flag | None = None
    variants: tuple[str, ...] = ()
    fact: str = ""
    unless_fact: str = ""
    most: float = 0
    heard: tuple[str, ...] = ()
    blocks_from: float = 0

    @cached_property
    def found(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(each, 0 if self.cased else re.IGNORECASE) for each in self.patterns)

    @cached_property
    def excused(self) -> re.Pattern[str] | None:
        return re.compile("|".join(self.unless), re.IGNORECASE) if self.unless else None

    @cached_property
    def excused_after(self) -> re.Pattern[str] | None:
        return (
            re.compile(rf"\W{{0,3}}(?:{'|'.join(self.unless_after)})", re.IGNORECASE)
            if self.unless_after
            else None
        )

    @cached_property
    def places(self) -> re.Pattern[str] | None:
        return re.compile("|".join(self.where), re.IGNORECASE) if self.where else None

    def applies(self, context: Context) -> bool:
        """Whether this rule is asked at all."""
        if self.name in context.cleared:
            return False
        if self.variants and context.variant not in self.variants:
            return False
        if self.unless_flag and getattr(context, self.unless_flag):
            return False
        if self.unless_fact and context.value(self.unless_fact):
            return False
        return not (self.flag and not getattr(context, self.flag))


class Lists(BaseModel):
    """Words the recognisers need: see `config/statements/checks-names.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    titles: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    body_words: tuple[str, ...] = ()
    body_starts: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    surnames: tuple[str, ...] = ()
    introduced: tuple[str, ...] = ()
    numbers_allowed: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


class Checks(BaseModel):
    """All files together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: tuple[Check, ...] = ()
    lists: Lists = Lists()


def read_checks(paths: Iterable[Path]) -> Checks:
    """The rules of some files. Raises ChecksError."""
    read = _read_all(paths)
    words = {
        name: f"(?:{said})" for path, whole in read for name, said in _table(path, whole, "words").items()
    }
    lists = _lists(read)
    tables: list[Check] = []
    for path, whole in read:
        tables += [
            _check(path, number, table, words) for number, table in enumerate(whole.pop("check", []), 1)
        ]
        if whole:
            raise ChecksError(f"{path}: {next(iter(whole))}: only [words], [lists] and [[check]] belong here")
    return Checks(check=tuple(tables), lists=lists)


def read_lists(paths: Iterable[Path]) -> Lists:
    """The lists of some files alone. Raises ChecksError."""
    return _lists(_read_all(paths))


def _lists(read: Iterable[tuple[Path, dict[str, Any]]]) -> Lists:
    lists: dict[str, tuple[str, ...]] = {}
    for path, whole in read:
        for name, more in _table(path, whole, "lists").items():
            if name not in Lists.model_fields or not isinstance(more, list):
                raise ChecksError(
                    f"{path}: lists.{name}: there are {', '.join(Lists.model_fields)}, each a list"
                )
            lists[name] = (*lists.get(name, ()), *more)
    try:
        return Lists.model_validate(lists)
    except ValidationError as error:
        first = error.errors()[0]
        raise ChecksError(f"{path}: lists.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _read_all(paths: Iterable[Path]) -> list[tuple[Path, dict[str, Any]]]:
    return [(path, _read(path)) for path in sorted(paths)]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ChecksError(f"{path}: {error}") from error


def _table(path: Path, whole: dict[str, Any], name: str) -> dict[str, Any]:
    table = whole.pop(name, {})
    if not isinstance(table, dict):
        raise ChecksError(f"{path}: {name}: must be a table")
    return table


def _check(path: Path, number: int, table: Mapping[str, Any], words: Mapping[str, str]) -> Check:
    where = f"{path}: check {table.get('name', number)!r}"
    try:
        spelt = {
            key: [_WORD.sub(lambda match: words[match[1]], each) for each in table[key]]
            for key in ("patterns", "unless", "unless_after", "where")
            if key in table
        }
        check = Check.model_validate({**table, **spelt})
        _ = (check.found, check.excused, check.excused_after, check.places)
    except ValidationError as error:
        first = error.errors()[0]
        raise ChecksError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except KeyError as error:
        raise ChecksError(f"{where}: {error} stands under no [words]") from error
    except re.error as error:
        raise ChecksError(f"{where}: patterns: {error}") from error
    for variant in check.variants:
        if variant not in (*VARIANTS, "answer"):
            raise ChecksError(f"{where}: variants: {variant!r} is none of {', '.join(VARIANTS)}, answer")
    return check
