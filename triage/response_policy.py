"""What can be done about a claim, the gentlest first, and how many people each would reach: the force's own figures."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triage.claim_records import ClaimType
from triage.policy import read_policy

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Says = Annotated[str, Field(min_length=3, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Option(_Part):
    """One thing to do. `decided` asks that people decided the claim on evidence, `illegal` for the law it breaks;
    `audiences` are those who would hear of the claim by it."""

    name: Name
    title: Says
    says: Says
    decided: bool = False
    illegal: bool = False
    audiences: tuple[Name, ...] = ()


class Audience(_Part):
    """Who hears through our own channels, and how many they are; nobody has said while `people` is left out."""

    name: Name
    title: Says
    people: int | None = Field(default=None, ge=1)
    counted_on: date | None = None

    @model_validator(mode="after")
    def _must_say_when(self) -> "Audience":
        if (self.people is None) != (self.counted_on is None):
            raise ValueError("people and counted_on stand together: say how many, and when they were counted")
        return self


class ResponsePolicy(_Part):
    """The whole file."""

    version: int = Field(ge=1)
    approved_by: Says
    approved_on: date
    because: Says
    harmful: tuple[ClaimType, ...] = ()
    option: tuple[Option, ...] = Field(min_length=1)
    audience: tuple[Audience, ...] = ()

    @model_validator(mode="after")
    def _must_fit_together(self) -> "ResponsePolicy":
        for part in ([each.name for each in self.option], [each.name for each in self.audience]):
            if twice := next((name for name in part if part.count(name) > 1), None):
                raise ValueError(f"{twice!r} is there twice")
        known = {each.name for each in self.audience}
        for each in self.option:
            if strange := set(each.audiences) - known:
                raise ValueError(f"option {each.name!r}: audience {min(strange)!r} is not there")
        return self

    def of(self, name: str) -> Option | None:
        """The option with this name."""
        return next((each for each in self.option if each.name == name), None)

    def people(self, option: Option) -> int | None:
        """How many would hear by an option at most; none while a figure of it is not set."""
        counted: Sequence[int | None] = [
            each.people for each in self.audience if each.name in option.audiences
        ]
        return None if None in counted else sum(each or 0 for each in counted)


def read_response_policy(path: Path) -> ResponsePolicy:
    """The policy. Raises ValueError naming file, key and reason; also for an audience of nobody."""
    return read_policy(ResponsePolicy, path)
