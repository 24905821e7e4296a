"""The outbox: rows of what is still to be said, taken one channel and one turn at a time.

A turn is committed before the call it is about, so whoever finds a turn of a sender that died knows that the
message may have gone out. Between turns a channel rests (`free_at`), which is the throttle; while a turn runs
the channel is busy until the lease ends, which is why two senders never speak in one channel at once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ScalarSelect, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from responders.settings import SlackSettings
from triage.records import Alert, AlertState, Channel, Delivery, DeliveryState

NOWHERE = "none"  # the channel of a desk that has none
BUNDLE_OF = 15  # pages in one message: each has its button, and a message holds about 13,000 characters
DIGEST_OF = 2000
LONGEST_REST = timedelta(seconds=30)
REVIVED_WITHIN = timedelta(hours=24)
LOOK_AGAIN = timedelta(seconds=5)
EDIT_AGAIN = timedelta(seconds=60)


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


def enter(session: Session, alert: Alert, channel: str | None, pace: Pace, *, now: datetime) -> None:
    """See that the alert is in the outbox, or that an edit is due where a channel shows an older revision."""
    due_at = now if alert.manner == "page" else alert.raised_at + pace.digest_wait
    row = {
        "id": uuid4(),
        "alert_id": alert.id,
        "channel": channel or NOWHERE,
        "manner": alert.manner,
        "state": DeliveryState.WAITING if channel else DeliveryState.NO_CHANNEL,
        "due_at": max(due_at, now),
        "fence": 0,
        "attempts": 0,
        "revision": 0,
        "possible_repeat": False,
    }
    known = session.scalars(select(Delivery).where(col(Delivery.alert_id) == alert.id)).all()
    if not known:
        session.execute(insert(Delivery).values(row).on_conflict_do_nothing())
    for delivery in known:
        _renew(session, delivery, alert, channel, now)
    if channel:
        free = {"name": channel, "free_at": now, "digest_at": now, "fence": 0, "failures": 0}
        session.execute(insert(Channel).values(free).on_conflict_do_nothing())


def take(session: Session, channel: str, owner: str, pace: Pace, *, now: datetime) -> Turn | None:
    """The channel's next turn, or None when it is busy, resting, or has nothing due. The caller commits."""
    row = session.scalars(
        select(Channel)
        .where(col(Channel.name) == channel, col(Channel.free_at) <= now)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    _give_up_on_the_dead(session, channel, pace, now)
    chosen = _next(session, row, pace, now)
    if chosen is None:
        return None
    act, deliveries = chosen
    row.fence += 1
    row.free_at = now + pace.lease
    if act == Act.POST:
        _mark_sending(session, deliveries, row.fence, owner, pace, now)
    elif act == Act.EDIT:
        _mark_editing(session, deliveries)
    session.flush()
    return Turn(act, channel, row.slack_id, row.fence, now, _detached(session, deliveries))


def rest(session: Session, turn: Turn, after: timedelta, *, failed: str | None, now: datetime) -> bool:
    """End a turn's hold on its channel; False when the lease was lost to another, whose word then counts."""
    row = session.scalars(select(Channel).where(col(Channel.name) == turn.channel).with_for_update()).one()
    if row.fence != turn.fence:
        return False
    row.free_at = max(turn.at + after, now) if failed is None else now + after
    row.failures = row.failures + 1 if failed is not None else 0
    row.error = failed
    session.flush()
    return True


def backoff(session: Session, turn: Turn, pace: Pace) -> timedelta:
    """How long a channel rests after a failure when nobody said: twice as long each time, half a minute at most."""
    failures = session.scalars(select(col(Channel.failures)).where(col(Channel.name) == turn.channel)).one()
    return min(pace.gap * float(2 ** min(failures, 10)), LONGEST_REST)


def channels_with_work(session: Session, *, before: datetime) -> list[str]:
    """Channels in which something is due before a moment, or was left by a sender."""
    at_work = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.UNKNOWN)
    due = col(Delivery.state).in_(at_work) & (col(Delivery.due_at) < before)
    where = or_(due, col(Delivery.edit_due_at) < before)
    return sorted(session.scalars(select(col(Delivery.channel)).where(where).distinct()))


