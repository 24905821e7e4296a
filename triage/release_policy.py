"""When body-worn video is released: policies in files, one after the other, each with the days it was in force.

A policy is what the form asks; which one is the day's is a matter of dates alone.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triage.policy import read_policy
from triage.release_records import ReleaseOutcome

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Says = Annotated[str, Field(min_length=3, max_length=300)]
Source = Annotated[str, Field(pattern=r"^[SW]\d{1,3}$")]
FILES = "policy/bwv-*.toml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Consideration(_Part):
    """One thing to weigh, for release or against it."""

    name: Name
    side: Literal["for", "against"]
    asks: Says
    source: Source


class ReleaseException(_Part):
    """Where a policy releases by exception: one of them."""

    name: Name
    says: Says
    source: Source


class ToTell(_Part):
    """Who is told before a release, as a post or a part in it. `fact` is what a line may say of it: yes or no."""

    name: Name
    says: Says
    fact: Name | None = None


class Refusal(_Part):
    """One reason not to release; with `lawful_basis` it takes a note on that too."""

    name: Name
    says: Says
    lawful_basis: bool = False


class ReleasePolicy(_Part):
    """One policy. `second` are the outcomes that count only once a second person agrees. With `exception` there,
    one must hold for a release."""

    version: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{2,39}$")]
    title: Says
    in_force_from: date
    in_force_to: date | None = None
    approved_by: Says
    because: Says
    sources: tuple[Source, ...] = Field(min_length=1)
    stance: Says
    necessity: Says
    proportionality: Says
    lawful_basis: Says
    second: tuple[ReleaseOutcome, ...] = (ReleaseOutcome.RELEASE,)
    redactions: tuple[Says, ...] = Field(min_length=1)
    consideration: tuple[Consideration, ...]
    exception: tuple[ReleaseException, ...] = ()
    told: tuple[ToTell, ...] = Field(min_length=1)
    refusal: tuple[Refusal, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _must_weigh_both_sides(self) -> "ReleasePolicy":
        if {each.side for each in self.consideration} != {"for", "against"}:
            raise ValueError("consideration: name some for release and some against it")
        for part in (self.consideration, self.exception, self.told, self.refusal):
            names = [each.name for each in part]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"{twice!r} is there twice")
        if self.in_force_to is not None and self.in_force_to < self.in_force_from:
            raise ValueError("in_force_to lies before in_force_from")
        return self


class ReleasePolicies(tuple[ReleasePolicy, ...]):
    """All policies, the oldest first."""

    __slots__ = ()

    def on(self, day: date) -> ReleasePolicy | None:
        """The policy in force on a day of London's calendar; none before the first."""
        for each in self:
            if each.in_force_from <= day and (each.in_force_to is None or day <= each.in_force_to):
                return each
        return None

    def of(self, version: str) -> ReleasePolicy | None:
        """The policy with this version; none when its file is gone."""
        return next((each for each in self if each.version == version), None)


def read_release_policies(paths: Sequence[Path]) -> ReleasePolicies:
    """The policies of these files. Raises ValueError naming file, key and reason; also when two hold on one day, or
    none holds between two."""
    read = sorted(
        ((read_policy(ReleasePolicy, path), path) for path in paths), key=lambda each: each[0].in_force_from
    )
    for (before, _), (after, path) in pairwise(read):
        if before.in_force_to != after.in_force_from - timedelta(days=1):
            raise ValueError(
                f"{path}: key in_force_from: {before.version} must end on the day before {after.in_force_from}"
            )
        if before.version == after.version:
            raise ValueError(f"{path}: key version: {after.version} is there twice")
    return ReleasePolicies(policy for policy, _ in read)
