"""Explainers: why police use a tactic, when they do not, and what a person can expect. Background, whatever the case.

`config/statements/explainers/<name>.md` hold them. They never justify one encounter, so nothing of a case is filled in.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classifier.records import IncidentType

FENCE = "+++"
SECTIONS = {
    "why": "## Why it is used",
    "when_not": "## When it is not",
    "expect": "## What you can expect",
}
BACKGROUND = "Background for every case. It says nothing about whether this was done rightly here."
Line = Annotated[str, Field(min_length=3, max_length=300)]


class ExplainerError(ValueError):
    """An explainer is wrong; the message names file, key and reason."""


class CheckedFact(BaseModel):
    """One thing an explainer rests on. `checked` once somebody has held it against its source."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    says: Line
    source: Line = Field(alias="from")
    checked: bool


class ExplainerFront(BaseModel):
    """What stands at the top of an explainer: the tactics of the review's list it is for, the classifier's labels by
    which posts speak of them, and the types of cases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
    title: Line
    tactics: tuple[str, ...] = Field(min_length=1)
    labels: tuple[Annotated[str, Field(pattern=r"^(tactic|power):[A-Za-z0-9_]{1,39}$")], ...] = ()
    types: tuple[IncidentType, ...] = Field(min_length=1)
    owner: Line
    review_on: date
    fact: tuple[CheckedFact, ...] = Field(min_length=1)


class Explainer(NamedTuple):
    """One explainer; `text` by the names in SECTIONS."""

    front: ExplainerFront
    text: Mapping[str, str]

    @property
    def plain(self) -> str:
        """All of it as text, with what it must never be taken for at its end."""
        parts = [f"{SECTIONS[name].removeprefix('## ')}\n{said}" for name, said in self.text.items()]
        return "\n\n".join((*parts, BACKGROUND))

    @property
    def unchecked(self) -> tuple[CheckedFact, ...]:
        """What its owner has yet to confirm before it is used in public."""
        return tuple(fact for fact in self.front.fact if not fact.checked)


def read_explainers(paths: Iterable[Path]) -> tuple[Explainer, ...]:
    """All explainers in the order of their titles. Raises ExplainerError, also for a name used twice."""
    found: dict[str, Explainer] = {}
    for path in paths:
        explainer = _read(path)
        if explainer.front.name in found:
            raise ExplainerError(f"{path}: name: {explainer.front.name!r} is used by another explainer")
        found[explainer.front.name] = explainer
    return tuple(sorted(found.values(), key=lambda each: each.front.title))


def _read(path: Path) -> Explainer:
    try:
        before, front, body = path.read_text(encoding="utf-8").split(f"{FENCE}\n", 2)
        if before:
            raise ExplainerError(f"{path}: the first line must be {FENCE}")
        return Explainer(ExplainerFront.model_validate(tomllib.loads(front)), _sections(path, body))
    except ExplainerError:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        raise ExplainerError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise ExplainerError(f"{path}: {error}") from error


def _sections(path: Path, body: str) -> dict[str, str]:
    text, rest = {}, body.strip()
    for (name, heading), following in zip(
        SECTIONS.items(), [*list(SECTIONS.values())[1:], None], strict=True
    ):
        opening, heading_there, rest = rest.partition(f"{heading}\n")
        if opening.strip() or not heading_there:
            raise ExplainerError(f"{path}: {heading!r} must come next, on a line of its own")
        said, following_there, after = rest.partition(f"{following}\n") if following else (rest, "", "")
        rest = following_there + after
        if not said.strip():
            raise ExplainerError(f"{path}: {heading!r}: there are no words")
        text[name] = said.strip()
    return text
