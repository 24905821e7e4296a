"""What is kept of what was disposed of: runs, certificates, and a tombstone for each post and each line of the log."""

from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, text
from sqlmodel import Field

from collector.records import Record, document


class RetentionRun(Record, table=True):
    """One run over all classes, under version `rules` of the policy. `held` counts by class and hold what was due and
    stayed. One without `ended_at` was broken off; the next goes on with it."""

    __tablename__ = "retention_runs"
    __table_args__ = (Index("retention_runs_ended_at_idx", "ended_at"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    rules: int
    who: str
    began_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    held: dict[str, Any] = Field(default={}, sa_column=document())


class DisposalCertificate(Record, table=True):
    """That so many items of one class were disposed of in one run, spoken as D-<number>.

    `counts` are rows and files by where they were; `digest` runs over the ids in the order they went. `seal` is keyed,
    covers all of it and the certificate sealed before (triage/certificates.py); until the class is through it is empty.
    """

    __tablename__ = "disposal_certificates"
    __table_args__ = (
        Index(
            "disposal_certificates_open_key",
            "class_name",
            unique=True,
            postgresql_where=text("seal IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    run_id: UUID = Field(foreign_key="retention_runs.id", index=True)
    class_name: str
    rules: int
    who: str
    why: str
    began_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    items: int = 0
    counts: dict[str, int] = Field(default={}, sa_column=document())
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    held: dict[str, Any] = Field(default={}, sa_column=document())
    follows: int | None = Field(default=None, sa_column=Column(BigInteger))
    seal: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


class PostTombstone(Record, table=True):
    """That a post's content was disposed of, when, as which class. `permalink` is a keyed digest of its address, so
    that whoever asks about it can be told; labels and decision stay in their own rows."""

    __tablename__ = "post_tombstones"
    __table_args__ = (Index("post_tombstones_permalink_idx", "permalink"),)

    post_id: UUID = Field(primary_key=True)
    permalink: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    class_name: str
    rules: int
    at: AwareDatetime
    certificate_id: UUID | None = None


class LogTombstone(Record, table=True):
    """That the words of one line of the log were let go: who did it and what for. `seal` is keyed and covers the line's
    own digest, so that the chain still verifies and nobody else can make one."""

    __tablename__ = "log_tombstones"

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: AwareDatetime
    who: str
    because: str
    seal: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
