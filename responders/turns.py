"""A turn: one call's worth of work in one channel. Who takes it holds the channel until the call is known to have
ended, or the lease runs out; between turns a channel rests. Alerts and notifications take turns alike.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from responders.settings import SlackSettings
from triage.notification_records import Notification
from triage.records import Channel, Delivery, DeliveryState
from triage.switching import channels_off

LONGEST_REST = timedelta(seconds=30)
DEAD = "the sender stopped before it knew"


class Pace(NamedTuple):
    """How fast a channel may be spoken in, and how long is waited for what.

    A call begins at most `hesitation` after its turn was taken, so that it ends, by its own timeout, within the
    lease: a sender that was stopped for longer gives its turn up instead.
    """

    gap: timedelta
    hesitation: timedelta
    lease: timedelta
    settle: timedelta
    deadline: timedelta
    digest_wait: timedelta
    digest_every: timedelta
    bundle_above: int

    @classmethod
    def of(cls, settings: SlackSettings) -> "Pace":
        return cls(
            gap=timedelta(seconds=settings.gap_s),
            hesitation=timedelta(seconds=settings.timeout_s / 2),
            lease=timedelta(seconds=settings.timeout_s * 1.5),
            settle=timedelta(seconds=settings.settle_s),
            deadline=timedelta(seconds=settings.page_deadline_s),
            digest_wait=timedelta(seconds=settings.digest_wait_s),
            digest_every=timedelta(seconds=settings.digest_every_s),
            bundle_above=settings.bundle_above,
        )


class Act(StrEnum):
    POST = "post"
    EDIT = "edit"
    LOOK = "look"


class Turn(NamedTuple):
    """One call's worth of work in one channel, leased under `fence` from `at` on.

    POST and EDIT are about one message, which `deliveries` share; LOOK is about every message in doubt.
    """

    act: Act
    channel: str
    slack_id: str | None
    fence: int
    at: datetime
    deliveries: tuple[Delivery, ...]

    @property
    def key(self) -> UUID:
        return key_of(self.deliveries[0])

    def is_over(self, pace: Pace, *, now: datetime) -> bool:
        """Whether its sender was stopped for so long that another may hold the channel by the time the call ends."""
        return now > self.at + pace.hesitation


def key_of(delivery: Delivery) -> UUID:
    """What the message's metadata carries: the bundle it is in, else the delivery itself."""
    return delivery.bundle or delivery.id


def open_channel(session: Session, name: str, *, now: datetime) -> None:
    """See that a channel is known, free from now on."""
    fresh = {"name": name, "free_at": now, "digest_at": now, "fence": 0, "failures": 0}
    session.execute(insert(Channel).values(fresh).on_conflict_do_nothing())


def free(session: Session, name: str, *, now: datetime) -> Channel | None:
    """The channel, locked until the commit; None while it rests, is off, held, or looked at by another."""
    return session.scalars(
        select(Channel)
        .where(
            col(Channel.name) == name,
            col(Channel.free_at) <= now,
            col(Channel.name).not_in(channels_off(session)),
        )
        .with_for_update(skip_locked=True)
    ).first()


def hold(channel: Channel, pace: Pace, *, now: datetime) -> None:
    """Nobody else speaks in it until the lease ends."""
    channel.fence += 1
    channel.free_at = now + pace.lease


def give_up_on_the_dead(
    session: Session,
    record: type[Delivery] | type[Notification],
    here: ColumnElement[bool],
    *,
    pace: Pace,
    now: datetime,
) -> None:
    """Whoever was sending has let the lease run out: the message may have arrived, so look before resending."""
    session.execute(
        update(record)
        .where(here, col(record.state) == DeliveryState.SENDING.value)
        .values(
            state=DeliveryState.UNKNOWN.value,
            due_at=func.greatest(col(record.tried_at) + pace.settle, now),
            lease_owner=None,
            lease_until=None,
            error=DEAD,
        )
    )


def rest(session: Session, turn: Turn, after: timedelta, *, failed: str | None, now: datetime) -> bool:
    """End a turn's hold on its channel; False when the lease was lost to another, whose word then counts."""
    row = session.scalars(select(Channel).where(col(Channel.name) == turn.channel).with_for_update()).one()
    if row.fence != turn.fence:
        return False
    row.free_at = now + after  # from the end of the call: between two that reach Slack lies the whole gap
    row.failures = row.failures + 1 if failed is not None else 0
    row.error = failed
    session.flush()
    return True


def backoff(session: Session, turn: Turn, pace: Pace) -> timedelta:
    """How long a channel rests after a failure when nobody said: twice as long each time, half a minute at most."""
    failures = session.scalars(select(col(Channel.failures)).where(col(Channel.name) == turn.channel)).one()
    return min(pace.gap * float(2 ** min(failures, 10)), LONGEST_REST)
