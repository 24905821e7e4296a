"""What people say that models learn from: labels of posts, and what they think of a sample of what was dropped."""

from datetime import date
from enum import StrEnum
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text
from sqlmodel import Field

from classifier.records import IncidentType
from collector.records import Record


class Says(StrEnum):
    """What a person's act says of a post. `TYPE` also says which type it is."""

    CONFIRMED = "confirmed"
    NOT_OURS = "not_ours"
    NOISE = "noise"
    OPINION = "opinion"
    TYPE = "type"
    MISSED = "missed"
    RIGHTLY_DROPPED = "rightly_dropped"


class Label(Record, table=True):
    """What one act of a person says of one post, kept by the post's id alone: it stays when the post's words go.

    `seq` is the act's line of the log, `person_key` a keyed digest of who acted. Taken back with the act.
    """

    __tablename__ = "labels"
    __table_args__ = (
        Index("labels_seq_post_id_key", "seq", "post_id", unique=True),
        Index("labels_post_id_idx", "post_id"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    post_id: UUID
    case_id: UUID | None = Field(default=None, index=True)
    says: Says = Field(sa_type=Text)
    type: IncidentType | None = Field(default=None, sa_type=Text)
    person_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    role: str
    act: str
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: AwareDatetime
    taken_back_at: AwareDatetime | None = None


class Stage(StrEnum):
    """Where a post was dropped: by the prefilter, before it was stored, or by the rules, once assessed."""

    PREFILTER = "prefilter"
    RULES = "rules"


class DropSample(Record, table=True):
    """One dropped post drawn for a person to look at; `dropped` is how many were dropped that day at that stage.

    `missed` is what the person said: it should have been raised, or not; None until then, and for good when its
    words went first (`gone_at`).
    """

    __tablename__ = "drop_samples"
    __table_args__ = (Index("drop_samples_day_idx", "day", "stage"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    day: date
    stage: Stage = Field(sa_type=Text)
    post_id: UUID = Field(index=True)
    source: str
    dropped: int = Field(sa_column=Column(BigInteger, nullable=False))
    drawn_at: AwareDatetime
    missed: bool | None = None
    type: IncidentType | None = Field(default=None, sa_type=Text)
    answered_at: AwareDatetime | None = None
    answered_by: UUID | None = Field(default=None, foreign_key="people.id")
    gone_at: AwareDatetime | None = None
