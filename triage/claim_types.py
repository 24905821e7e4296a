"""The guide to claims, read from a file: when a post counts as making one, and what to check for each kind of claim."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import text
from sqlmodel import Session

from classifier.records import Force
from triage.claim_records import ClaimState, ClaimType
from triage.records import Case

Share = Annotated[float, Field(ge=0, le=1)]
Line = Annotated[str, Field(min_length=3, max_length=200)]

SAID_FROM = 0.3  # a label this likely proposes a type
NEWEST = 500

_SAID = text("""
    WITH newest AS (SELECT post_id FROM memberships WHERE case_id = :case AND sure ORDER BY joined_at DESC LIMIT :most),
    read AS (SELECT DISTINCT ON (a.post_id) a.post_id, a.labels, a.force FROM assessments AS a
        JOIN newest USING (post_id) ORDER BY a.post_id, a.at DESC)
    SELECT 'label' AS kind, each.key AS name, count(*) AS posts FROM read, jsonb_each_text(labels) AS each
        WHERE each.value::float >= :likely GROUP BY each.key
    UNION ALL SELECT 'force', force, count(*) FROM read GROUP BY force
""")


class Matching(BaseModel):
    """From where on a post is compared, counted and suggested: `score` is the matcher's probability, `alike` likeness
    in meaning. With few known claims a score only ranks them, so both must be reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim_above: Share = 0.5
    count_score: Share = 0.9
    count_alike: Share = 0.85
    suggest_score: Share = 0.25
    suggest_alike: Share = 0.45

    @model_validator(mode="after")
    def _counts_less_than_it_suggests(self) -> "Matching":
        if self.suggest_score > self.count_score or self.suggest_alike > self.count_alike:
            raise ValueError("what is counted must lie above what is suggested")
        return self


class Notice(BaseModel):
    """Which states raise the alerts of an open case again, once they are in force."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    raise_again: tuple[ClaimState, ...] = ()


class Kind(BaseModel):
    """One type of claim: what to ask, what proposes it, what to check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClaimType
    title: Line
    asks: Line
    labels: tuple[str, ...] = ()
    forces: tuple[Force, ...] = ()
    checks: tuple[Line, ...] = Field(min_length=1)


class Guide(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: Matching = Matching()
    notice: Notice = Notice()
    type: tuple[Kind, ...] = ()


class Hypothesis(NamedTuple):
    """A kind of claim that the posts of a case propose, and how many of them do."""

    kind: Kind
    posts: int


def read_guide(path: Path) -> Guide:
    """The guide. Raises ValueError naming file, key and reason; also when a type is missing or there twice."""
    try:
        guide = Guide.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path}: key {key or '-'}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    names = [kind.name for kind in guide.type]
    for name in ClaimType:
        if names.count(name) != 1:
            raise ValueError(f"{path}: type: {name.value!r} must stand there exactly once")
    return guide


def hypotheses(session: Session, case: Case, guide: Guide) -> list[Hypothesis]:
    """The kinds of claim that the newest posts of a case propose, most posts first."""
    found = session.execute(_SAID, {"case": case.id, "most": NEWEST, "likely": SAID_FROM}).all()
    return proposed({(row.kind, row.name): row.posts for row in found}, guide.type)


def proposed(said: Mapping[tuple[str, str], int], kinds: Iterable[Kind]) -> list[Hypothesis]:
    """What labels and forces propose, each with the number of posts it was said of."""
    found = []
    for kind in kinds:
        keys = [("label", name) for name in kind.labels] + [("force", force.value) for force in kind.forces]
        posts = max((said.get(key, 0) for key in keys), default=0)
        if posts:
            found.append(Hypothesis(kind, posts))
    return sorted(found, key=lambda each: -each.posts)
