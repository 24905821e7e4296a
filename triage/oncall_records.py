"""Changes to a rota that people agree on, and the addresses under which a calendar reads it."""

from enum import StrEnum
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import Column, Index, LargeBinary, Text, text
from sqlmodel import Field

from collector.records import Record


class DutyState(StrEnum):
    """Only AGREED changes who is on call."""

    ASKED = "asked"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class DutyChange(Record, table=True):
    """That `takes` is to have a duty for a time instead of whose turn it is. Whoever takes it must agree."""

    __tablename__ = "duty_changes"
    __table_args__ = (Index("duty_changes_rota_idx", "rota", "ends_at"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    rota: str
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    takes: UUID = Field(foreign_key="people.id")
    asked_by: UUID = Field(foreign_key="people.id")
    asked_at: AwareDatetime
    why: str
    state: DutyState = Field(default=DutyState.ASKED, sa_type=Text)
    settled_at: AwareDatetime | None = None


class CalendarLink(Record, table=True):
    """An address under which one person's calendar reads one rota. Of its secret part only the digest is kept."""

    __tablename__ = "calendar_links"
    __table_args__ = (
        Index(
            "calendar_links_person_id_rota_key",
            "person_id",
            "rota",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    person_id: UUID = Field(foreign_key="people.id")
    rota: str
    made_at: AwareDatetime
    read_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None
