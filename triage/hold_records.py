"""A legal hold: that something must not be disposed of, whatever its time, until the hold ends."""

from enum import StrEnum
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Index, Text, text
from sqlmodel import Field

from collector.records import Record


class HoldScope(StrEnum):
    """What a hold covers: a case with its posts, one post, or what a source brought in a stretch of time."""

    CASE = "case"
    POST = "post"
    SPAN = "span"


class Hold(Record, table=True):
    """That records, and with `signed_at` copied posts as well, are kept until `ended_at`; spoken as H-<number>.

    `content` says that posts are asked for, too: they are held only once a data steward, who did not set the hold,
    has signed that off. An empty `source` of a span means all. From `review_at` on somebody must say that it is
    still needed; at `expires_at` it ends by itself. Whoever asks which posts are held reads the view `held_posts`.
    """

    __tablename__ = "holds"
    __table_args__ = (
        Index("holds_case_id_idx", "case_id"),
        Index("holds_standing_idx", "expires_at", postgresql_where=text("ended_at IS NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    scope: HoldScope = Field(sa_type=Text)
    case_id: UUID | None = Field(default=None, foreign_key="cases.id")
    post_id: UUID | None = None
    source: str | None = None
    from_at: AwareDatetime | None = None
    until_at: AwareDatetime | None = None
    reason: str
    why: str
    content: bool = False
    set_by: UUID = Field(foreign_key="people.id")
    set_at: AwareDatetime
    review_at: AwareDatetime
    expires_at: AwareDatetime
    signed_by: UUID | None = Field(default=None, foreign_key="people.id")
    signed_at: AwareDatetime | None = None
    refused_at: AwareDatetime | None = None
    reviewed_at: AwareDatetime | None = None
    reminded_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    ended_by: UUID | None = Field(default=None, foreign_key="people.id")
    ended_because: str | None = None