def overlooked(session: Session, *, limit: int = 1000) -> Sequence[Alert]:
    """Alerts whose job was lost: not in the outbox at all, or changed since their message, oldest first."""
    behind = (col(Delivery.state) == DeliveryState.DELIVERED) & col(Delivery.edit_due_at).is_(None)
    wanting = or_(col(Delivery.id).is_(None), behind & (col(Delivery.revision) < col(Alert.revision)))
    return session.scalars(
        select(Alert)
        .outerjoin(Delivery, col(Delivery.alert_id) == col(Alert.id))
        .where(wanting)
        .order_by(col(Alert.raised_at))
        .limit(limit)
    ).all()


def unheard(session: Session, *, now: datetime, limit: int = 1000) -> Sequence[Alert]:
    """Alerts of the last day that stand in no channel because there was none."""
    return session.scalars(
        select(Alert)
        .join(Delivery, col(Delivery.alert_id) == col(Alert.id))
        .where(
            col(Delivery.state) == DeliveryState.NO_CHANNEL,
            col(Alert.state) != AlertState.CLOSED,
            col(Alert.raised_at) > now - REVIVED_WITHIN,
        )
        .order_by(col(Alert.raised_at))
        .limit(limit)
    ).all()


def retry_failed(session: Session, *, now: datetime) -> int:
    """Put every delivery that was refused back to be sent, and say how many there were."""
    put_back = session.execute(
        update(Delivery)
        .where(col(Delivery.state) == DeliveryState.FAILED)
        .values(state=DeliveryState.WAITING, due_at=now)
        .returning(col(Delivery.id))
    )
    return len(put_back.all())


def _detached(session: Session, deliveries: Sequence[Delivery]) -> tuple[Delivery, ...]:
    """The rows as they now are, in order, readable after the transaction."""
    order = [delivery.id for delivery in deliveries]
    asked = select(Delivery).where(col(Delivery.id).in_(order)).execution_options(populate_existing=True)
    fresh = {delivery.id: delivery for delivery in session.scalars(asked)}
    for delivery in fresh.values():
        session.expunge(delivery)
    return tuple(fresh[each] for each in order)


def _renew(session: Session, delivery: Delivery, alert: Alert, channel: str | None, now: datetime) -> None:
    if delivery.state == DeliveryState.NO_CHANNEL and channel and alert.state != AlertState.CLOSED:
        delivery.state, delivery.channel, delivery.due_at = DeliveryState.WAITING, channel, now
    elif delivery.receipt and delivery.revision < alert.revision and delivery.edit_due_at is None:
        delivery.edit_due_at = now
    session.add(delivery)


def _give_up_on_the_dead(session: Session, channel: str, pace: Pace, now: datetime) -> None:
    """Whoever was sending has let the lease run out: the message may have arrived, so look before resending."""
    session.execute(
        update(Delivery)
        .where(col(Delivery.channel) == channel, col(Delivery.state) == DeliveryState.SENDING)
        .values(
            state=DeliveryState.UNKNOWN,
            due_at=func.greatest(col(Delivery.tried_at) + pace.settle, now),
            lease_owner=None,
            lease_until=None,
            error="the sender stopped before it knew",
        )
    )


def _next(
    session: Session, channel: Channel, pace: Pace, now: datetime
) -> tuple[Act, Sequence[Delivery]] | None:
    page = _oldest(session, channel, DeliveryState.WAITING, now, manner="page")
    doubt = _oldest(session, channel, DeliveryState.UNKNOWN, now)
    if page and (doubt is None or page.due_at <= doubt.due_at):
        return Act.POST, _pages(session, channel, page, pace, now)
    if doubt:
        return Act.LOOK, _due(session, channel, DeliveryState.UNKNOWN, now, limit=500)
    edits = _edits(session, channel, now)
    if edits:
        return Act.EDIT, edits
    minor = _oldest(session, channel, DeliveryState.WAITING, now, manner="digest")
    if minor and minor.bundle:
        return Act.POST, _bundled(session, minor)
    if minor and channel.digest_at <= now:
        channel.digest_at = now + pace.digest_every
        return Act.POST, _digest(session, channel)
    return None


