"""A restriction: that only some people see a case; and a tie: that somebody who works here knows a person in it."""

from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import Index, text
from sqlmodel import Field

from collector.records import Record, words


class Restriction(Record, table=True):
    """That a case is seen by the people named and the roles given alone, until two people lift it.

    `reason` is one of the policy's, `why` a person's own words; `roles` are those of the policy on the day it was
    set. `people` holds their ids.
    """

    __tablename__ = "restrictions"
    __table_args__ = (
        Index(
            "restrictions_standing_key", "case_id", unique=True, postgresql_where=text("lifted_at IS NULL")
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    reason: str
    why: str
    roles: list[str] = Field(default=[], sa_column=words())
    people: list[str] = Field(default=[], sa_column=words())
    set_by: UUID = Field(foreign_key="people.id")
    set_at: AwareDatetime
    lift_asked_by: UUID | None = Field(default=None, foreign_key="people.id")
    lift_asked_at: AwareDatetime | None = None
    lift_why: str | None = None
    lifted_by: UUID | None = Field(default=None, foreign_key="people.id")
    lifted_at: AwareDatetime | None = None


class Tie(Record, table=True):
    """That a person has said they know somebody in a case. While it stands they neither see it nor act on it."""

    __tablename__ = "ties"
    __table_args__ = (
        Index(
            "ties_standing_key",
            "person_id",
            "case_id",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    person_id: UUID = Field(foreign_key="people.id")
    declared_at: AwareDatetime
    withdrawn_at: AwareDatetime | None = None
    withdrawn_by: UUID | None = Field(default=None, foreign_key="people.id")
    withdrawn_because: str | None = None
