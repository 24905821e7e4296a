"""The oversight group's terms of reference in a file: its posts, what a quorum needs, which interests recuse."""

from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triage.policy import read_policy

BODY = "oversight"  # how seats name the group
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Title = Annotated[str, Field(min_length=2, max_length=80)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GroupPost(_Part):
    """A post in the group. Who holds one that `chairs` may change a locked list."""

    name: Name
    title: Title
    chairs: bool = False


class QuorumPart(_Part):
    """That so many people of these posts must be there."""

    title: Title
    any_of: tuple[Name, ...] = Field(min_length=1)
    least: Annotated[int, Field(ge=1, le=20)] = 1


class InterestKind(_Part):
    """What may be declared of a case. With `recuses` whoever declares it takes no part in the case."""

    name: Name
    title: Title
    recuses: bool = True


class Group(_Part):
    version: int = Field(ge=1)
    approved_by: str = Field(min_length=3)
    approved_on: date
    because: str = Field(min_length=3)
    title: Title = "Use of Force oversight group"
    post: tuple[GroupPost, ...] = Field(min_length=1)
    quorum: tuple[QuorumPart, ...] = Field(min_length=1)
    interest: tuple[InterestKind, ...] = Field(min_length=1)

    def post_of(self, name: str) -> GroupPost | None:
        return next((each for each in self.post if each.name == name), None)

    def interest_of(self, name: str) -> InterestKind | None:
        return next((each for each in self.interest if each.name == name), None)

    def title_of(self, post: str) -> str:
        found = self.post_of(post)
        return found.title if found else post.replace("_", " ").capitalize()

    @property
    def chairing(self) -> list[str]:
        return [each.name for each in self.post if each.chairs]

    def missing(self, present: Mapping[str, Collection[str]]) -> list[str]:
        """What a quorum lacks, given the names that are there by post: such as "one community member"."""
        lacks = []
        for part in self.quorum:
            there = {name for post in part.any_of for name in present.get(post, ())}
            short = part.least - len(there)
            if short > 0:
                lacks.append(part.title if part.least == 1 else f"{part.title}: {short} more")
        return lacks

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for what in ("post", "interest"):
            names = [each.name for each in getattr(self, what)]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"{what} {twice!r}: there are two of this name")
        known = {each.name for each in self.post}
        for part in self.quorum:
            if unknown := set(part.any_of) - known:
                raise ValueError(f"quorum {part.title!r}, any_of: there is no post {min(unknown)!r}")
        if not self.chairing:
            raise ValueError("post: one of them must chair")
        return self


def read_group(path: Path) -> Group:
    """The terms of reference. Raises ValueError naming file, key and reason."""
    return read_policy(Group, path)
