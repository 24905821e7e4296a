"""Files of video and pictures that were at hand: each copy, and the frames it is recognised by.

The file itself is not in the database. A frame's hash holds no picture and names no person.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Uuid, text
from sqlmodel import Field, Session, col, delete, select, update

from collector.records import Record, document, words


class Look(Record, table=True):
    """That we asked for a file, or were given one: how often, what came of it, and whether it is still here.

    It is of a media of a post, or was uploaded to a case by `asked_by`, who said `why`. While `done_at` is empty
    `error` says what is in the way; with `again_at` it is tried again then, without it never. `url` and `headers`
    are of the answer that brought the file, `steps` what was done to put it together. From `file_at` on it is
    sealed under its digest, until `gone_at`. Of a withdrawn post digest and size stay.
    """

    __tablename__ = "looks"
    __table_args__ = (
        Index("looks_post_id_idx", "post_id"),
        Index("looks_case_id_idx", "case_id"),
        Index("looks_at_idx", "at"),
        Index(
            "looks_file_at_idx",
            "file_at",
            postgresql_where=text("file_at IS NOT NULL AND gone_at IS NULL"),
        ),
    )

    media_id: UUID = Field(primary_key=True)
    post_id: UUID | None = None
    case_id: UUID | None = None
    asked_by: str | None = None
    why: str | None = None
    at: AwareDatetime
    tries: int = 0
    again_at: AwareDatetime | None = None
    done_at: AwareDatetime | None = None
    error: str | None = None
    remedy: str | None = None
    url: str | None = None
    headers: dict[str, Any] = Field(default={}, sa_column=document())
    steps: list[str] = Field(default=[], sa_column=words())
    sha256: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    size_bytes: int | None = Field(default=None, sa_column=Column(BigInteger))
    file_at: AwareDatetime | None = None
    gone_at: AwareDatetime | None = None
    gone_because: str | None = None


class Footage(Record, table=True):
    """One copy of a video or picture: the file, where and when it was first seen, and its family.

    A family is all footage with one `family_id`. `method` names the hash of the frames; only frames of one
    method are compared. `captions` are words burnt into the picture; `provenance` has the fields of
    `collector.video.probed.Provenance`. `matches` says why it was put beside others, the most certain
    first: footage, because, sure. Of withdrawn footage the digest stays, and nothing taken from its pictures.
    """

    __tablename__ = "footage"
    __table_args__ = (
        Index("footage_post_id_idx", "post_id"),
        Index("footage_sha256_idx", "sha256"),
        Index("footage_kept_at_idx", "kept_at"),
        Index("footage_withdrawn_at_idx", "withdrawn_at"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    family_id: UUID = Field(index=True)
    media_id: UUID | None = Field(default=None, unique=True)
    post_id: UUID | None = None
    platform: str
    first_seen_at: AwareDatetime
    kept_at: AwareDatetime
    sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    size_bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: str
    container: str
    codec: str
    width: int
    height: int
    duration_s: float | None = None
    has_sound: bool = False
    method: str
    captions: list[str] = Field(default=[], sa_column=words())
    captions_note: str | None = None
    provenance: dict[str, Any] = Field(default={}, sa_column=document())
    notes: list[str] = Field(default=[], sa_column=words())
    matches: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    withdrawn_at: AwareDatetime | None = None


class Frame(Record, table=True):
    """One moment of one footage, in seconds from its start, with its hash of 32 bytes."""

    __tablename__ = "frames"

    footage_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("footage.id", ondelete="CASCADE"), primary_key=True)
    )
    number: int = Field(primary_key=True)
    at_s: float
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


def withdraw_footage(session: Session, posts: Sequence[UUID], *, now: datetime) -> int:
    """Take back the footage of posts whose authors deleted them, and say how many copies there were.

    Frames, captions, provenance and addresses go; the digest and the place in the family stay as its tombstone.
    The sealed files go with the next tick (`triage/custody.py`).
    """
    gone = session.exec(
        select(Footage.id).where(col(Footage.post_id).in_(posts), col(Footage.withdrawn_at).is_(None))
    ).all()
    session.exec(delete(Frame).where(col(Frame.footage_id).in_(gone)))
    emptied = {"captions": [], "provenance": {}, "matches": [], "withdrawn_at": now}
    session.exec(update(Footage).where(col(Footage.id).in_(gone)).values(**emptied))
    unlinked: dict[str, Any] = {"url": None, "headers": {}, "again_at": None, "error": None, "remedy": None}
    session.exec(update(Look).where(col(Look.post_id).in_(posts)).values(**unlinked))
    return len(gone)
