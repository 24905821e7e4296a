"""Lines and what stands behind them: facts people verified, wordings, who approved, where it went, what was said."""

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Index, Text
from sqlmodel import Field

from collector.records import Record, document, words


class StatementState(StrEnum):
    """Where a line stands. People move it; only EXPIRED comes by the clock."""

    DRAFTED = "drafted"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    ISSUED = "issued"
    SUPERSEDED = "superseded"
    CORRECTED = "corrected"
    EXPIRED = "expired"


class Statement(Record, table=True):
    """A line on a case, spoken as S-<number>: drafted from facts, written, reviewed and approved by people. Never
    published here; `issued_at` is when somebody issued it elsewhere, first (StatementIssue has each).

    `version` counts its wordings; 0 waits to be filled from its template. `text` is the long wording, `variants` hold
    the others by name. `facts` are those it rests on, as they were when it was written. `author` asked for it or
    wrote it first; nobody when the machine drafted it. `stale_because` is set when a fact it rests on has changed
    since. It `follows` an earlier line, which it supersedes or, with `correction`, corrects. `answers` are ids of
    claims it answers; `claim_id` is the line itself as a claim of ours, once issued. `flags` are what people said of
    the case that the checker must know, such as `child`; `cleared` says by rule which findings in this wording
    whoever answers for it has cleared, and why.
    """

    __tablename__ = "statements"
    __table_args__ = (
        Index("statements_case_id_idx", "case_id", "drafted_at"),
        Index("statements_state_idx", "state", "drafted_at"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    case_id: UUID = Field(foreign_key="cases.id")
    template: str
    title: str = ""
    version: int = 1
    state: StatementState = Field(default=StatementState.DRAFTED, sa_type=Text)
    text: str
    variants: dict[str, str] = Field(default={}, sa_column=document())
    facts: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    missing: list[str] = Field(default=[], sa_column=words())
    author: str | None = None
    drafted_at: AwareDatetime
    approved_at: AwareDatetime | None = None
    issued_at: AwareDatetime | None = None
    next_update_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    stale_at: AwareDatetime | None = None
    stale_because: str | None = None
    follows: UUID | None = Field(default=None, foreign_key="statements.id")
    correction: bool = False
    answers: list[str] = Field(default=[], sa_column=words())
    flags: list[str] = Field(default=[], sa_column=words())
    cleared: dict[str, str] = Field(default={}, sa_column=document())
    claim_id: UUID | None = None


class CaseFact(Record, table=True):
    """One thing known of a case, such as its place, with where it is known from. A line rests on it only once a
    named person has verified it. A changed fact is a new row; the old one is `withdrawn`, with the reason.
    """

    __tablename__ = "case_facts"
    __table_args__ = (Index("case_facts_case_id_idx", "case_id", "name"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id")
    name: str
    value: str
    source: str
    noted_by: str
    noted_at: AwareDatetime
    verified_by: str | None = None
    verified_at: AwareDatetime | None = None
    withdrawn_by: str | None = None
    withdrawn_at: AwareDatetime | None = None
    withdrawn_because: str | None = None


class StatementVersion(Record, table=True):
    """One wording of a line, whole: who wrote it, when, and on which facts. Never changed."""

    __tablename__ = "statement_versions"

    statement_id: UUID = Field(foreign_key="statements.id", primary_key=True)
    number: int = Field(primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    texts: dict[str, str] = Field(default={}, sa_column=document())
    facts: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    written_by: str
    written_at: AwareDatetime
    why: str | None = None


class StatementApproval(Record, table=True):
    """That somebody signed one wording off. `accepted` says, for each finding that only warned, why it stands.
    It counts no more once `voided_at` is set, as when the line was written anew.
    """

    __tablename__ = "statement_approvals"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    statement_id: UUID = Field(foreign_key="statements.id", index=True)
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    version: int
    who: str
    post: str = ""
    accepted: dict[str, str] = Field(default={}, sa_column=document())
    at: AwareDatetime
    voided_at: AwareDatetime | None = None


class StatementIssue(Record, table=True):
    """That an approved line went out, elsewhere, through a person: where, when, to whom, and its link."""

    __tablename__ = "statement_issues"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    statement_id: UUID = Field(foreign_key="statements.id", index=True)
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    version: int
    variant: str
    place: str
    recipients: str = ""
    link: str = ""
    at: AwareDatetime
    entered_by: str
    entered_at: AwareDatetime


class StatementComment(Record, table=True):
    """What somebody said of a wording; with `sent_back` it returned the line to its author."""

    __tablename__ = "statement_comments"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    statement_id: UUID = Field(foreign_key="statements.id", index=True)
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    version: int
    words: str
    who: str
    at: AwareDatetime
    sent_back: bool = False
