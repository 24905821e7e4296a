"""What is kept so that a post stands as evidence: its wordings, the answers it came in, who had it in hand."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, text
from sqlmodel import Field

from collector.records import Record, document, words


class PostVersion(Record, table=True):
    """One wording of a post that was edited. Number 1 is the one first collected; the last stands in `posts`.

    Of a withdrawn post the digests stay and the words go.
    """

    __tablename__ = "post_versions"

    post_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    taken_at: AwareDatetime
    edited_at: AwareDatetime | None = None
    source: str
    title: str | None = None
    text: str
    content_warning: str | None = None
    payload: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    payload_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Fetch(Record, table=True):
    """The answer of a server that brought new posts: the address it came from, and its headers."""

    __tablename__ = "fetches"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    source: str
    at: AwareDatetime = Field(index=True)
    url: str
    headers: dict[str, Any] = Field(default={}, sa_column=document())
    body_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CustodyEntry(Record, table=True):
    """That someone had a piece of evidence in hand: collected, viewed, copied, exported, released, disposed of.

    The piece is a post, or with `media_id` a file: one attached to that post, or uploaded to a case. Append-only: the
    database refuses every change. `sha256` is the digest the piece had then.
    """

    __tablename__ = "custody_entries"
    __table_args__ = (
        Index("custody_entries_post_id_idx", "post_id"),
        Index("custody_entries_media_id_idx", "media_id"),
        Index(
            "custody_entries_files_seen_idx",
            "who",
            "at",
            postgresql_where=text("act = 'viewed' AND media_id IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    at: AwareDatetime
    who: str
    act: str
    post_id: UUID | None = None
    media_id: UUID | None = None
    sha256: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    note: str | None = None


class Timestamp(Record, table=True):
    """What a time-stamping authority (RFC 3161) signed: that it saw this digest at this time."""

    __tablename__ = "timestamps"

    sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    authority: str
    stamped_at: AwareDatetime
    serial: str
    token: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SealedAuthor(Record, table=True):
    """Who wrote a post that is in a case, sealed: opened only by a reveal, with a key that is never in the database.

    `key_id` names the key. Goes with the post when that is withdrawn.
    """

    __tablename__ = "sealed_authors"

    post_id: UUID = Field(primary_key=True)
    key_id: str
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sealed_at: AwareDatetime


class QuotaUse(Record, table=True):
    """How much of an interface's daily allowance is used. The day begins where the interface says it does."""

    __tablename__ = "quota_uses"

    bucket: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    used: int = 0


class WatchEvent(Record, table=True):
    """A named event for which sources are asked more often, until a set time. Empty `sources` means all."""

    __tablename__ = "watch_events"

    name: str = Field(primary_key=True)
    every_s: int
    from_at: AwareDatetime
    until_at: AwareDatetime
    sources: list[str] = Field(default=[], sa_column=words())
    because: str
