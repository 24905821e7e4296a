"""What is kept of how cases grow: counts by the minute, how far each has spread, and the pace of the whole stream."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field

from collector.records import Record, document, words


class Growth(Record, table=True):
    """The posts of one case that were published in one minute. `voices` are accounts not heard in the case before."""

    __tablename__ = "growth"

    case_id: UUID = Field(foreign_key="cases.id", primary_key=True)
    at: AwareDatetime = Field(primary_key=True, index=True)
    posts: int = 0
    voices: int = 0
    sources: list[str] = Field(default=[], sa_column=words())
    platforms: list[str] = Field(default=[], sa_column=words())


class Spread(Record, table=True):
    """How far a case has spread, one row a case.

    `voices` counts accounts without keeping them (triage/voices.py), `accounts` is what it counts. `views` are those
    of the `viewed` posts whose platform gives them. `pick_ups` are outlets and much-seen posts, `coordinated` bursts
    of one thing from many accounts. Since `spiking_at` it comes much faster than before. `told` growth updates were
    raised in this flood, the last at `told_at`, when `told_pace` posts came in ten minutes; `waiting` is what the next
    one will say.
    """

    __tablename__ = "spreads"

    case_id: UUID = Field(foreign_key="cases.id", primary_key=True)
    voices: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    accounts: int = 0
    platforms: list[str] = Field(default=[], sa_column=words())
    views: int | None = Field(default=None, sa_column=Column(BigInteger))
    viewed: int = 0
    pick_ups: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    coordinated: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    spiking_at: AwareDatetime | None = None
    told: int = 0
    told_at: AwareDatetime | None = None
    told_pace: int = 0
    waiting: list[str] = Field(default=[], sa_column=words())
    measured_at: AwareDatetime | None = None


class StreamPace(Record, table=True):
    """How many posts the whole stream brought that were published in this minute, in cases or not."""

    __tablename__ = "stream_paces"

    at: AwareDatetime = Field(primary_key=True)
    posts: int = 0
