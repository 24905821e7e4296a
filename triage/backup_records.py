"""A backup as the database remembers it: when one was made, where it lies, and whether it proved good."""

from enum import StrEnum
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Index, Text
from sqlmodel import Field

from collector.records import Record


class BackupState(StrEnum):
    """MAKING: begun, and nobody knows yet how it ends. GOOD: restored into a scratch database and found equal.
    BAD: it failed, broke off, or what was restored was not what was saved.
    """

    MAKING = "making"
    GOOD = "good"
    BAD = "bad"


class Backup(Record, table=True):
    """One copy of everything. `name` is its folder in `folder` on `host`; `why` says who or what asked for it;
    `entries` is where the log ended in it; `restored_at` when this database was made from it.
    """

    __tablename__ = "backups"
    __table_args__ = (Index("backups_state_began_at_idx", "state", "began_at"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str
    host: str
    folder: str
    why: str
    began_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    state: BackupState = Field(default=BackupState.MAKING, sa_type=Text)
    error: str | None = None
    size_bytes: int | None = Field(default=None, sa_column=Column(BigInteger))
    entries: int | None = Field(default=None, sa_column=Column(BigInteger))
    restored_at: AwareDatetime | None = None
