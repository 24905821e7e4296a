"""What search reads: the words of posts that are in a case, ready to be looked up."""

from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import Column, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field

from collector.records import Record


class PostWords(Record, table=True):
    """The words of one post without accounts' names, with the places it was read to name. Goes when the post does."""

    __tablename__ = "post_words"
    __table_args__ = (Index("post_words_words_idx", "words", postgresql_using="gin"),)

    post_id: UUID = Field(primary_key=True)
    collected_at: AwareDatetime = Field(index=True)
    words: str = Field(sa_column=Column(TSVECTOR, nullable=False))
