"""A reveal: that someone asked to be shown who wrote a post, why, and whether they were."""

from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlmodel import Field

from collector.records import Record


class Reveal(Record, table=True):
    """One request to see the author of one post in one case. Never holds the author.

    `reason` is one of the policy's, `why` the person's own words. Where the policy asks for a second person it waits
    for `agreed_by`. Shown to `asked_by` alone, until `shown_until`.
    """

    __tablename__ = "reveals"

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
