"""What is kept of the oversight group's decisions: findings, referrals made elsewhere, minutes, actions, feedback, and
what panels sent. Versions are appended; nothing here is overwritten once a meeting has made it."""

from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, Column, Identity, Index, Text, text
from sqlmodel import Field

from collector.records import Record, document, words


class Talk(StrEnum):
    """The answer to "communications or handcuffs?": would more talking have avoided force?"""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"
    NO_FORCE = "no_force"


class Finding(Record, table=True):
    """What the group found of one case at one meeting. `version` counts from 1; a correction is a new row with
    `correction_why`, and sets `superseded_at` on the one before, which is otherwise never changed.

    As it stood at a moment: `entered_at <= moment` and `superseded_at` is None or later. A case is *reviewed* when it
    has a finding that stands and whose `reviewed` is true (DEFERRED is not), in the period of its meeting's `meets_at`,
    not of `entered_at`. `concern` is whether a code counts as potential conduct or referral. Both are of the codes as
    they were when it was made, as are `says` ({code: title}) and `themes` (of the charter).

    `code` is the primary code of config/review/findings.toml, `secondary` the others. `talk` answers "communications
    or handcuffs?". `communication` is the quality of communication, 1 poor to 5 exemplary, apart from `legality`, the
    name of an answer in findings.toml. `steps` are the National Decision Model's: {"step", "asks", "words"}. `dissent`
    is {"post", "words"}. All words are for the full pack; none holds names of the public.
    """

    __tablename__ = "findings"
    __table_args__ = (
        Index("findings_case_id_review_id_version_key", "case_id", "review_id", "version", unique=True),
        Index(
            "findings_standing_idx",
            "review_id",
            "case_id",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id")
    review_id: UUID = Field(foreign_key="reviews.id")
    version: int = 1
    code: str
    secondary: list[str] = Field(default=[], sa_column=words())
    says: dict[str, Any] = Field(default={}, sa_column=document())
    themes: list[str] = Field(default=[], sa_column=words())
    reviewed: bool = True
    concern: bool = False
    talk: Talk | None = Field(default=None, sa_type=Text)
    communication: int | None = None
    legality: str | None = None
    went_well: str | None = None
    decision: str
    why: str
    steps: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    dissent: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    entered_by: str
    entered_at: AwareDatetime
    correction_why: str | None = None
    superseded_at: AwareDatetime | None = None


class ReferralBody(StrEnum):
    """Whom a case was referred to."""

    DPS = "dps"
    IOPC = "iopc"


class Referral(Record, table=True):
    """That somebody referred a case, elsewhere: recorded here, never made here.

    `kind` is voluntary or mandatory (IOPC), or None (DPS). `by_post` is the post that made it, `made_on` London's day.
    A wrong entry is superseded by another, with `correction_why` on the new one, or taken back: then
    `superseded_at` is set and `taken_back_why` says why.
    """

    __tablename__ = "referrals"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id", index=True)
    review_id: UUID | None = Field(default=None, foreign_key="reviews.id")
    body: ReferralBody = Field(sa_type=Text)
    kind: str | None = None
    by_post: str
    made_on: date
    reference: str
    entered_by: str
    entered_at: AwareDatetime
    corrects: UUID | None = None
    correction_why: str | None = None
    superseded_at: AwareDatetime | None = None
    taken_back_why: str | None = None


class Minutes(Record, table=True):
    """The minutes of one meeting: drafted from the records, edited, then fixed by another person's approval at a later
    meeting (`approved_in`).

    `parts` are in order: {"name", "title", "words", "case"}; `case` is a case's id as text in the part about it, else
    None: whoever does not see the case is not shown the part. `version` grows with each edit. Once `approved_at` is
    set only MinutesCorrection rows are appended.
    """

    __tablename__ = "minutes"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    review_id: UUID = Field(foreign_key="reviews.id", unique=True)
    version: int = 1
    parts: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    author: str
    drafted_at: AwareDatetime
    changed_at: AwareDatetime
    approved_by: str | None = None
    approved_at: AwareDatetime | None = None
    approved_in: UUID | None = Field(default=None, foreign_key="reviews.id")


class MinutesCorrection(Record, table=True):
    """What approved minutes should have said, appended beside them. `case_id` as in a part of the minutes."""

    __tablename__ = "minutes_corrections"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    minutes_id: UUID = Field(foreign_key="minutes.id", index=True)
    case_id: UUID | None = Field(default=None, foreign_key="cases.id")
    words: str
    why: str
    entered_by: str
    entered_at: AwareDatetime


class ActionTarget(StrEnum):
    """Where an action is to change something. OFFICER: through the supervisor, never by name."""

    OFFICER = "officer"
    BCU = "bcu"
    UNIT = "unit"
    TRAINING = "training"
    POLICY = "policy"
    COMMS = "comms"
    COMMUNITY = "community"


class ActionOutcome(StrEnum):
    """What came of an action, as the group closed it."""

    WORKED = "worked"
    PARTLY = "partly"
    DID_NOT_WORK = "did_not_work"
    NOT_KNOWN = "not_known"
    NOT_DONE = "not_done"


class Action(Record, table=True):
    """Something the group asked a post to have done by a day (London's), spoken as A-<number>.

    Of a case, or of none when the meeting asked for it in general. Open until `closed_at`; `completed_at` with
    `evidence` is when the owner said it was done; overdue is open, not completed, after `due_on`. `theme` is one of the
    charter's. `closed_in` is the meeting that closed it, with `outcome`.
    """

    __tablename__ = "actions"
    __table_args__ = (Index("actions_open_idx", "due_on", postgresql_where=text("closed_at IS NULL")),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    review_id: UUID = Field(foreign_key="reviews.id", index=True)
    case_id: UUID | None = Field(default=None, foreign_key="cases.id", index=True)
    target: ActionTarget = Field(sa_type=Text)
    theme: str | None = None
    words: str
    owner_post: str
    due_on: date
    first_due_on: date
    opened_by: str
    opened_at: AwareDatetime
    completed_at: AwareDatetime | None = None
    evidence: str | None = None
    outcome: ActionOutcome | None = Field(default=None, sa_type=Text)
    outcome_words: str | None = None
    closed_by: str | None = None
    closed_at: AwareDatetime | None = None
    closed_in: UUID | None = Field(default=None, foreign_key="reviews.id")


class ActionNote(Record, table=True):
    """One entry under an action: progress, evidence, a due date moved, closed, opened again. Append-only."""

    __tablename__ = "action_notes"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    action_id: UUID = Field(foreign_key="actions.id", index=True)
    case_id: UUID | None = Field(default=None, foreign_key="cases.id")
    what: str
    words: str
    entered_by: str
    entered_at: AwareDatetime


class Feedback(Record, table=True):
    """What a BCU is told of one case after a meeting, within five working days (`due_at`).

    A person sends it elsewhere and records that here: `sent_by`, to `sent_to` (a post). `confirmed_at` is when the BCU
    confirmed, by `confirmed_by` (a post), that the officer was told; officers are never named. `breached_at` is when
    it was found unsent past `due_at`, once. `bcu` is the case's code then, "" where it has none.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        Index("feedback_case_id_review_id_key", "case_id", "review_id", unique=True),
        Index("feedback_unsent_idx", "due_at", postgresql_where=text("sent_at IS NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id")
    review_id: UUID = Field(foreign_key="reviews.id", index=True)
    bcu: str = ""
    words: str
    begun_at: AwareDatetime
    due_at: AwareDatetime
    breached_at: AwareDatetime | None = None
    sent_at: AwareDatetime | None = None
    sent_by: str | None = None
    sent_to: str | None = None
    confirmed_at: AwareDatetime | None = None
    confirmed_by: str | None = None
    confirmed_entered_by: str | None = None


class PanelForm(Record, table=True):
    """One feedback form of a panel, imported from a file: `scores` are {question: 1..5} by the names in findings.toml.

    `digest` is of the row as it was read, so that the same form counts once. `panel` is the panel's name.
    """

    __tablename__ = "panel_forms"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    digest: str = Field(unique=True)
    panel: str
    met_on: date
    case_id: UUID | None = Field(default=None, foreign_key="cases.id", index=True)
    scores: dict[str, Any] = Field(default={}, sa_column=document())
    comments: str | None = None
    imported_by: str
    imported_at: AwareDatetime


class YouSaid(Record, table=True):
    """One line of "you said, we did" to a panel, with the action that did it, if one did."""

    __tablename__ = "you_said"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    panel: str
    case_id: UUID | None = Field(default=None, foreign_key="cases.id")
    review_id: UUID | None = Field(default=None, foreign_key="reviews.id", index=True)
    action_id: UUID | None = Field(default=None, foreign_key="actions.id")
    said: str
    did: str
    written_by: str
    written_at: AwareDatetime
    told_at: AwareDatetime | None = None
    told_by: str | None = None


class LibraryReview(Record, table=True):
    """That somebody looked at a template or an explainer again (`kind`), after findings or not; findings before it do
    not bring its review date forward any more."""

    __tablename__ = "library_reviews"
    __table_args__ = (Index("library_reviews_kind_name_idx", "kind", "name", "reviewed_at"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    kind: str
    name: str
    words: str
    reviewed_by: str
    reviewed_at: AwareDatetime
