"""When growth is news: the thresholds of `config/growth.toml`. A wrong file is refused with file, key and reason."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from triage.records import Desk
from triage.rules import Length

Count = Annotated[int, Field(ge=1, le=10**9)]
Times = Annotated[float, Field(ge=1, le=1_000)]
Steps = tuple[Count, Count, Count, Count]


class GrowthRulesError(ValueError):
    """The thresholds cannot be used; the message names file, key and reason."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpikeRules(_Part):
    posts: Count
    times: Times
    times_the_stream: Times
    posts_young: Count


class PickUpRules(_Part):
    news_kinds: tuple[str, ...]
    not_news: tuple[str, ...]
    views: Count
    followers: Count


class CoordinatedRules(_Part):
    accounts: Annotated[int, Field(ge=3, le=10_000)]
    within: Length


class UpdateRules(_Part):
    desks: tuple[Desk, ...]
    most: Annotated[int, Field(ge=0, le=10)]
    apart: Length
    larger: Annotated[float, Field(gt=1, le=1_000)]
    flood_ends_after: Length


class ReachRules(_Part):
    """Each step passed is a point of four."""

    views: Steps
    pace: Steps
    news: Annotated[int, Field(ge=0, le=4)]

    @field_validator("views", "pace")
    @classmethod
    def _must_rise(cls, steps: Steps) -> Steps:
        if sorted(set(steps)) != list(steps):
            raise ValueError("four numbers, each larger than the one before")
        return steps


class GrowthRules(_Part):
    """All of them. Pace is posts in ten minutes."""

    spike: SpikeRules
    pick_up: PickUpRules
    coordinated: CoordinatedRules
    updates: UpdateRules
    reach: ReachRules


def read_growth_rules(path: Path) -> GrowthRules:
    """The thresholds in a file. Raises GrowthRulesError."""
    try:
        return GrowthRules.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GrowthRulesError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise GrowthRulesError(
            f"{path}: {where}: {str(first['msg']).removeprefix('Value error, ')}"
        ) from error
