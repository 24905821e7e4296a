"""Facts a statement may rest on: what they are called, what sort of thing each is, and whether a value is one.

`config/statements/facts.toml` lists them. `FactKinds.clean` gives the value as it may be said, or refuses it; pages ask
it before a fact is kept, templates before one is filled in. A fact counts once a named person has verified it.
"""

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple
from unicodedata import category, normalize

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

MARKUP = re.compile(r"[{}<>\[\]`|]|https?://|www\.", re.IGNORECASE)


class FactError(ValueError):
    """A value is not what its fact asks for, or the list of facts is wrong; the message is made for people."""


class Fact(NamedTuple):
    """One thing known of a case, with where it is known from. Nobody has verified it while `verified_by` is empty."""

    name: str
    value: str
    source: str
    verified_by: str | None = None
    verified_at: datetime | None = None

    @property
    def verified(self) -> bool:
        return bool(self.verified_by and self.verified_at and self.source.strip())


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sort(_Part):
    """What a value of one sort looks like. `like` is a regular expression that all of it must fit."""

    longest: Annotated[int, Field(ge=1, le=300)]
    like: str
    say: Annotated[str, Field(min_length=3, max_length=200)]

    @model_validator(mode="after")
    def _must_be_an_expression(self) -> "Sort":
        try:
            re.compile(self.like)
        except re.error as error:
            raise ValueError(f"like: {error}") from error
        return self


class NamedFact(_Part):
    """One fact by its name. `longest` is the longest value it takes, to try templates out with.

    `ours` marks what the service knows by itself, such as the number of the case: nobody types it.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    title: Annotated[str, Field(min_length=2, max_length=80)]
    sort: str
    ask: Annotated[str, Field(min_length=5, max_length=200)]
    longest: Annotated[str, Field(min_length=1, max_length=300)]
    ours: bool = False


class FactKinds(_Part):
    """The whole file: sorts by name, and every fact there is."""

    sorts: dict[str, Sort]
    fact: tuple[NamedFact, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _must_fit_together(self) -> "FactKinds":
        names = [each.name for each in self.fact]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"fact {name!r} is there twice")
        for each in self.fact:
            if each.sort not in self.sorts:
                raise ValueError(f"fact {each.name!r}: sort {each.sort!r} is none of {', '.join(self.sorts)}")
            _clean(each, self.sorts[each.sort], each.longest)
        return self

    @property
    def names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.fact)

    def of(self, name: str) -> NamedFact:
        """Raises FactError for a name that is none."""
        for each in self.fact:
            if each.name == name:
                return each
        raise FactError(f"{name!r} is no fact; config/statements/facts.toml lists them")

    def clean(self, name: str, value: str) -> str:
        """The value as it may be said: one line, no markup, as its sort asks. Raises FactError, made for people."""
        fact = self.of(name)
        return _clean(fact, self.sorts[fact.sort], value)


def _clean(fact: NamedFact, sort: Sort, value: str) -> str:
    plain = " ".join(normalize("NFC", value).split())
    if any(category(each) in ("Cc", "Cf", "Co", "Cs") for each in plain):
        raise FactError(f"{fact.title}: there are characters in it that cannot be seen; type it anew")
    if MARKUP.search(plain):
        raise FactError(f"{fact.title}: plain words only, without links, brackets or code")
    if len(plain) > sort.longest:
        raise FactError(f"{fact.title}: {len(plain)} characters, {sort.longest} are allowed")
    if not re.fullmatch(sort.like, plain, re.IGNORECASE):
        raise FactError(f"{fact.title}: {sort.say}")
    return plain.lower() if plain.lower() in ("yes", "no") else plain


def read_fact_kinds(path: Path) -> FactKinds:
    """The facts there are. Raises FactError naming file, key and reason."""
    try:
        return FactKinds.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise FactError(f"{path}: {key or 'file'}: {first['msg'].removeprefix('Value error, ')}") from error
    except (OSError, ValueError) as error:
        raise FactError(f"{path}: {error}") from error
