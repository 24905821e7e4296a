"""A purpose: what data is used for, by which law, and what could go wrong. Read from `config/policy/purposes.toml`."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from collector.sources import kinds
from triage.policy import read_policy

Says = Annotated[str, Field(min_length=3, max_length=600)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,39}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Service(_Part):
    """Who answers for the service, by post; `ask` is how anybody asks about a post, or objects."""

    name: Says
    controller: Says
    owner: Says
    protection_officer: Says
    oversight: Says
    says: Says
    ask: Says


class Purpose(_Part):
    """One use of data: `needed` is why nothing less would do, `special` the condition for sensitive data that a post
    itself contains, `handed_on` what happens outside. For all sources of its `kinds`, and for those it names."""

    name: Name
    title: Says
    says: Says
    needed: Says
    regime: Says
    basis: Says
    special: Says
    handed_on: Says
    kinds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class Wording(_Part):
    """What the transparency record and the model card say in words; all else in them is read."""

    how: Says
    proposes: Says
    people_decide: Says
    alone: Says
    appeal: Says
    training: Says
    measured: Says
    reasons: Says
    not_used: Says
    meant_for: Says
    not_meant_for: Says
    of_claims: Says


class Never(_Part):
    """Something the service does not do, and what makes sure of it."""

    what: Says
    says: Says


class Risk(_Part):
    """What could go wrong for people, and what stands against it."""

    name: Says
    harm: Says
    against: Says
    where: Says


class Purposes(_Part):
    """All purposes, as approved."""

    version: int = Field(ge=1)
    approved_by: Says
    approved_on: date
    because: Says
    service: Service
    record: Wording
    never: tuple[Never, ...] = Field(min_length=1)
    purpose: tuple[Purpose, ...] = Field(min_length=1)
    risk: tuple[Risk, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_kind_once(self) -> "Purposes":
        counted = Counter(kind for each in self.purpose for kind in each.kinds)
        if unknown := sorted(set(counted) - set(kinds())):
            raise ValueError(f"purpose.kinds: there is no kind {unknown[0]!r}")
        if missing := sorted(set(kinds()) - set(counted)):
            raise ValueError(f"purpose.kinds: no purpose for the kind {missing[0]!r}; every kind has one")
        if doubled := [kind for kind, count in counted.items() if count > 1]:
            raise ValueError(f"purpose.kinds: {doubled[0]!r} has two purposes; every kind has one")
        named = Counter(source for each in self.purpose for source in each.sources)
        if twice := [source for source, count in named.items() if count > 1]:
            raise ValueError(f"purpose.sources: {twice[0]!r} has two purposes")
        return self

    def of(self, source: str, kind: str) -> Purpose:
        """The purpose of a source of a known kind."""
        named = next((each for each in self.purpose if source in each.sources), None)
        return named or next(each for each in self.purpose if kind in each.kinds)


def read_purposes(path: Path) -> Purposes:
    """Raises ValueError naming file, key and reason."""
    return read_policy(Purposes, path)
