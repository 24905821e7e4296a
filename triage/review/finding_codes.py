"""A finding code: one thing the oversight group can find of a case, and what it counts as. Read from a file."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triage.policy import read_policy

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Says = Annotated[str, Field(min_length=3, max_length=300)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(_Part):
    """One code. `concern` counts as potential conduct or referral; with `referral` one must be recorded first."""

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Z/?-]{1,39}$")]
    title: Says
    means: Says
    good: bool = False
    concern: bool = False
    reviewed: bool = True
    alone: bool = False
    talk: bool = False
    library: bool = False
    referral: Literal["", "dps", "iopc"] = ""
    label: Literal["", "confirmed", "not_ours"] = "confirmed"
    themes: tuple[Name, ...] = ()


class Titled(_Part):
    """A theme of the charter, or an answer on legality."""

    name: Name
    title: Says


class Asked(_Part):
    """A step of the National Decision Model, or a question of a panel's form."""

    name: Name
    asks: Says


class FindingCodes(_Part):
    """The whole file."""

    version: int = Field(ge=1)
    approved_by: Says
    approved_on: date
    because: Says
    feedback_working_days: int = Field(ge=1, le=60)
    library_review_days: int = Field(ge=1, le=366)
    theme: tuple[Titled, ...] = ()
    code: tuple[Code, ...] = Field(min_length=1)
    legality: tuple[Titled, ...] = Field(min_length=1)
    step: tuple[Asked, ...] = Field(min_length=1)
    panel_question: tuple[Asked, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _must_fit_together(self) -> "FindingCodes":
        for part in (self.theme, self.code, self.legality, self.step, self.panel_question):
            names = [each.name for each in part]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"{twice!r} is there twice")
        themes = {each.name for each in self.theme}
        for code in self.code:
            if strange := set(code.themes) - themes:
                raise ValueError(f"code {code.name!r}: theme {min(strange)!r} is not there")
        if all(each.reviewed for each in self.code):
            raise ValueError("code: one must have reviewed = false, for cases that may not be discussed")
        return self

    def of(self, name: str) -> Code | None:
        """The code with this name."""
        return next((each for each in self.code if each.name == name), None)

    @property
    def deferring(self) -> tuple[Code, ...]:
        """The codes for cases that may not be discussed on their merits."""
        return tuple(each for each in self.code if not each.reviewed)


def read_finding_codes(path: Path) -> FindingCodes:
    """Raises ValueError naming file, key and reason."""
    return read_policy(FindingCodes, path)
