"""Amplifiers: who passes a line on in a borough, by kind of outlet. Posts and desks, never a person."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

PERSONAL = re.compile(r"@|\d{5}|\b(?:Mr|Mrs|Ms|Dr|PC|Sgt|Cllr)\b")


class AmplifiersError(ValueError):
    """The list cannot be used; the message names file, key and reason."""


def _a_post(name: str) -> str:
    if PERSONAL.search(name):
        raise ValueError(f"{name!r} looks like a person, an address or a number; name the desk or the post")
    return name


Post = Annotated[str, Field(min_length=3, max_length=80), AfterValidator(_a_post)]
Posts = tuple[Post, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Everywhere(_Part):
    """Those told of every line. `sources` are names in `sources.toml`."""

    television: Posts = Field(min_length=1)
    radio: Posts = ()
    agencies: Posts = ()
    city: Posts = ()
    ours: Posts = ()
    sources: tuple[str, ...] = ()


class OfBorough(_Part):
    """Those of one borough."""

    name: str
    council: Post
    police: Post
    community: Posts = ()
    sources: tuple[str, ...] = ()


class Outlet(NamedTuple):
    """One outlet. Of kind `hyperlocal` and `press` the name is that of a source we watch."""

    kind: str
    name: str


class Amplifiers(_Part):
    """The whole list."""

    owner: Post
    review_on: date
    everywhere: Everywhere
    borough: tuple[OfBorough, ...]

    def of(self, borough: str | None) -> tuple[Outlet, ...]:
        """Whom to tell of a line about this borough, the nearest first; without one, those of all London."""
        return (*self._near(borough), *self._wide())

    def _near(self, borough: str | None) -> Iterator[Outlet]:
        for each in self.borough:
            if each.name == borough:
                yield Outlet("council", each.council)
                yield Outlet("police", each.police)
                yield from (Outlet("hyperlocal", name) for name in each.sources)
                yield from (Outlet("community", name) for name in each.community)

    def _wide(self) -> Iterator[Outlet]:
        for kind in ("ours", "city", "television", "radio", "agencies"):
            yield from (Outlet(kind, name) for name in getattr(self.everywhere, kind))
        yield from (Outlet("press", name) for name in self.everywhere.sources)


def read_amplifiers(path: Path) -> Amplifiers:
    """The list. Raises AmplifiersError, also for a borough that is there twice."""
    try:
        made = Amplifiers.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise AmplifiersError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from error
    except (OSError, ValueError) as error:
        raise AmplifiersError(f"{path}: {error}") from error
    names = [each.name for each in made.borough]
    for name in names:
        if names.count(name) > 1:
            raise AmplifiersError(f"{path}: borough: {name!r} is there twice")
    return made
