"""What people do about a confirmed case: its four tracks, the prompts answered, what is known of body-worn video."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import Text
from sqlmodel import Field

from collector.records import Record, document


class Track(Record, table=True):
    """One of the four lines of work of a confirmed case: comms, conduct, oversight, community. Always in one state
    of config/tracks.toml. `version` grows with each change; `closed_at` is set while the state is an end;
    `spoke_at` is when the public last heard from us on it.
    """

    __tablename__ = "tracks"

    case_id: UUID = Field(foreign_key="cases.id", primary_key=True)
    name: str = Field(primary_key=True)
    state: str
    version: int = 1
    owner: UUID | None = Field(default=None, foreign_key="people.id")
    opened_at: AwareDatetime
    state_since: AwareDatetime
    closed_at: AwareDatetime | None = None
    spoke_at: AwareDatetime | None = None


class Prompt(Record, table=True):
    """That the tool asked whether a decision is due, and what a person decided elsewhere. It decides nothing itself.

    `decided_by` is a post or role, never a name; `entered_by` is who wrote it down here.
    """

    __tablename__ = "prompts"

    case_id: UUID = Field(foreign_key="cases.id", primary_key=True)
    name: str = Field(primary_key=True)
    raised_at: AwareDatetime
    because: str
    answer: str | None = None
    decided_by: str | None = None
    answered_at: AwareDatetime | None = None
    entered_by: str | None = None
    why: str | None = None


class BodyWornVideo(Record, table=True):
    """What is known of the body-worn video of a case: by reference only, never a link to footage.

    `exists` is yes, no or unknown. `viewings` are {"role", "at"}, the latest last: posts or roles, not names.
    `encounter_s` is how long the encounter lasted, to be held against the clip the public sees.
    """

    __tablename__ = "body_worn_video"

    case_id: UUID = Field(foreign_key="cases.id", primary_key=True)
    exists: str = Field(default="unknown", sa_type=Text)
    reference: str | None = None
    activated: str | None = None
    audio_from: str | None = None
    encounter_s: int | None = None
    viewings: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    version: int = 1
    changed_at: AwareDatetime
