"""Tactics of force by the Home Office's list, recognised in the words that the classifier's signals stand on."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class TacticsError(ValueError):
    """The tactics cannot be read; the message names file, key and reason."""


class Tactic(BaseModel):
    """One tactic and the words for it; a word ending in `*` also begins longer words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=60)]
    words: tuple[Annotated[str, Field(min_length=2)], ...] = Field(min_length=1)

    def is_named_in(self, because: str) -> bool:
        return re.search(self._pattern, because.lower()) is not None

    @property
    def _pattern(self) -> str:
        written = (re.escape(word).replace(r"\*", r"\w*") for word in self.words)
        return rf"(?<!\w)(?:{'|'.join(written)})(?!\w)"


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


def named(tactics: Iterable[Tactic], reasons: Iterable[str]) -> list[str]:
    """The codes of the tactics that any of these reasons names, in the list's order."""
    known = list(reasons)
    return [tactic.code for tactic in tactics if any(tactic.is_named_in(because) for because in known)]
