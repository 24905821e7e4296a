"""What people know of claims: the claims themselves, what was decided of them, the posts that make them, questions."""

from enum import StrEnum
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Text, text
from sqlmodel import Field

from collector.records import Record, document, words


class ClaimState(StrEnum):
    """What is thought of a claim. Only people go beyond `UNVERIFIED`; disputed, opinion and false are three things."""

    UNVERIFIED = "unverified"
    DISPUTED = "disputed"
    FALSE = "false"
    TRUE = "true"
    PARTIAL = "partial"
    OPINION = "opinion"


DECIDED = (ClaimState.FALSE, ClaimState.PARTIAL)  # what may be called wrong in public


class ClaimType(StrEnum):
    """What kind of untruth a claim might be: a hypothesis with checks to make (config/claims.toml), no verdict."""

    OLD_AS_NEW = "old_as_new"
    WRONG_PLACE_OR_FORCE = "wrong_place_or_force"
    STAGED = "staged"
    SYNTHETIC = "synthetic"
    TRUNCATED = "truncated"
    FALSE_DEATH = "false_death"
    FALSE_IDENTITY = "false_identity"
    FALSE_NUMBERS = "false_numbers"
    FAKE_STATEMENT = "fake_statement"
    FALSE_LAW = "false_law"


class KnownClaim(Record, table=True):
    """One checkable assertion on a case, spoken as C-<number>. Who first made it is never kept, only read from its
    sightings as a voice of the case.

    `ours` when it is our own issued statement. `post_id` is the post its words are from, as long as they are that
    post's: they go with it. `state`, `met_wrong` and `decided_*` are those of the decision in force. A merged claim
    stays as another wording of `merged_into`; a withdrawn one is looked for no more.
    """

    __tablename__ = "known_claims"
    __table_args__ = (
        CheckConstraint("state = 'unverified' OR decision_id IS NOT NULL", name="people_decide"),
        Index("known_claims_post_id_idx", "post_id", postgresql_where=text("post_id IS NOT NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    text: str
    title: str
    type: ClaimType | None = Field(default=None, sa_type=Text)
    ours: bool = False
    post_id: UUID | None = None
    state: ClaimState = Field(default=ClaimState.UNVERIFIED, sa_type=Text)
    met_wrong: bool = False
    decision_id: UUID | None = None
    noted_at: AwareDatetime
    noted_by: str
    changed_at: AwareDatetime = Field(index=True)
    first_seen_at: AwareDatetime | None = None
    merged_into: UUID | None = Field(default=None, foreign_key="known_claims.id", index=True)
    withdrawn_at: AwareDatetime | None = None
    words_gone_at: AwareDatetime | None = None


class ClaimDecision(Record, table=True):
    """What a person says a claim is, why, and on what evidence: references only. `second` is who agreed, where two
    must; without `in_force_at` it waits for that person. `met_wrong` says that a statement of ours was wrong.
    """

    __tablename__ = "claim_decisions"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    claim_id: UUID = Field(foreign_key="known_claims.id", index=True)
    state: ClaimState = Field(sa_type=Text)
    met_wrong: bool = False
    why: str
    evidence: list[str] = Field(default=[], sa_column=words())
    first: str
    first_role: str
    asked_at: AwareDatetime
    second: str | None = None
    second_role: str | None = None
    in_force_at: AwareDatetime | None = None
    refused_at: AwareDatetime | None = None
    undone_at: AwareDatetime | None = None


class ClaimResponse(Record, table=True):
    """What a person chose to do about a claim, why, and the figures they saw: how far it had come (`reach`), and how
    many would hear by it (`people`). `law` is what reported content breaks. The newest one counts.
    """

    __tablename__ = "claim_responses"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    claim_id: UUID = Field(foreign_key="known_claims.id", index=True)
    option: str
    title: str
    policy: int
    why: str
    law: str | None = None
    people: int | None = Field(default=None, sa_column=Column(BigInteger))
    reach: dict[str, int | None] = Field(default={}, sa_column=document())
    chosen_by: str
    role: str
    at: AwareDatetime


class SightingState(StrEnum):
    """COUNTED by itself, SUGGESTED to a person, CONFIRMED or REFUSED by one."""

    COUNTED = "counted"
    SUGGESTED = "suggested"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


class ClaimSighting(Record, table=True):
    """That a post makes a known claim: how sure that is, and why. `because` goes when the post is withdrawn."""

    __tablename__ = "claim_sightings"

    claim_id: UUID = Field(foreign_key="known_claims.id", primary_key=True)
    post_id: UUID = Field(primary_key=True, index=True)
    state: SightingState = Field(sa_type=Text)
    score: float
    because: str
    published_at: AwareDatetime
    at: AwareDatetime
    answered_by: str | None = None


class AnswerState(StrEnum):
    ANSWERED = "answered"
    NOT_YET = "not_yet"
    CANNOT_SAY = "cannot_say"


class Question(Record, table=True):
    """A question people ask about a case. `answer` is the answer, when there will be one, or why we cannot say.

    `ready` has the service's words by state, as far as there are any: nobody said them yet.
    """

    __tablename__ = "questions"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    text: str
    state: AnswerState = Field(default=AnswerState.NOT_YET, sa_type=Text)
    answer: str = ""
    asked_at: AwareDatetime
    asked_by: str
    answered_at: AwareDatetime | None = None
    answered_by: str | None = None
    ready: dict[str, str] = Field(default={}, sa_column=document())
