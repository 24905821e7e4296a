"""What every table is made of, and the collector's own tables: where we look and what we saw there.

Ids are UUIDs made on our side. A post's id is computed from its platform and its id there, so the
same post has the same id whoever reads it, and storing it twice is impossible.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4, uuid5

from pydantic import AwareDatetime, ConfigDict
from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, MetaData, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

POST_NAMESPACE = UUID("6a1f3b1e-6a0c-5d0e-9a57-2f0c8b6f7a11")

NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Record(SQLModel):
    """A row. Built from trusted values inside; from outside only through `model_validate`."""

    model_config = ConfigDict(validate_assignment=True, extra="forbid")  # type: ignore[assignment]
    metadata = MetaData(naming_convention=NAMES)


def words() -> Any:
    """A column of several short texts. Its default is `[]`, which each row gets a copy of: pydantic looks at the
    signature of a factory again for every row, which for `list` takes longer than all else of making one."""
    return Column(ARRAY(Text), nullable=False, server_default="{}")


def document(default: str = "{}") -> Any:
    """A column of structured values, `{}` when nothing is known."""
    return Column(JSONB, nullable=False, server_default=default)


def post_id(platform: str, external_id: str) -> UUID:
    """The id of one post: the same for the same platform and id there, on every machine."""
    return uuid5(POST_NAMESPACE, f"{platform}\0{external_id}")


class Grade(StrEnum):
    """Reliability of a source, Admiralty scale (A completely reliable ... E unreliable, F unknown)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"


class SourceRow(Record, table=True):
    """A place to watch, as configured, with how it has been doing. A restart loses none of it.

    `rest_until` is when its server said we may come back, to it or to anything else on that host. From
    `stops_at` on it is not asked, because its term or its agreement has run out; `stops_because` says which.
    `rhythm_s` is how many seconds usually lie between two items it publishes, whether they are ours or not,
    `newest_at` when it published the last, `paced_s` how often it is asked for that. Its stored posts are not
    looked at again before `look_again_at`. Until `paused_until` it is not asked because a person said so.
    """

    __tablename__ = "sources"

    name: str = Field(primary_key=True)
    kind: str
    url: str
    tag: str | None = None
    term: str | None = None
    owner: str | None = None
    reason: str | None = None
    stops_at: AwareDatetime | None = None
    stops_because: str | None = None
    every_s: int
    paced_s: int | None = None
    rhythm_s: float | None = None
    newest_at: AwareDatetime | None = None
    quiet_since: AwareDatetime | None = None
    look_again_at: AwareDatetime | None = None
    boroughs: list[str] = Field(default=[], sa_column=words())
    grade: Grade = Field(sa_type=Text)
    basis: str
    enabled: bool = True
    due_at: AwareDatetime = Field(index=True)
    rest_until: AwareDatetime | None = None
    paused_until: AwareDatetime | None = None
    paused_by: str | None = None
    paused_because: str | None = None
    lease_until: AwareDatetime | None = None
    lease_owner: str | None = None
    last_tried_at: AwareDatetime | None = None
    last_success_at: AwareDatetime | None = None
    last_post_at: AwareDatetime | None = None
    failures: int = 0
    error: str | None = None
    remedy: str | None = None


class Cursor(Record, table=True):
    """Where the next fetch from a source starts, committed together with the posts before it."""

    __tablename__ = "cursors"

    source: str = Field(primary_key=True)
    position: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_sha256: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    moved_at: AwareDatetime


class PostKey(Record, table=True):
    """Every post ever taken in, one row each: the one place that decides whether a post is new.

    `posts` is cut into months, where PostgreSQL cannot keep an id unique over all of them.
    """

    __tablename__ = "post_keys"

    id: UUID = Field(primary_key=True)
    collected_at: AwareDatetime


