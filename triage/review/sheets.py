"""The case sheet of a pack: what people enter from official records, and the words they write anew for panels.

Its fields are those of config/review/sheet.toml. An entry is never overwritten: a changed one is a new row.
"""

import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlmodel import Session, col, select

from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.review.pack_checks import Checks, findings_in
from triage.review.pack_records import SheetEntry

LONGEST, LONGEST_SOURCE = 2_000, 120


class SheetError(ValueError):
    """The fields cannot be read; the message names file, key and reason."""


class SheetField(BaseModel):
    """One field of the sheet: how it is answered, and what of it panels may read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    title: Annotated[str, Field(min_length=3, max_length=60)]
    asks: Annotated[str, Field(min_length=5, max_length=200)]
    sort: Literal["choice", "choices", "words"]
    choices: tuple[Annotated[str, Field(min_length=2, max_length=60)], ...] = ()
    official: bool = False
    panels: Literal["never", "as_it_is", "reworded"] = "never"

    @model_validator(mode="after")
    def _fits_together(self) -> "SheetField":
        if (self.sort == "words") == bool(self.choices):
            raise ValueError("choices: give them for choice and choices, and only there")
        if self.official and self.panels != "never":
            raise ValueError("panels: what is official stays in the full copy")
        if (self.panels == "reworded") != (self.sort == "words" and self.panels != "never"):
            raise ValueError("panels: words are reworded or never shown; choices are as_it_is or never shown")
        return self


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    field: tuple[SheetField, ...] = Field(min_length=1)


class Given(NamedTuple):
    """What somebody enters in one field."""

    choices: Sequence[str] = ()
    words: str = ""
    source: str = ""


def read_sheet(path: Path) -> tuple[SheetField, ...]:
    """Raises SheetError."""
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).field
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SheetError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise SheetError(f"{path}: {error}") from error


def entries_of(session: Session, case_id: UUID) -> dict[str, SheetEntry]:
    """What stands on the sheet of a case, by field."""
    asked = select(SheetEntry).where(SheetEntry.case_id == case_id, col(SheetEntry.superseded_at).is_(None))
    return {each.name: each for each in session.exec(asked)}


def enter(
    session: Session, case_id: UUID, field: SheetField, given: Given, *, who: Person, now: datetime
) -> SheetEntry:
    """Put one field on the sheet. Raises Conflict when it does not fit. The caller commits."""
    need(who, Permission.WORK_OVERSIGHT)
    words, source = given.words.strip(), " ".join(given.source.split())
    chosen = [each for each in field.choices if each in given.choices]
    _must_fit(field, chosen, given, words, source)
    before = _standing(session, case_id, field.name)
    if before is not None:
        before.superseded_at = now
        session.flush()
    made = SheetEntry(
        case_id=case_id,
        name=field.name,
        choices=chosen,
        words=words or None,
        source=source,
        entered_by=who.username,
        entered_at=now,
    )
    session.add(made)
    note(session, [Line("sheet entered", case_id, None, {"field": field.name})], who=who.username, now=now)
    return made


def reword(
    session: Session,
    case_id: UUID,
    field: SheetField,
    panel_words: str,
    checks: Checks,
    *,
    who: Person,
    now: datetime,
) -> SheetEntry:
    """Write what panels read of a field. Raises Conflict with each place where somebody could be known by it."""
    need(who, Permission.WORK_OVERSIGHT)
    if field.panels != "reworded":
        raise Conflict(f"Panels read nothing in words of {field.title!r}.")
    entry, said = _standing(session, case_id, field.name), panel_words.strip()
    if entry is None:
        raise Conflict("Enter what the record says first.")
    if len(said) > LONGEST:
        raise Conflict(f"At most {LONGEST:,} characters.")
    found = findings_in([said], checks)
    if found:
        told = "; ".join(f"{each.rule} at character {each.start}" for each in found[:8])
        raise Conflict(f"This cannot go to a panel: {told}. Say it without.")
    entry.panel_words, entry.panel_by, entry.panel_at = said or None, who.username, now
    line = Line("sheet reworded for panels", case_id, None, {"field": field.name})
    note(session, [line], who=who.username, now=now)
    return entry


def move_entries(session: Session, home: UUID, to: UUID) -> None:
    """Bring what stands on the sheet of a case to another one that it joins; what stands there already stays."""
    there = entries_of(session, to)
    for each in entries_of(session, home).values():
        if each.name not in there:
            each.case_id = to
    session.flush()


def _standing(session: Session, case_id: UUID, name: str) -> SheetEntry | None:
    """The entry that stands, its case held: of two people who write at once, one waits."""
    if session.get(Case, case_id, with_for_update=True) is None:
        raise Conflict("This case no longer exists.")
    return entries_of(session, case_id).get(name)


def _must_fit(field: SheetField, chosen: Sequence[str], given: Given, words: str, source: str) -> None:
    if not source or len(source) > LONGEST_SOURCE:
        raise Conflict(f"Say which record it is from, in up to {LONGEST_SOURCE} characters.")
    if len(words) > LONGEST:
        raise Conflict(f"At most {LONGEST:,} characters.")
    if len(chosen) != len(set(given.choices)):
        raise Conflict("Choose from the list.")
    if field.sort == "words" and not words:
        raise Conflict(f"Write it: {field.asks}")
    if field.sort != "words" and (words or not chosen or (field.sort == "choice" and len(chosen) > 1)):
        raise Conflict("Choose one." if field.sort == "choice" else "Choose at least one.")
