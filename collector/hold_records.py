"""A held copy: what a legal hold keeps of a post that its author or its platform has taken back."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime
from sqlmodel import Field

from collector.records import Record, document


class HeldCopy(Record, table=True):
    """One post as it was when it had to go while a hold covered its content: out of every page and search.

    `content` holds the rows: `post`, `versions`, `media`, `author` (sealed). Goes when no hold covers it any more.
    """

    __tablename__ = "held_copies"

    post_id: UUID = Field(primary_key=True)
    source: str
    collected_at: AwareDatetime
    taken_at: AwareDatetime
    because: str
    content: dict[str, Any] = Field(default={}, sa_column=document())
