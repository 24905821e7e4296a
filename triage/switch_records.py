"""A switch that is off: the model, or one channel that messages go out by. No row means on."""

from enum import StrEnum

from pydantic import AwareDatetime
from sqlalchemy import Text
from sqlmodel import Field

from collector.records import Record


class SwitchKind(StrEnum):
    """MODEL has one switch, named "model"; CHANNEL one for each channel, by its name or kind."""

    MODEL = "model"
    CHANNEL = "channel"


class Switch(Record, table=True):
    """That something was switched off, by whom, why and since when. Switched on again, the row goes; the log stays."""

    __tablename__ = "switches"

    kind: SwitchKind = Field(sa_type=Text, primary_key=True)
    name: str = Field(primary_key=True)
    off_at: AwareDatetime
    off_by: str
    because: str
