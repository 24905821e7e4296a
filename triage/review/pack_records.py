"""What packs need beside the case records: what was recorded of an encounter, and the versions made and released."""

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Text, text
from sqlmodel import Field

from collector.records import Record, document, words


class SheetEntry(Record, table=True):
    """One thing that an official record says of an encounter, or that the group needs to read of it, by a field of
    config/review/sheet.toml. A changed entry is a new row; the one before has `superseded_at`.

    `choices` are codes of the field, `words` free text for the full copy alone. `source` is the record it is from.
    `panel_words` are the words written anew for panels, with nobody in them: nothing else of `words` leaves the full
    copy.
    """

    __tablename__ = "sheet_entries"
    __table_args__ = (
        Index(
            "sheet_entries_standing_idx",
            "case_id",
            "name",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id")
    name: str
    choices: list[str] = Field(default=[], sa_column=words())
    words: str | None = None
    source: str
    entered_by: str
    entered_at: AwareDatetime
    panel_words: str | None = None
    panel_by: str | None = None
    panel_at: AwareDatetime | None = None
    superseded_at: AwareDatetime | None = None


class EditionState(StrEnum):
    """Where a version of a pack stands. Only a second person makes one RELEASED."""

    ASKED = "asked"
    STOPPED = "stopped"
    MADE = "made"
    RELEASED = "released"
    REFUSED = "refused"


class PackEdition(Record, table=True):
    """One version of a pack for a panel or the public, spoken as P-<number>: asked for, made, and released or not.

    `since` to `until` is its period; `panel` names the panel, with the command unit or the borough of its area.
    `learning` is what was learnt, in words for the public. `manifest` says what was left out, where and by which rule,
    without what it was; `stopped_by` are the places the linter found when it was STOPPED. `manifest_sha256` stands in
    the pack.
    """

    __tablename__ = "pack_editions"
    __table_args__ = (Index("pack_editions_state_idx", "state", "asked_at"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    audience: str
    panel: str = ""
    bcu: str | None = None
    borough: str | None = None
    since: AwareDatetime
    until: AwareDatetime
    learning: str = ""
    state: EditionState = Field(default=EditionState.ASKED, sa_type=Text)
    asked_by: str
    asked_at: AwareDatetime
    made_at: AwareDatetime | None = None
    manifest: dict[str, Any] = Field(default={}, sa_column=document())
    manifest_sha256: str | None = None
    stopped_by: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    decided_by: str | None = None
    decided_at: AwareDatetime | None = None
    why: str | None = None


class PackFile(Record, table=True):
    """One form of an edition, as it was made and is handed on: the bytes, and their SHA-256."""

    __tablename__ = "pack_files"

    edition_id: UUID = Field(foreign_key="pack_editions.id", primary_key=True)
    form: str = Field(primary_key=True)
    sha256: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
