"""A rights request: what somebody asks of us about posts they name by their addresses."""

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Text
from sqlmodel import Field

from collector.records import Record, document, words


class RightsKind(StrEnum):
    """UK GDPR articles 15, 16, 17 and 21; DPA 2018 sections 45 to 47 where part 3 applies."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    OBJECTION = "objection"


class RightsOutcome(StrEnum):
    GRANTED = "granted"
    IN_PART = "in_part"
    REFUSED = "refused"


class RightsRequest(Record, table=True):
    """One request, spoken as R-<number>. Who asks stands elsewhere, under `reference`: here are only addresses.

    `due_at` is one calendar month after `received_at`, or up to three with `extended_because`. `found` is what
    was held when it was decided, by post: counts, never content. Where erasure was granted, `erased_at` is when
    that was done, and `kept` says what stayed and why.
    """

    __tablename__ = "rights_requests"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    kind: RightsKind = Field(sa_type=Text)
    reference: str
    permalinks: list[str] = Field(default=[], sa_column=words())
    asks: str = ""
    received_at: AwareDatetime
    due_at: AwareDatetime
    extended_because: str | None = None
    entered_by: str
    entered_at: AwareDatetime
    outcome: RightsOutcome | None = Field(default=None, sa_type=Text)
    why: str | None = None
    decided_by: str | None = None
    decided_at: AwareDatetime | None = None
    found: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    kept: list[str] = Field(default=[], sa_column=words())
    erased_at: AwareDatetime | None = None
    answered_at: AwareDatetime | None = None
