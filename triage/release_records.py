"""What is kept of decisions to release body-worn video: the whole form as it was answered, never footage."""

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Text
from sqlmodel import Field

from collector.records import Record, document, words


class ReleaseOutcome(StrEnum):
    """What is decided of body-worn video."""

    RELEASE = "release"
    DO_NOT_RELEASE = "do_not_release"
    DEFER = "defer"


class BwvDecision(Record, table=True):
    """A decision on releasing the body-worn video of a case, under the policy of its day, spoken as BWV-<number>.

    `answers` are {"name", "side", "asks", "words"} and `told` {"name", "says", "at", "why"}, with the words of the
    policy as they were, so that the decision is read without it. `viewed_by` are the posts that had viewed it.
    `reason` is a code of the policy with its words in `reason_says`. In force from `decided_at`; until then it waits
    for a second person, who may say no (`refused_at`). A later one in force sets `superseded_at`. `item` is the
    reference of what was released.
    """

    __tablename__ = "bwv_decisions"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    policy: str
    policy_title: str
    outcome: ReleaseOutcome = Field(sa_type=Text)
    answers: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    exception: str | None = None
    necessity: str
    proportionality: str
    redactions: list[str] = Field(default=[], sa_column=words())
    told: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    reason: str | None = None
    reason_says: str | None = None
    lawful_basis: str | None = None
    why: str
    viewed_by: list[str] = Field(default=[], sa_column=words())
    clip_s: float | None = None
    encounter_s: int | None = None
    asked_at: AwareDatetime
    entered_at: AwareDatetime
    first: str
    first_role: str
    second: str | None = None
    second_role: str | None = None
    decided_at: AwareDatetime | None = None
    refused_at: AwareDatetime | None = None
    superseded_at: AwareDatetime | None = None
    item: str | None = None
    item_by: str | None = None
    item_at: AwareDatetime | None = None
