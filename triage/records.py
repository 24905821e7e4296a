"""What people decide on: cases, who was told, the clocks that run, the words drafted, the log of it all."""

from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer, LargeBinary, Text, text
from sqlmodel import Field

from classifier.records import Force, IncidentType
from collector.records import Record, document, words


class Status(StrEnum):
    """Where a case stands. The first two are open and wait for a person; the rest a person chose."""

    DETECTED = "detected"
    TRIAGED = "triaged"
    WATCH = "watch"
    CONFIRMED = "confirmed"
    NOISE = "noise"
    NOT_OURS = "not_ours"
    OPINION = "opinion"
    CLOSED = "closed"


OPEN = (Status.DETECTED, Status.TRIAGED, Status.WATCH, Status.CONFIRMED)
IS_OPEN = "status IN ('detected', 'triaged', 'watch', 'confirmed')"


class Severity(IntEnum):
    """SEV1 critical ... SEV5 none (docs/language.md)."""

    SEV1 = 1
    SEV2 = 2
    SEV3 = 3
    SEV4 = 4
    SEV5 = 5


class Desk(StrEnum):
    """Who is told."""

    COMMS = "comms"
    OVERSIGHT = "oversight"


class Case(Record, table=True):
    """Our file on what seems to be one incident. `version` grows with each change, so that two people
    cannot overwrite each other unseen; `touched_at` is when. `number` is spoken as GH-<number>.
    `first_due_at` is when the first of its running clocks runs out: the database keeps it, whoever moves a clock.
    `lane` names the queue of its own that it stands in, such as good news. `severity_computed` is set while
    `severity` is a person's word, and what the machine makes of it.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index("cases_queue_idx", "status", "severity", "opened_at", postgresql_include=["lane"]),
        Index("cases_last_post_at_idx", "last_post_at"),
        Index("cases_touched_at_idx", "touched_at"),
        # cases like another one: the newest of its type, and those of its place
        Index("cases_type_opened_at_idx", "type", "opened_at"),
        Index("cases_place_idx", "place"),
        # the queue in its usual order, and the lists beside it
        Index(
            "cases_first_due_idx",
            text("(first_due_at IS NULL OR severity <> 1)"),
            "first_due_at",
            "severity",
            postgresql_where=text(IS_OPEN),
        ),
        Index("cases_open_borough_idx", "borough", postgresql_include=["id"], postgresql_where=text(IS_OPEN)),
        Index("cases_claimed_by_idx", "claimed_by", postgresql_where=text("claimed_by IS NOT NULL")),
        Index("cases_newest_idx", text("opened_at DESC"), "id", postgresql_where=text(IS_OPEN)),
        # how many fit is counted without reading the cases
        Index(
            "cases_counted_idx",
            "severity",
            "bcu",
            "borough",
            "type",
            postgresql_include=["id", "status", "claimed_by", "claimed_until", "desks"],
            postgresql_where=text(IS_OPEN),
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), unique=True, nullable=False)
    )
    version: int = 1
    title: str
    status: Status = Field(default=Status.DETECTED, sa_type=Text)
    severity: int
    severity_computed: int | None = None
    severity_parts: dict[str, Any] = Field(default={}, sa_column=document())
    incident: float = 0.0
    type: IncidentType = Field(sa_type=Text)
    force: Force = Field(default=Force.UNKNOWN, sa_type=Text)
    borough: str | None = None
    bcu: str | None = None
    place: str | None = None
    desks: list[str] = Field(default=[], sa_column=words())
    opened_at: AwareDatetime
    first_published_at: AwareDatetime
    last_post_at: AwareDatetime
    post_count: int = 0
    source_count: int = 0
    sources: list[str] = Field(default=[], sa_column=words())
    touched_at: AwareDatetime | None = None
    first_due_at: AwareDatetime | None = None
    claimed_by: UUID | None = None
    claimed_until: AwareDatetime | None = None
    dismissed_because: str | None = None
    lane: str | None = None


class Membership(Record, table=True):
    """That a post belongs to a case, or is suggested for it; and why."""

    __tablename__ = "memberships"
    __table_args__ = (
        # the posts a case is known by: copies of others say nothing new
        Index(
            "memberships_telling_idx",
            "case_id",
            "joined_at",
            postgresql_where=text("sure AND how NOT IN ('same text', 'copy')"),
        ),
    )

    post_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id", primary_key=True, index=True)
    sure: bool = True
    score: float = 1.0
    how: str
    joined_at: AwareDatetime


class Routing(Record, table=True):
    """What was decided for one post, and by which rule of which rules: every post that is assessed ends in one."""

    __tablename__ = "routings"
    __table_args__ = (Index("routings_case_id_idx", "case_id"), Index("routings_at_idx", "at"))

    post_id: UUID = Field(primary_key=True)
    at: AwareDatetime
    model: str
    rule: str
    outcome: str
    because: str
    case_id: UUID | None = None
    desks: list[str] = Field(default=[], sa_column=words())
    priority: str = "note"
    rules: str | None = None


class AlertState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Alert(Record, table=True):
    """Something a desk must know about a case. One per case and desk that there is a case, raised again, never
    doubled; and few that it grows, each numbered by `growth` from 1 on, which `says` how.

    `manner` is "page" (now) or "digest" (bundled with others, for what is old or minor). Until `snoozed_until` its
    reminders are silent.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("alerts_case_id_desk_key", "case_id", "desk", "growth", unique=True),
        Index("alerts_state_idx", "state", "raised_at"),
        Index("alerts_open_idx", "case_id", "desk", postgresql_where=text("state = 'open'")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id")
    desk: Desk = Field(sa_type=Text)
    growth: int = 0
    says: str | None = None
    manner: str = "page"
    priority: str
    rule: str
    state: AlertState = Field(default=AlertState.OPEN, sa_type=Text)
    raised_at: AwareDatetime
    revision: int = 1
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: UUID | None = None
    acknowledged_through: str | None = None
    snoozed_until: AwareDatetime | None = None


class DeliveryState(StrEnum):
    """WAITING: to be sent at `due_at`. SENDING: someone holds the lease. UNKNOWN: it may have arrived;
    look before sending again. NO_CHANNEL: nothing is configured; the page shows it instead.
    """

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    FAILED = "failed"
    NO_CHANNEL = "no_channel"


class Delivery(Record, table=True):
    """One message to one channel about one alert: posted once, then edited in place.

    `revision` is the alert's revision that the channel shows; behind it, an edit is due at `edit_due_at`.
    Deliveries that share a `bundle` share one message. `fence` is the channel's number of the last try,
    which began at `tried_at`; what an older try finds out counts for nothing. `receipt` is Slack's own
    address of the message, `<channel id>:<ts>`. `possible_repeat` says so on the message.

    The alert's own message has an empty `about`; another one names a fact that is told in the thread of its case, in
    the words of `says`. `thread_ts` is the message it was put under. `raised_at` is the raising that it told.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_alert_id_channel_key", "alert_id", "channel", "about", unique=True),
        Index("deliveries_state_idx", "state", "due_at"),
        Index("deliveries_edit_due_at_idx", "edit_due_at", postgresql_where=text("edit_due_at IS NOT NULL")),
        Index("deliveries_bundle_idx", "bundle", postgresql_where=text("bundle IS NOT NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    alert_id: UUID = Field(foreign_key="alerts.id")
    channel: str
    about: str = Field(default="", sa_column_kwargs={"server_default": ""})
    says: str | None = None
    thread_ts: str | None = None
    raised_at: AwareDatetime | None = None
    manner: str = "page"
    bundle: UUID | None = None
    state: DeliveryState = Field(default=DeliveryState.WAITING, sa_type=Text)
    due_at: AwareDatetime
    edit_due_at: AwareDatetime | None = None
    tried_at: AwareDatetime | None = None
    lease_owner: str | None = None
    lease_until: AwareDatetime | None = None
    fence: int = 0
    attempts: int = 0
    revision: int = 0
    possible_repeat: bool = False
    receipt: str | None = None
    delivered_at: AwareDatetime | None = None
    error: str | None = None


class Channel(Record, table=True):
    """One place messages go to, such as `slack:C0123456789`: nobody sends into it before `free_at`.

    `proven_at` is when a delivery last provably arrived; `failures` counts the calls since that did not.
    """

    __tablename__ = "channels"

    name: str = Field(primary_key=True)
    free_at: AwareDatetime
    digest_at: AwareDatetime
    fence: int = 0
    failures: int = 0
    slack_id: str | None = None
    proven_at: AwareDatetime | None = None
    error: str | None = None


class Press(Record, table=True):
    """A press of a button, or another signed request, by the digest of its signature: the same one counts once."""

    __tablename__ = "presses"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    at: AwareDatetime = Field(index=True)


class Clock(Record, table=True):
    """A time by which something must be done for a case, and when it was.

    While `paused_at` is set it stands still; `paused_s` is how long it stood still before, by which `due_at` moved.
    `breached_at` is when it was found to have run out, once.
    """

    __tablename__ = "clocks"
    __table_args__ = (
        Index("clocks_case_id_name_key", "case_id", "name", unique=True),
        Index("clocks_due_at_idx", "due_at", postgresql_where=text("stopped_at IS NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    case_id: UUID = Field(foreign_key="cases.id")
    name: str
    desk: Desk = Field(sa_type=Text)
    started_at: AwareDatetime
    due_at: AwareDatetime
    stopped_at: AwareDatetime | None = None
    stopped_by: str | None = None
    paused_at: AwareDatetime | None = None
    paused_because: str | None = None
    paused_s: int = 0
    breached_at: AwareDatetime | None = None


OF_FIGURES = "what IN ('counted', 'figures printed')"


class LogEntry(Record, table=True):
    """One line of the log: who did what, why, when. Append-only; the database refuses changes.

    `seq` counts from 1 without gaps; `hash` is keyed and covers the entry and the hash before it
    (triage/chain.py). Written by triage/log.py alone.
    """

    __tablename__ = "log_entries"
    __table_args__ = (
        Index("log_entries_case_id_at_idx", "case_id", "at"),
        # what figures are computed from (triage/review/journal.py)
        Index("log_entries_figures_idx", "seq", postgresql_where=text(OF_FIGURES)),
    )

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: AwareDatetime
    case_id: UUID | None = None
    who: str
    what: str
    why: str | None = None
    detail: dict[str, Any] = Field(default={}, sa_column=document())
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LogHead(Record, table=True):
    """Where the log ends: the number and the hash of its last entry. One row, locked by whoever appends."""

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("one", name="one"),)

    one: bool = Field(default=True, primary_key=True)
    count: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Role(StrEnum):
    """What someone is here for; triage/permissions.py says what each may do."""

    VIEWER = "viewer"
    TRIAGE = "triage"
    DUTY_OFFICER = "duty_officer"
    APPROVER = "approver"
    OVERSIGHT_REVIEWER = "oversight_reviewer"
    PANEL_VIEWER = "panel_viewer"
    DPS_LIAISON = "dps_liaison"
    DATA_STEWARD = "data_steward"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Person(Record, table=True):
    """Someone who works here. `desks` are the desks they work at, `roles` what they may do."""

    __tablename__ = "people"

    __table_args__ = (Index("people_oidc_idx", "oidc_issuer", "oidc_subject", unique=True),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    username: str = Field(unique=True)
    name: str
    password_hash: str | None = None
    desks: list[str] = Field(default=[], sa_column=words())
    roles: list[str] = Field(default=[], sa_column=words())
    slack_user: str | None = Field(default=None, unique=True)
    oidc_issuer: str | None = None  # with the subject: which account at work signs this person in
    oidc_subject: str | None = None
    created_at: AwareDatetime
    disabled_at: AwareDatetime | None = None


class Heartbeat(Record, table=True):
    """That a part of the service was alive: silence must never look like calm."""

    __tablename__ = "heartbeats"

    part: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    pid: int = Field(sa_column=Column(Integer, nullable=False))
    beat_at: AwareDatetime
    state: str = "ok"
