"""Tactics of force by the Home Office's list, and which labels of the classifier stand for each."""

import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SPOKEN = "tactic:"  # what labels of tactics begin with


class TacticsError(ValueError):
    """The tactics cannot be read; the message names file, key and reason."""


class Tactic(BaseModel):
    """One tactic of the list. `labels` are the classifier's, without `tactic:`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=60)]
    labels: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,39}$")], ...] = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    tactic: tuple[Tactic, ...] = Field(min_length=1)


def read_tactics(path: Path) -> tuple[Tactic, ...]:
    """Raises TacticsError."""
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).tactic
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TacticsError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise TacticsError(f"{path}: {error}") from error


def named(tactics: Iterable[Tactic], labels: Collection[str]) -> list[str]:
    """The codes of the tactics that these labels stand for, in the list's order."""
    return [tactic.code for tactic in tactics if any(f"{SPOKEN}{label}" in labels for label in tactic.labels)]
