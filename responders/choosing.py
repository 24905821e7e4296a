"""What is done next in a channel: pages first, then what is in doubt, then edits, then what can wait.

Among pages what asks for an answer goes first, the first word about a case or that it is raised again; then how cases
grow, then reminders. The graver goes before the less grave, unless that has waited long.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, select
from sqlmodel import Session, col

from responders.threads import GRAVE, PAGED, RAISED, REMINDER, may_go
from responders.turns import Act, Pace
from triage.records import Alert, Case, Channel, Delivery, DeliveryState

BUNDLE_OF = 15  # pages in one message: each has its button, and a message holds about 13,000 characters
DIGEST_OF = 2000
LONG = timedelta(seconds=30)
NEW = (col(Delivery.about) == "") & (col(Alert.growth) == 0)
AGAIN = col(Delivery.about).startswith(RAISED) | col(Delivery.about).startswith(PAGED)
GROWN = (col(Delivery.about) == "") & (col(Alert.growth) > 0)
REMINDERS = col(Delivery.about).startswith(REMINDER)


def next_turn(
    session: Session, channel: Channel, pace: Pace, now: datetime
) -> tuple[Act, Sequence[Delivery]] | None:
    """What to do and about which deliveries, which stay locked; None when nothing is due."""
    page = _next_page(session, channel, now)
    doubt = _oldest(session, channel, DeliveryState.UNKNOWN, now)
    if page and (doubt is None or page.due_at <= doubt.due_at):
        return Act.POST, _pages(session, channel, page, pace, now)
    if doubt:
        here = col(Delivery.thread_ts).is_not_distinct_from(doubt.thread_ts)  # one place at a time
        return Act.LOOK, _due(session, channel, DeliveryState.UNKNOWN, now, here, limit=500)
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
    wanted = [col(Delivery.manner) == manner] if manner is not None else []
    found = _due(session, channel, state, now, *wanted, limit=1)
    return found[0] if found else None


def _next_page(session: Session, channel: Channel, now: datetime) -> Delivery | None:
    """What belongs in a thread waits for its first message."""
    for kind in (NEW | AGAIN, GROWN, REMINDERS):
        if found := _pages_due(session, channel, now, kind, limit=1):
            return found[0]
    return None


def _pages_due(
    session: Session, channel: Channel, now: datetime, *wanted: ColumnElement[bool], limit: int
) -> Sequence[Delivery]:
    long = case((col(Delivery.due_at) <= now - LONG, 0), else_=1)
    asked = (
        select(Delivery)
        .join(Alert, col(Alert.id) == col(Delivery.alert_id))
        .join(Case, col(Case.id) == col(Alert.case_id))
        .where(
            col(Delivery.channel) == channel.name,
            col(Delivery.state) == DeliveryState.WAITING,
            col(Delivery.due_at) <= now,
            col(Delivery.manner) == "page",
            may_go(channel.name),
            *wanted,
        )
        .order_by(
            long, case((long == 1, col(Case.severity)), else_=0), col(Delivery.due_at), col(Delivery.id)
        )
    )
    return session.scalars(asked.limit(limit).with_for_update(of=Delivery)).all()


def _due(
    session: Session,
    channel: Channel,
    state: DeliveryState,
    now: datetime,
    *wanted: ColumnElement[bool],
    limit: int,
) -> Sequence[Delivery]:
    asked = select(Delivery).where(
        col(Delivery.channel) == channel.name,
        col(Delivery.state) == state,
        col(Delivery.due_at) <= now,
        *wanted,
    )
    ordered = asked.order_by(col(Delivery.due_at), col(Delivery.id)).limit(limit)
    return session.scalars(ordered.with_for_update()).all()


def _pages(
    session: Session, channel: Channel, first: Delivery, pace: Pace, now: datetime
) -> Sequence[Delivery]:
    """One page; its whole bundle if it has one already; a new bundle when too many like it wait. What is grave shares
    no message with what is not."""
    if first.bundle:
        return _bundled(session, first)
    most = max(pace.bundle_above + 1, BUNDLE_OF)
    waiting = _pages_due(session, channel, now, *_like(session, first), limit=most)
    if len(waiting) <= pace.bundle_above or first.attempts:
        return [first]
    # what was tried before may stand in the channel under its own key already: it keeps that key
    return [each for each in waiting if not each.attempts and not each.bundle][:BUNDLE_OF]


def _like(session: Session, page: Delivery) -> tuple[ColumnElement[bool], ...]:
    if page.about.startswith(REMINDER):
        return (REMINDERS,)
    alert = session.get_one(Alert, page.alert_id)
    grave = session.get_one(Case, alert.case_id).severity <= GRAVE
    kind = AGAIN if page.about else GROWN if alert.growth else NEW
    return kind, (col(Case.severity) <= GRAVE) == grave


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
