"""Who may see what of the review: panels with their areas, and the audiences of the pack; read from a file."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import ColumnElement, false, select, true
from sqlmodel import Session, col

from triage.permissions import Permission, may
from triage.policy import read_policy
from triage.records import Case, Person, Role
from triage.review.meeting_records import Seat

PanelName = Annotated[str, Field(pattern=r"^[a-z0-9-]{3,60}$")]
Title = Annotated[str, Field(min_length=2, max_length=100)]


class PanelKind(StrEnum):
    """A Police Encounter Panel of a BCU, or a community monitoring group of a borough."""

    PEP = "pep"
    CMG = "cmg"


class Sight(StrEnum):
    """Which cases an audience is told of."""

    ALL = "all"
    AREA = "area"
    NONE = "none"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Panel(_Part):
    name: PanelName
    title: Title
    kind: PanelKind
    bcu: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    borough: Title | None = None

    def covers(self, case: Case) -> bool:
        return case.bcu == self.bcu if self.kind is PanelKind.PEP else case.borough == self.borough

    @model_validator(mode="after")
    def _has_its_area(self) -> Self:
        if (self.kind is PanelKind.PEP) != (self.bcu is not None) or (self.bcu is None) == (
            self.borough is None
        ):
            raise ValueError("a pep has a bcu, a cmg a borough, and neither has both")
        return self


class Audience(_Part):
    """Whom a version of the pack is for: roles that may open it, the cases in it, and whether it must be released."""

    name: Annotated[str, Field(pattern="^(full|panel|public)$")]
    title: Title
    roles: tuple[Role, ...]
    cases: Sight
    only_released: bool = True


class Panels(_Part):
    version: int = Field(ge=1)
    approved_by: str = Field(min_length=3)
    approved_on: date
    because: str = Field(min_length=3)
    audience: tuple[Audience, ...]
    panel: tuple[Panel, ...] = ()

    def panel_of(self, name: str) -> Panel | None:
        return next((each for each in self.panel if each.name == name), None)

    def audience_of(self, name: str) -> Audience | None:
        return next((each for each in self.audience if each.name == name), None)

    def of_person(self, session: Session, who: Person) -> list[Panel]:
        """The panels in which somebody has a seat."""
        asked = select(col(Seat.body)).where(col(Seat.ended_at).is_(None), col(Seat.person_id) == who.id)
        bodies = set(session.scalars(asked))
        return [each for each in self.panel if each.name in bodies]

    def covering(self, case: Case) -> list[Panel]:
        """The panels in whose area a case lies."""
        return [each for each in self.panel if each.covers(case)]

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [each.name for each in self.panel]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"panel {twice!r}: there are two of this name")
        if sorted(each.name for each in self.audience) != ["full", "panel", "public"]:
            raise ValueError("audience: there must be one each of full, panel, public")
        if next(each for each in self.audience if each.name == "public").cases is not Sight.NONE:
            raise ValueError("audience public, cases: the public is told counts and learning, of no case")
        return self


def read_panels(path: Path) -> Panels:
    """The panels and audiences. Raises ValueError naming file, key and reason."""
    return read_policy(Panels, path)


def cases_for(audience: Audience, panel: Panel | None = None) -> ColumnElement[bool]:
    """The condition on `cases` that an audience means; with areas, for one panel and nothing without."""
    if audience.cases is Sight.ALL:
        return true()
    if audience.cases is Sight.NONE or panel is None:
        return false()
    return col(Case.bcu) == panel.bcu if panel.kind is PanelKind.PEP else col(Case.borough) == panel.borough


def may_open(
    session: Session, who: Person, name: str, panels: Panels, *, panel: str | None = None, released: bool
) -> bool:
    """Whether a person may open a version of the pack: by role, released where that is asked, and of a panel only by
    its members. `panel` is whose version it is. Who keeps the reviews opens any version.
    """
    audience = panels.audience_of(name)
    if audience is None or who.disabled_at is not None:
        return False
    if may(who, Permission.RUN_REVIEWS):
        return True
    if not set(who.roles) & set(audience.roles) or (audience.only_released and not released):
        return False
    return audience.cases is not Sight.AREA or panel in {each.name for each in panels.of_person(session, who)}
