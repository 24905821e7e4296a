"""A turn: one call's worth of work in one channel, and how fast a channel may be spoken in."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from responders.settings import SlackSettings
from triage.records import Delivery


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


def key_of(delivery: Delivery) -> UUID:
    """What the message's metadata carries: the bundle it is in, else the delivery itself."""
    return delivery.bundle or delivery.id
