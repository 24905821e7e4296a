"""A reveal: that someone asked to be shown who wrote a post, why, and whether they were."""

from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field

from collector.records import Record


class Reveal(Record, table=True):
    """One request to see the author of one post in one case. Never holds the author.

    `reason` is one of the policy's, `why` the person's own words. Where the policy asks for a second person it waits
    for `agreed_by`. Shown to `asked_by` alone, until `shown_until`. `mark` is a digest of the author under a key of the
    vault, by which opening one author again is noticed; it is forgotten after the policy's days.
    """

    __tablename__ = "reveals"
    __table_args__ = (
        Index("reveals_mark_idx", "mark", "shown_at", postgresql_where=text("mark IS NOT NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    post_id: UUID = Field(index=True)
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    reason: str
    why: str
    asked_by: UUID = Field(foreign_key="people.id")
    asked_at: AwareDatetime = Field(index=True)
    agreed_by: UUID | None = Field(default=None, foreign_key="people.id")
    agreed_at: AwareDatetime | None = None
    shown_until: AwareDatetime | None = None
    shown_at: AwareDatetime | None = None
    mark: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class RevealLock(Record, table=True):
    """That posts of one author were opened so often that nobody is shown them, until a data steward opens the lock.

    The author is a mark, as in Reveal. `reveal_id` is the opening that locked it.
    """

    __tablename__ = "reveal_locks"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    mark: bytes = Field(sa_column=Column(LargeBinary, nullable=False, index=True))
    reveal_id: UUID = Field(foreign_key="reveals.id")
    openings: int
    locked_at: AwareDatetime
    opened_by: UUID | None = Field(default=None, foreign_key="people.id")
    opened_at: AwareDatetime | None = None
    opened_because: str | None = None
