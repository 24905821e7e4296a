"""What is kept of rules: their words under their digest, and who had them taken into use, when and why."""

from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import Index
from sqlmodel import Field

from collector.records import Record, document


class RulesVersion(Record, table=True):
    """Rules as they were written, to the letter. `digest` is the SHA-256 of `words`."""

    __tablename__ = "rules_versions"

    digest: str = Field(primary_key=True)
    words: str
    kept_at: AwareDatetime
    kept_by: str


class RulesChange(Record, table=True):
    """That rules are to decide from `since` on; None while a second person has not agreed.

    The latest `since` is in force. `back` when it went back to the rules before. `rehearsal` is what they would have
    changed (triage/rehearsed.py), `alone` that nobody was there to be the second person.
    """

    __tablename__ = "rules_changes"
    __table_args__ = (Index("rules_changes_since_idx", "since"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    digest: str = Field(foreign_key="rules_versions.digest")
    instead_of: str | None = None
    back: bool = False
    alone: bool = False
    why: str
    rehearsal: dict[str, Any] = Field(default={}, sa_column=document())
    asked_by: str
    asked_at: AwareDatetime
    agreed_by: str | None = None
    since: AwareDatetime | None = None
