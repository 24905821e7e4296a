"""The outbox: rows of what is still to be said, taken one channel and one turn at a time.

A turn is committed before the call it is about, so whoever finds a turn of a sender that died knows that the
message may have gone out. Between turns a channel rests (`free_at`), which is the throttle; while a turn runs
the channel is busy until the lease ends, which is why two senders never speak in one channel at once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ScalarSelect, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from responders.choosing import next_turn
from responders.threads import REMINDER, facts, put_under
from responders.turns import Act, Pace, Turn, free, give_up_on_the_dead, hold, open_channel
from triage.backups import may_be_known
from triage.desks import ChannelQuiet
from triage.log import MACHINE, Line, note
from triage.records import Alert, AlertState, Case, Delivery, DeliveryState
from triage.switching import channels_off

REPEATED = "possibly told before"
NOWHERE = "none"  # the channel of a desk that has none
REVIVED_WITHIN = timedelta(hours=24)
LOOK_AGAIN = timedelta(seconds=5)
EDIT_AGAIN = timedelta(seconds=60)
SURELY_HELD = timedelta(minutes=1)  # what another has just entered is due within this, and is left to it


def enter(
    session: Session,
    alert: Alert,
    channel: str | None,
    pace: Pace,
    *,
    quiet: ChannelQuiet | None = None,
    now: datetime,
) -> None:
    """See that the alert is in the outbox, or that an edit is due where a channel shows an older revision. In quiet
    hours what is not grave is due when they are over."""
    severity = session.scalars(select(col(Case.severity)).where(col(Case.id) == alert.case_id)).one()
    told_at = quiet.due(severity, now) if quiet else now
    due_at = told_at if alert.manner == "page" else max(told_at, alert.raised_at + pace.digest_wait)
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
    own = next((each for each in known if not each.about), None)
    if own is None:
        row["possible_repeat"] = _may_be_known(session, alert, now)
        session.execute(insert(Delivery).values(row).on_conflict_do_nothing())
    for delivery in known:
        _renew(session, delivery, alert, channel, now)
    _hasten(session, alert, told_at, now)
    if own is not None and channel:
        for fact in facts(session, alert, own, now=now):
            told = (
                row | fact._asdict() | {"id": uuid4(), "manner": "page", "due_at": max(fact.due_at, told_at)}
            )
            session.execute(insert(Delivery).values(told).on_conflict_do_nothing())
    if channel:
        open_channel(session, channel, now=now)


def _may_be_known(session: Session, alert: Alert, now: datetime) -> bool:
    """Whether it may be of a case that was told before the database was restored; then the log says so."""
    found = may_be_known(session, alert.case_id, now=now)
    if found:
        line = Line(REPEATED, alert.case_id, "the database was restored from a backup", {"desk": alert.desk})
        note(session, [line], who=MACHINE, now=now)
    return found


def take(session: Session, channel: str, owner: str, pace: Pace, *, now: datetime) -> Turn | None:
    """The channel's next turn, or None when it is busy, resting, off, or has nothing due. The caller commits."""
    row = free(session, channel, now=now)
    if row is None:
        return None
    give_up_on_the_dead(session, Delivery, col(Delivery.channel) == channel, pace=pace, now=now)
    chosen = next_turn(session, row, pace, now)
    if chosen is None:
        return None
    act, deliveries = chosen
    hold(row, pace, now=now)
    if act == Act.POST:
        put_under(session, deliveries)
        _mark_sending(session, deliveries, row.fence, owner, pace, now)
    elif act == Act.EDIT:
        _mark_editing(session, deliveries)
    session.flush()
    return Turn(act, channel, row.slack_id, row.fence, now, _detached(session, deliveries))


def channels_with_work(session: Session, *, before: datetime) -> list[str]:
    """Channels in which something is due before a moment, or was left by a sender."""
    at_work = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.UNKNOWN)
    due = col(Delivery.state).in_(at_work) & (col(Delivery.due_at) < before)
    where = or_(due, col(Delivery.edit_due_at) < before)
    return sorted(
        set(session.scalars(select(col(Delivery.channel)).where(where).distinct())) - channels_off(session)
    )


def overlooked(session: Session, *, limit: int = 1000) -> Sequence[Alert]:
    """Alerts whose job was lost: not in the outbox at all, or changed since their message, oldest first."""
    shown = col(Delivery.receipt).is_not(None) & col(Delivery.edit_due_at).is_(None)
    behind = (col(Delivery.state) == DeliveryState.DELIVERED) & shown
    wanting = or_(col(Delivery.id).is_(None), behind & (col(Delivery.revision) < col(Alert.revision)))
    asked = select(Alert).outerjoin(Delivery, col(Delivery.alert_id) == col(Alert.id)).where(wanting)
    return session.scalars(asked.order_by(col(Alert.raised_at)).limit(limit)).unique().all()


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


def turn_to(session: Session, desk: str, channel: str, *, now: datetime) -> None:
    """What waits for a channel that its desk no longer has goes to the one it has now, unless it may have been sent."""
    turned = session.execute(
        update(Delivery)
        .where(
            col(Delivery.alert_id) == col(Alert.id),
            col(Alert.desk) == desk,
            col(Delivery.state) == DeliveryState.WAITING,
            col(Delivery.receipt).is_(None),
            col(Delivery.about) == "",
            col(Delivery.channel) != channel,
        )
        .values(channel=channel)
        .returning(col(Delivery.id))
    )
    if turned.first() is not None:
        open_channel(session, channel, now=now)


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


def _hasten(session: Session, alert: Alert, told_at: datetime, now: datetime) -> None:
    """What waits for the digest goes when its alert has become a page, and what waits through quiet hours when its case
    has become graver; what an alert told in a thread before it was answered is told no more."""
    waiting = (col(Delivery.alert_id) == alert.id, col(Delivery.state) == DeliveryState.WAITING)
    if alert.manner == "page":
        minor = (col(Delivery.manner) == "digest", col(Delivery.bundle).is_(None))
        session.execute(update(Delivery).where(*waiting, *minor).values(manner="page", due_at=told_at))
        own = (col(Delivery.about) == "", col(Delivery.tried_at).is_(None))
        held = col(Delivery.due_at) > told_at + SURELY_HELD
        session.execute(update(Delivery).where(*waiting, *own, held).values(due_at=told_at))
    if alert.state != AlertState.OPEN:
        untold = (col(Delivery.about) != "", col(Delivery.attempts) == 0)
        session.execute(
            delete(Delivery).where(*waiting, *untold).execution_options(synchronize_session=False)
        )
    elif alert.snoozed_until is not None and alert.snoozed_until > now:
        reminders = col(Delivery.about).startswith(REMINDER)
        session.execute(update(Delivery).where(*waiting, reminders).values(due_at=alert.snoozed_until))


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
            revision=_now_of(col(Alert.revision)),
            raised_at=_now_of(col(Alert.raised_at)),
        )
    )


def _mark_editing(session: Session, deliveries: Sequence[Delivery]) -> None:
    """The revision that the edit will show; the edit stays due until it is known to have worked."""
    ids = [each.id for each in deliveries]
    now_shown = _now_of(col(Alert.revision))
    session.execute(update(Delivery).where(col(Delivery.id).in_(ids)).values(revision=now_shown))


def _now_of(column: Any) -> ScalarSelect[Any]:
    return select(column).where(col(Alert.id) == col(Delivery.alert_id)).scalar_subquery()
