"""Meetings of the oversight group: lists, who sits in it and in its panels, who came, what they declared or asked."""

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Index, Text, text
from sqlmodel import Field

from collector.records import Record, document


class Review(Record, table=True):
    """One fortnightly meeting of the oversight group.

    `planned_at` is where the calendar puts it, None when only people did; `meets_at` where it is held. Its list is
    locked at `locks_at`, once the calendar has said when. What a person moved or cancelled says who and why.
    """

    __tablename__ = "reviews"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    meets_at: AwareDatetime = Field(unique=True)
    created_at: AwareDatetime
    planned_at: AwareDatetime | None = Field(default=None, unique=True)
    locks_at: AwareDatetime | None = None
    locked_at: AwareDatetime | None = None
    moved_at: AwareDatetime | None = None
    moved_by: str | None = None
    moved_because: str | None = None
    cancelled_at: AwareDatetime | None = None
    cancelled_by: str | None = None
    cancelled_because: str | None = None


class ReviewItem(Record, table=True):
    """A case on the list of a meeting, in the order of `position`; with `off_at`, one that was there and is not now.

    `late`: the chair added it after the list was locked. `carried_to` is the later meeting it went to.
    """

    __tablename__ = "review_items"

    case_id: UUID = Field(foreign_key="cases.id", primary_key=True)
    review_id: UUID = Field(foreign_key="reviews.id", primary_key=True, index=True)
    because: str
    listed_at: AwareDatetime
    listed_by: str = "golden hour"
    position: int = 0
    late: bool = False
    late_because: str | None = None
    off_at: AwareDatetime | None = None
    off_by: str | None = None
    off_because: str | None = None
    carried_to: UUID | None = Field(default=None, foreign_key="reviews.id")


class LockedAgenda(Record, table=True):
    """The list of a meeting as it stood when it was locked: for each case its id, position, why, and who listed it."""

    __tablename__ = "locked_agendas"

    review_id: UUID = Field(foreign_key="reviews.id", primary_key=True)
    locked_at: AwareDatetime
    items: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))


class Seat(Record, table=True):
    """That somebody sits in a body for a time: the oversight group, in one of its posts, or a panel.

    Members from the community have a name and no account.
    """

    __tablename__ = "seats"
    __table_args__ = (
        Index(
            "seats_held_key", "body", "post", "name", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    body: str
    post: str
    name: str
    person_id: UUID | None = Field(default=None, foreign_key="people.id", index=True)
    begun_at: AwareDatetime
    begun_by: str
    ended_at: AwareDatetime | None = None
    ended_by: str | None = None


class Attendance(Record, table=True):
    """One person at one meeting, in one post: apologies, when they came, when they left for good.

    `undertaking_at`: when they signed that what they hear is confidential.
    """

    __tablename__ = "attendances"
    __table_args__ = (Index("attendances_review_id_post_name_key", "review_id", "post", "name", unique=True),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    review_id: UUID = Field(foreign_key="reviews.id")
    post: str
    name: str
    person_id: UUID | None = Field(default=None, foreign_key="people.id")
    undertaking_at: AwareDatetime | None = None
    apologies_at: AwareDatetime | None = None
    came_at: AwareDatetime | None = None
    left_at: AwareDatetime | None = None
    noted_by: str


class Declaration(Record, table=True):
    """What somebody declared of themselves and a case of a meeting; who is recused takes no part in that case.

    `kind` is one of the terms of reference. `tie_id` is what keeps an account from the case from that moment. One that
    was entered wrongly, or counts no more, is withdrawn with a reason.
    """

    __tablename__ = "declarations"
    __table_args__ = (Index("declarations_review_id_case_id_idx", "review_id", "case_id"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    review_id: UUID = Field(foreign_key="reviews.id")
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    name: str
    person_id: UUID | None = Field(default=None, foreign_key="people.id")
    kind: str
    recused: bool = True
    tie_id: UUID | None = Field(default=None, foreign_key="ties.id")
    declared_at: AwareDatetime
    noted_by: str
    withdrawn_at: AwareDatetime | None = None
    withdrawn_by: str | None = None
    withdrawn_because: str | None = None


class RequestAnswer(StrEnum):
    """What came of a panel's request."""

    WAITING = "waiting"
    LISTED = "listed"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    NOT_OURS = "not_ours"


class CommunityRequest(Record, table=True):
    """An incident that a panel asks the group to look at, spoken R-<number>, and what the panel was answered.

    `case_id` and `review_id` say which case was listed for which meeting.
    """

    __tablename__ = "community_requests"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    panel: str = Field(index=True)
    asked_at: AwareDatetime
    words: str
    noted_by: str
    noted_at: AwareDatetime
    answer: RequestAnswer = Field(default=RequestAnswer.WAITING, sa_type=Text)
    answer_because: str | None = None
    answered_by: str | None = None
    answered_at: AwareDatetime | None = None
    case_id: UUID | None = Field(default=None, foreign_key="cases.id")
    review_id: UUID | None = Field(default=None, foreign_key="reviews.id")
