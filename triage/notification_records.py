"""A notification: one message to one person or post through one channel, written by whoever decides that it is due,
and sent by responders/channels/."""

from enum import StrEnum
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import Index, Text, text
from sqlmodel import Field

from collector.records import Record


class ChannelKind(StrEnum):
    """How a notification travels, and so what its `address` is: a Slack channel or user, an e-mail address, a phone
    number, or the name of a configured webhook."""

    SLACK = "slack"
    EMAIL = "email"
    SMS = "sms"
    NOTIFY_EMAIL = "notify_email"
    TEAMS = "teams"
    WEBHOOK = "webhook"


class NotificationKind(StrEnum):
    """What a notification is for. PAGE: answer this alert. ANSWERED: somebody else did, or was told after you.
    FALL_BACK: the same alert by another channel, because Slack did not take it. OUTAGE: alerts do not arrive.
    REMINDER: something the oversight group asked for is due."""

    PAGE = "page"
    FALL_BACK = "fall_back"
    ANSWERED = "answered"
    DIGEST = "digest"
    BRIEF = "brief"
    TEST = "test"
    HEARTBEAT = "heartbeat"
    OUTAGE = "outage"
    HEAD = "head"
    ON_CALL = "on_call"
    REMINDER = "reminder"


class NotificationState(StrEnum):
    """WAITING: to be sent from `due_at` on. SENDING: someone holds the lease. TAKEN: the other side has it and says
    later whether it arrived; asked from `due_at` on. UNKNOWN: it may have arrived; look before sending again.
    WITHDRAWN: not wanted any more before it was sent. NO_CHANNEL: no address is known, or nothing is configured that
    sends this kind; the pages show it."""

    WAITING = "waiting"
    SENDING = "sending"
    TAKEN = "taken"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    NO_CHANNEL = "no_channel"


class Notification(Record, table=True):
    """One message to one recipient through one channel. `key` says what it is for and makes a second one impossible.

    `recipient` is `person:<username>`, `post:<name>` or `desk:<name>`; `address` is filled in when the row is written,
    as it was known then. `subject` and `text` hold case numbers, places, severities, clocks and a link: no names,
    handles or words of the public. From `expires_at` on it is not worth sending any more.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        Index(
            "notifications_at_work_idx",
            "channel_kind",
            "due_at",
            postgresql_where=text("state IN ('waiting', 'sending', 'unknown', 'taken')"),
        ),
        Index("notifications_alert_id_idx", "alert_id", postgresql_where=text("alert_id IS NOT NULL")),
        Index("notifications_case_id_idx", "case_id", postgresql_where=text("case_id IS NOT NULL")),
        Index("notifications_recipient_idx", "recipient", "created_at"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    key: str = Field(unique=True)
    kind: NotificationKind = Field(sa_type=Text)
    alert_id: UUID | None = Field(default=None, foreign_key="alerts.id")
    case_id: UUID | None = Field(default=None, foreign_key="cases.id")
    channel_kind: ChannelKind = Field(sa_type=Text)
    recipient: str
    address: str | None = None
    subject: str
    text: str
    state: NotificationState = Field(default=NotificationState.WAITING, sa_type=Text)
    created_at: AwareDatetime
    due_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    tried_at: AwareDatetime | None = None
    attempts: int = 0
    lease_owner: str | None = None
    lease_until: AwareDatetime | None = None
    fence: int = 0
    receipt: str | None = None
    delivered_at: AwareDatetime | None = None
    possible_repeat: bool = False
    error: str | None = None
