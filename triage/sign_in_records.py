"""How people came in: signed-in browsers, links that let one in once, and passwords that failed."""

from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary
from sqlmodel import Field

from collector.records import Record


class WebSession(Record, table=True):
    """A signed-in browser. Only the digest of its token is kept."""

    __tablename__ = "web_sessions"

    token_sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    person_id: UUID = Field(foreign_key="people.id", index=True)
    csrf: str
    created_at: AwareDatetime
    last_seen_at: AwareDatetime
    expires_at: AwareDatetime


class SignInLink(Record, table=True):
    """A link that signs one person in, once."""

    __tablename__ = "sign_in_links"

    token_sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    person_id: UUID = Field(foreign_key="people.id")
    expires_at: AwareDatetime
    used_at: AwareDatetime | None = None


class SignInAttempt(Record, table=True):
    """A failed password, counted to slow down guessing. `subject` is a digest of account or address."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("sign_in_attempts_subject_at_idx", "subject", "at"),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    subject: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: AwareDatetime
