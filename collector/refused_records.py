"""The table of the few items a day that the prefilter refused and that a person looks at all the same."""

from datetime import date
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import Index
from sqlmodel import Field

from collector.records import Record


class RefusedItem(Record, table=True):
    """One item drawn at random from all that were refused on a day, without its author, payload, pictures or address.

    `lot` was drawn between 0 and 1: the lowest of a day stay. `post_id` is what its id as a post would be, so that
    it goes when it is deleted where it came from.
    """

    __tablename__ = "refused_items"
    __table_args__ = (Index("refused_items_day_lot_idx", "day", "lot"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    day: date
    lot: float
    post_id: UUID = Field(index=True)
    source: str
    platform: str
    title: str | None = None
    text: str
    lang: str | None = None
    published_at: AwareDatetime
    refused_at: AwareDatetime
