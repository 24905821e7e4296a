"""The table of the doors that are open to people we do not know."""

from pydantic import AwareDatetime
from sqlalchemy import Column, LargeBinary
from sqlmodel import Field

from collector.records import Record


class Knock(Record, table=True):
    """How often one caller, or all together, came to an open door within one stretch of time.

    `subject` is a keyed digest of the door, the caller and the stretch: it cannot be turned back into an
    address, and one caller's rows of two stretches cannot be told to be theirs.
    """

    __tablename__ = "knocks"

    subject: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    began_at: AwareDatetime = Field(index=True)
    count: int = 1
