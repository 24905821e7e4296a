"""What is kept of models: which there are, which is in use and who said so, which runs beside it, how they score."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text
from sqlmodel import Field

from classifier.records import Force, IncidentType
from collector.records import Record, document


class ModelVersion(Record, table=True):
    """A model we have; `sha256` is that of its manifest, `figures` what its card says it was measured at."""

    __tablename__ = "model_versions"

    version: str = Field(primary_key=True)
    sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    figures: dict[str, Any] = Field(default={}, sa_column=document())
    added_at: AwareDatetime
    added_by: str


class Promotion(Record, table=True):
    """That a version is to assess from `since` on; None while a second person has not agreed.

    The latest `since` is in use. `back` when it went back to the one before; `figures` are those it went live with.
    """

    __tablename__ = "promotions"
    __table_args__ = (Index("promotions_since_idx", "since"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: str
    instead_of: str
    back: bool = False
    why: str
    figures: dict[str, Any] = Field(default={}, sa_column=document())
    asked_by: str
    asked_at: AwareDatetime
    agreed_by: str | None = None
    since: AwareDatetime | None = None


class ShadowRun(Record, table=True):
    """That a version assesses `share` of the posts beside the one in use, until `until_at` or until it is stopped."""

    __tablename__ = "shadow_runs"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: str
    share: float
    started_at: AwareDatetime = Field(index=True)
    started_by: str
    until_at: AwareDatetime
    stopped_at: AwareDatetime | None = None


class ShadowAssessment(Record, table=True):
    """What a version in the shadow makes of one post: never routed, and without a word of the post.

    `signals` are names and scores, `boroughs` those of its places.
    """

    __tablename__ = "shadow_assessments"

    post_id: UUID = Field(primary_key=True)
    model: str = Field(primary_key=True)
    at: AwareDatetime = Field(index=True)
    incident: float
    incident_any: float
    type: IncidentType = Field(sa_type=Text)
    severity: float
    labels: dict[str, float] = Field(default={}, sa_column=document())
    claim: float = 0.0
    unverified: float = 0.0
    boroughs: list[str] = Field(default=[], sa_column=document("[]"))
    force: Force = Field(default=Force.UNKNOWN, sa_type=Text)
    signals: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    abstain: bool = False


class ScoreDay(Record, table=True):
    """How one version scored on one day, London time: counts only (classifier/drift.py says which)."""

    __tablename__ = "score_days"

    day: date = Field(primary_key=True)
    model: str = Field(primary_key=True)
    posts: int = Field(sa_column=Column(BigInteger, nullable=False))
    numbers: dict[str, Any] = Field(default={}, sa_column=document())


class ScoreReference(Record, table=True):
    """The numbers that the days of a version are compared with, kept when it went live or from its first days."""

    __tablename__ = "score_references"

    model: str = Field(primary_key=True)
    kept_at: AwareDatetime
    posts: int = Field(sa_column=Column(BigInteger, nullable=False))
    numbers: dict[str, Any] = Field(default={}, sa_column=document())
