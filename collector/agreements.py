"""Agreements: recorded permissions to use an interface whose terms ask for one. `config/agreements.toml`.

Without a current one a kind that needs it is never asked, whatever `sources.toml` says.
"""

import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from collector.sources import kind_of, kinds
from collector.sources.base import Needs

LONGEST = timedelta(days=400)  # a review once a year, with some days of grace


class AgreementError(ValueError):
    """`agreements.toml` is wrong; the message names file, agreement, key and reason."""


class Agreement(BaseModel):
    """Who agreed with the platform, when, to which plan, for what, and until when that is good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    who: str = Field(min_length=3)
    agreed_on: date
    plan: str = Field(min_length=3)
    purpose: str = Field(min_length=20)
    reference: str = Field(min_length=3)
    review_on: date

    @field_validator("kind")
    @classmethod
    def _needs_one(cls, kind: str) -> str:
        if kind not in kinds() or kind_of(kind).needs is not Needs.AGREEMENT:
            asking = [each for each in kinds() if kind_of(each).needs is Needs.AGREEMENT]
            raise ValueError(f"{kind!r} is no kind that needs an agreement; these do: {', '.join(asking)}")
        return kind

    @model_validator(mode="after")
    def _in_order(self) -> "Agreement":
        if not self.agreed_on < self.review_on <= self.agreed_on + LONGEST:
            raise ValueError("review_on: must follow agreed_on within 400 days")
        return self


GONE = "its server says that it is gone for good (410); find its new address, or take it out of sources.toml"


class Stop(NamedTuple):
    """From when on a source may not be asked, and why."""

    at: datetime
    because: str


def read_agreements(path: Path) -> list[Agreement]:
    """All recorded agreements. Raises AgreementError."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AgreementError(f"{path}: {error}") from error
    if set(tables) - {"agreement"} or not isinstance(tables.get("agreement", []), list):
        raise AgreementError(f"{path}: only [[agreement]] tables may stand here")
    found = []
    for number, table in enumerate(tables.get("agreement", []), 1):
        try:
            found.append(Agreement.model_validate(table))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            reason = first["msg"].removeprefix("Value error, ")
            raise AgreementError(f"{path}: agreement {number}: key {key or '-'}: {reason}") from error
    return found


def agreement_stop(kind: str, agreements: Sequence[Agreement]) -> Stop | None:
    """When a kind must stop for want of an agreement: at once, or when its review is due. None: it needs none."""
    if kind_of(kind).needs is not Needs.AGREEMENT:
        return None
    lasting = [each.review_on for each in agreements if each.kind == kind]
    if not lasting:
        never = datetime(1970, 1, 1, tzinfo=UTC)
        return Stop(never, f"no agreement for {kind} is recorded in agreements.toml")
    until = max(lasting)
    return Stop(start_of(until), f"the agreement for {kind} was to be reviewed on {until}")


def start_of(day: date) -> datetime:
    """The first moment of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
