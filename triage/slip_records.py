"""A slip: a time this service itself went wrong, as people owned up to it."""

from enum import StrEnum
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Index, Text
from sqlmodel import Field

from collector.records import Record


class SlipKind(StrEnum):
    """MISSED: an incident it did not raise. LATE: told too late. WRONG: it said what was not so. LEAKED: words or names
    went where they do not belong. OUTAGE: it, or a part of it, stood.
    """

    MISSED = "missed"
    LATE = "late"
    WRONG = "wrong"
    LEAKED = "leaked"
    OUTAGE = "outage"


class Slip(Record, table=True):
    """What went wrong, what came of it, how it was mended and who was told; spoken as E-<number>.

    One the service suggests by itself has a `suggested_by`, and counts once a person says so (`noted_by`) or says why
    it is none (`none_because`).
    """

    __tablename__ = "slips"
    __table_args__ = (Index("slips_happened_at_idx", "happened_at"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    kind: SlipKind = Field(sa_type=Text)
    happened_at: AwareDatetime
    what: str
    effect: str = ""
    suggested_by: str | None = Field(default=None, unique=True)
    noted_by: str | None = None
    noted_at: AwareDatetime | None = None
    mended_how: str | None = None
    mended_at: AwareDatetime | None = None
    told: str | None = None
    none_because: str | None = None
