"""A handover note: what one shift leaves to the next at a desk."""

from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import Index, Text
from sqlmodel import Field

from collector.records import Record, document
from triage.records import Desk


class HandoverNote(Record, table=True):
    """What one person wrote for whoever comes next at a desk, and who read it. `stood` are the counts of the desk when
    it was written."""

    __tablename__ = "handover_notes"
    __table_args__ = (Index("handover_notes_desk_idx", "desk", "written_at"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    desk: Desk = Field(sa_type=Text)
    words: str
    stood: dict[str, Any] = Field(default={}, sa_column=document())
    written_by: UUID = Field(foreign_key="people.id")
    written_at: AwareDatetime
    read_by: UUID | None = Field(default=None, foreign_key="people.id")
    read_at: AwareDatetime | None = None