def _oldest(
    session: Session, channel: Channel, state: DeliveryState, now: datetime, manner: str | None = None
) -> Delivery | None:
    found = _due(session, channel, state, now, manner=manner, limit=1)
    return found[0] if found else None


def _due(
    session: Session,
    channel: Channel,
    state: DeliveryState,
    now: datetime,
    *,
    manner: str | None = None,
    limit: int,
) -> Sequence[Delivery]:
    asked = select(Delivery).where(
        col(Delivery.channel) == channel.name, col(Delivery.state) == state, col(Delivery.due_at) <= now
    )
    if manner is not None:
        asked = asked.where(col(Delivery.manner) == manner)
    ordered = asked.order_by(col(Delivery.due_at), col(Delivery.id)).limit(limit)
    return session.scalars(ordered.with_for_update()).all()


def _pages(
    session: Session, channel: Channel, first: Delivery, pace: Pace, now: datetime
) -> Sequence[Delivery]:
    """One page; its whole bundle if it has one already; a new bundle when too many wait."""
    if first.bundle:
        return _bundled(session, first)
    waiting = _due(session, channel, DeliveryState.WAITING, now, manner="page", limit=pace.bundle_above + 1)
    if len(waiting) <= pace.bundle_above or first.attempts:
        return [first]
    # what was tried before may stand in the channel under its own key already: it keeps that key
    return [each for each in waiting if not each.attempts and not each.bundle][:BUNDLE_OF]


def _digest(session: Session, channel: Channel) -> Sequence[Delivery]:
    return session.scalars(
        select(Delivery)
        .where(
            col(Delivery.channel) == channel.name,
            col(Delivery.state) == DeliveryState.WAITING,
            col(Delivery.manner) == "digest",
            col(Delivery.bundle).is_(None),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(DIGEST_OF)
        .with_for_update()
    ).all()


def _bundled(session: Session, member: Delivery) -> Sequence[Delivery]:
    bundle = col(Delivery.bundle) == member.bundle
    return session.scalars(select(Delivery).where(bundle).order_by(col(Delivery.id)).with_for_update()).all()


def _edits(session: Session, channel: Channel, now: datetime) -> Sequence[Delivery]:
    first = session.scalars(
        select(Delivery)
        .where(
            col(Delivery.channel) == channel.name,
            col(Delivery.state) == DeliveryState.DELIVERED,
            col(Delivery.edit_due_at) <= now,
        )
        .order_by(col(Delivery.edit_due_at))
        .limit(1)
        .with_for_update()
    ).first()
    if first is None:
        return []
    return _bundled(session, first) if first.bundle else [first]


def _mark_sending(
    session: Session, deliveries: Sequence[Delivery], fence: int, owner: str, pace: Pace, now: datetime
) -> None:
    bundle = deliveries[0].bundle
    if bundle is None and (len(deliveries) > 1 or deliveries[0].manner == "digest"):
        bundle = uuid4()
    session.execute(
        update(Delivery)
        .where(col(Delivery.id).in_([each.id for each in deliveries]))
        .values(
            state=DeliveryState.SENDING,
            bundle=bundle,
            fence=fence,
            lease_owner=owner,
            lease_until=now + pace.lease,
            tried_at=now,
            attempts=col(Delivery.attempts) + 1,
            revision=_revision_now(),
        )
    )


def _mark_editing(session: Session, deliveries: Sequence[Delivery]) -> None:
    """The revision that the edit will show; the edit stays due until it is known to have worked."""
    ids = [each.id for each in deliveries]
    session.execute(update(Delivery).where(col(Delivery.id).in_(ids)).values(revision=_revision_now()))


def _revision_now() -> ScalarSelect[int]:
    return select(col(Alert.revision)).where(col(Alert.id) == col(Delivery.alert_id)).scalar_subquery()
