"""What the classifier says of one post: the assessment, its labels and its reasons."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import Column, Computed, Index, Text, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from collector.records import Record, document

BOROUGHS_OF_PLACES = """jsonb_path_query_array(places, '$[*]."borough"?(@ != null)'::jsonpath)"""


class IncidentType(StrEnum):
    """What kind of encounter a text reports; the gravest it states (labelling guide)."""

    DEATH_OR_FIREARMS = "death_or_firearms"
    USE_OF_FORCE = "use_of_force"
    PURSUIT_COLLISION = "pursuit_collision"
    STOP_SEARCH = "stop_search"
    OFFICER_HARMED = "officer_harmed"
    ARREST_DETENTION = "arrest_detention"
    OTHER_ENCOUNTER = "other_encounter"
    OFFICER_CONDUCT = "officer_conduct"
    NONE = "none"


class Force(StrEnum):
    """Whose officers the text is about."""

    MET = "met"
    BTP = "btp"
    COL = "col"
    OTHER_UK = "other_uk"
    OVERSEAS = "overseas"
    UNKNOWN = "unknown"


class Assessment(Record, table=True):
    """What one model version makes of one post. Probabilities are in 0..1; offsets are characters of the
    text as published. The fields mean what `goldenhour assess` prints under the same names. `boroughs` are
    those of the places, taken from them by the database, so that they can be counted without reading a row.
    `hurried` while the gate's score stands in for the encoder's, because more posts came than both could read.
    """

    __tablename__ = "assessments"
    __table_args__ = (
        Index(
            "assessments_boroughs_idx", "at", "post_id", "boroughs", postgresql_where=text("boroughs <> '[]'")
        ),
        Index("assessments_hurried_idx", "incident_any", postgresql_where=text("hurried")),
    )

    post_id: UUID = Field(primary_key=True)
    model: str = Field(primary_key=True)
    at: AwareDatetime
    incident: float
    incident_any: float
    type: IncidentType = Field(sa_type=Text)
    types: dict[str, float] = Field(default={}, sa_column=document())
    severity: float
    urgent: bool = False
    labels: dict[str, float] = Field(default={}, sa_column=document())
    claim: float = 0.0
    unverified: float = 0.0
    places: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    boroughs: list[str] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), Computed(BOROUGHS_OF_PLACES, persisted=True))
    )
    force: Force = Field(default=Force.UNKNOWN, sa_type=Text)
    signals: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    abstain: bool = False
    hurried: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


def reading_text(title: str | None, text: str, beside: Sequence[str] = ()) -> str:
    """What is read of a post: a news item's title stands first unless its text repeats it, and what is said of its
    pictures and links (`beside`, in the order of their addresses) stands last."""
    return "\n".join([f"{title} — {text}" if title and not text.startswith(title) else text, *beside])