class Post(Record, table=True):
    """One public item as published, with its payload; withdrawn when its author deletes it.

    Of a post that was edited this is the present wording, taken at `changed_at`; all wordings, the first one
    included, stand in `post_versions`. `fetch_id` names the answer of the server it came with.
    `author_key` is a keyed digest: it counts voices inside one case and is never searched or shown. Of a post in
    custody it is the digest of that with the case, so that nothing links one author's posts in two cases.
    `let_in_by` names the prefilter rule that let the post in.
    """

    __tablename__ = "posts"
    __table_args__ = (
        # one source's posts, and which of them are in cases, are counted without reading them
        Index("posts_source_collected_at_idx", "source", "collected_at", postgresql_include=["id"]),
        # a Bluesky account that is taken down is found by the start of its posts' addresses
        Index("posts_external_id_idx", "external_id", postgresql_ops={"external_id": "text_pattern_ops"}),
        # a pasted Bluesky link names its author by handle, and the post by the last 13 characters of its address
        Index(
            "posts_record_key_idx",
            text("right(external_id, 13)"),
            postgresql_where=text("platform = 'bluesky'"),
        ),
        # retention reads what still stands, the oldest first, and what went lately
        Index("posts_standing_idx", "collected_at", postgresql_where=text("withdrawn_at IS NULL")),
        Index("posts_withdrawn_at_idx", "withdrawn_at", postgresql_where=text("withdrawn_at IS NOT NULL")),
        # a pasted link is looked up whole; some are longer than a tree's page takes
        Index("posts_url_idx", "url", postgresql_using="hash"),
        {"postgresql_partition_by": "RANGE (collected_at)"},
    )

    id: UUID = Field(primary_key=True)
    collected_at: AwareDatetime = Field(primary_key=True)
    source: str
    platform: str
    external_id: str
    url: str | None = None
    title: str | None = None
    text: str
    lang: str | None = None
    published_at: AwareDatetime
    published_raw: str | None = None
    author_key: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    reply_to: str | None = None
    quote_of: str | None = None
    content_warning: str | None = None
    has_video: bool = False
    payload: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    payload_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    let_in_by: str
    withdrawn_at: AwareDatetime | None = None
    withdrawn_because: str | None = None
    edited_at: AwareDatetime | None = None
    changed_at: AwareDatetime | None = None
    checked_at: AwareDatetime | None = None
    fetch_id: UUID | None = None


class OptOut(Record, table=True):
    """That an account asks, for all it writes, not to be shown to strangers. Of the account only the digest is kept."""

    __tablename__ = "opt_outs"

    author_key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    platform: str
    at: AwareDatetime


class Sighting(Record, table=True):
    """That a source showed us a post, when, and with what reach."""

    __tablename__ = "sightings"
    __table_args__ = (
        Index("sightings_post_id_idx", "post_id"),
        {"postgresql_partition_by": "RANGE (seen_at)"},
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    seen_at: AwareDatetime = Field(primary_key=True)
    post_id: UUID
    source: str
    reach: dict[str, int] = Field(default={}, sa_column=document())


class Media(Record, table=True):
    """A picture, video, sound or linked page shown with a post, by address; `looks` says what came of its file.

    `alt` is what is said of it: its description, or the title and summary on a link's card. It is read beside the
    post's own text and never mixed into it. `aspect` is width by height.
    """

    __tablename__ = "media"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    post_id: UUID = Field(index=True)
    kind: str
    url: str
    alt: str | None = None
    duration_s: float | None = None
    aspect: float | None = None


class Gap(Record, table=True):
    """A stretch of time in which a source may have shown posts that we did not see."""

    __tablename__ = "gaps"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    source: str = Field(index=True)
    from_at: AwareDatetime
    until_at: AwareDatetime
    because: str
    found_at: AwareDatetime
    closed_at: AwareDatetime | None = None


class Tally(Record, table=True):
    """Per source and minute: how many items were seen and what became of them. Adds up:

    seen = stored + known + dropped + malformed.
    """

    __tablename__ = "tallies"

    source: str = Field(primary_key=True)
    minute: AwareDatetime = Field(primary_key=True, index=True)
    seen: int = 0
    stored: int = 0
    known: int = 0
    dropped: int = 0
    malformed: int = 0


class Failure(Record, table=True):
    """One item that a stage could not work through: out of the backlog, and in plain sight."""

    __tablename__ = "failures"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    at: AwareDatetime = Field(index=True)
    stage: str
    subject: str
    error: str
    remedy: str | None = None
    mended_at: AwareDatetime | None = None


def minute_of(moment: datetime) -> datetime:
    """The start of the minute a moment lies in."""
    return moment.replace(second=0, microsecond=0)
