"""When a line needs a second approver: `config/statements/second.toml`, any that fits.

Templates may name one of their own. What was approved by one person needs a second as soon as this says so, also when
it is the case that has changed and not the words.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from classifier.records import IncidentType
from triage.policy import read_policy

SENTENCE = re.compile(r"[^.!?\n]+")


def _expression(written: str) -> str:
    try:
        re.compile(written)
    except re.error as error:
        raise ValueError(f"{written!r} is no regular expression: {error}") from error
    return written


Expressions = tuple[Annotated[str, Field(min_length=3), AfterValidator(_expression)], ...]


class Second(BaseModel):
    """One reason for two approvals: what the writer ticked, the type of the case, or words in any wording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,39}$")]
    who: Annotated[str, Field(min_length=3, max_length=120)]
    flags: tuple[str, ...] = ()
    types: tuple[IncidentType, ...] = ()
    patterns: Expressions = ()
    unless: Expressions = ()

    def fits(self, flags: Iterable[str], type_: IncidentType, texts: Sequence[str]) -> bool:
        """Whether a line with these flags and wordings, on a case of this type, is one of them."""
        return not set(self.flags).isdisjoint(flags) or type_ in self.types or any(map(self._said, texts))

    def _said(self, text: str) -> bool:
        if not self.patterns:
            return False
        sentences = (each.group() for each in SENTENCE.finditer(text))
        return any(self._words.search(each) and not self._but(each) for each in sentences)

    def _but(self, sentence: str) -> bool:
        return bool(self.unless and self._unless.search(sentence))

    @cached_property
    def _words(self) -> re.Pattern[str]:
        return re.compile("|".join(self.patterns), re.IGNORECASE)

    @cached_property
    def _unless(self) -> re.Pattern[str]:
        return re.compile("|".join(self.unless), re.IGNORECASE)


class Seconds(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    second: tuple[Second, ...] = Field(min_length=1)

    def because(self, flags: Iterable[str], type_: IncidentType, texts: Sequence[str]) -> str:
        """Why, in words, for each that fits; empty when one person is enough."""
        kept = tuple(flags)
        return "; ".join(each.who for each in self.second if each.fits(kept, type_, texts))


def read_seconds(path: Path) -> Seconds:
    """The file. Raises ValueError naming file, key and reason."""
    return read_policy(Seconds, path)
