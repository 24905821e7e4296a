"""The thread of a case: its first message in a channel, and what is told under it.

Which message is the first is decided when a message is sent, while its channel is held: nobody else speaks there.
A message that shares itself with other cases, as bundles and digests do, has no thread.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from triage.records import Alert, AlertState, Clock, Delivery, DeliveryState, LogEntry

LONDON = ZoneInfo("Europe/London")
RAISED, PAGED = "raised ", "paged "
REMINDER = "reminder "
TOLD_WITHIN = timedelta(hours=1)
GRAVE = 2  # SEV1 and SEV2 are told to the whole channel
_OTHER, _ITS = aliased(Delivery), aliased(Alert)
SENT = (DeliveryState.SENDING, DeliveryState.UNKNOWN, DeliveryState.DELIVERED)
RAISED_BY = {
    "severity raised": "Severity raised",
    "new harm": "New harm is reported",
    "severity set": "Severity set",
    "severity taken back": "Severity set",
    "reopened": "Opened again",
    "clock breached": "A clock ran out",
}


class Fact(NamedTuple):
    """Something new about an alert that was told already. `about` names it, so that it is told once."""

    about: str
    says: str
    due_at: datetime


def facts(session: Session, alert: Alert, own: Delivery, *, now: datetime) -> Iterator[Fact]:
    """What is to be told in the thread, beside the edit of the alert's `own` message: that the alert was raised again,
    that a clock ran out, that a silence has ended. What `own` is still to say is not told apart."""
    if alert.state != AlertState.OPEN or alert.manner != "page":
        return
    if own.state not in SENT or own.tried_at is None:
        return
    silent_until = max(alert.snoozed_until or now, now)
    breaches = _breaches(session, alert, own.tried_at, now)
    for clock in breaches:
        words = f"{clock.name.replace('_', ' ').capitalize()} was due {_clock(clock.due_at)}"
        yield Fact(f"{REMINDER}{clock.name} {clock.breached_at}", words, silent_until)
    if alert.raised_at > (own.raised_at or own.tried_at):
        if all(clock.breached_at != alert.raised_at for clock in breaches):
            yield Fact(f"{RAISED}{alert.raised_at}", _raised_by(session, alert), now)
    elif own.manner == "digest":
        yield Fact(f"{PAGED}{alert.raised_at}", "Still being told", now)
    if alert.snoozed_until is not None and alert.snoozed_until > now and alert.growth == 0:
        yield Fact(f"{REMINDER}silence {alert.snoozed_until}", "The silence has ended", silent_until)


def may_go(channel: str) -> ColumnElement[bool]:
    """Whether what waits in a channel, asked for with its alert, need not wait for another delivery about the same
    case, which may be or become the first message.

    Which cases have one is found once, however many rows are looked at: nothing here rests on how many rows the planner
    believes there are.
    """
    first = and_(col(_OTHER.state) == DeliveryState.WAITING, col(_OTHER.about) == "", col(_ITS.growth) == 0)
    later = or_(col(Delivery.about) != "", col(Alert.growth) > 0)
    in_doubt = col(_OTHER.state) == DeliveryState.UNKNOWN
    return col(Alert.case_id).not_in(_cases(channel, in_doubt)) & ~(
        later & col(Alert.case_id).in_(_cases(channel, first))
    )


def _cases(channel: str, which: ColumnElement[bool]) -> Select[UUID]:
    """The cases with a page of this sort in a channel that stands, or is to stand, by itself."""
    return (
        select(col(_ITS.case_id))
        .join(_OTHER, col(_OTHER.alert_id) == col(_ITS.id))
        .where(
            col(_OTHER.channel) == channel,
            col(_OTHER.bundle).is_(None),
            col(_OTHER.thread_ts).is_(None),
            col(_OTHER.manner) == "page",
            which,
        )
        .correlate(None)
    )


def put_under(session: Session, deliveries: Sequence[Delivery]) -> None:
    """Put a message that is about to be tried under the first message of its case, if there is one. What was tried
    before without a thread has been looked for by now, and is not there."""
    [only, *others] = deliveries
    if others or only.bundle or only.manner != "page" or only.thread_ts:
        return
    case = select(col(Alert.case_id)).where(col(Alert.id) == only.alert_id).scalar_subquery()
    first = session.scalars(
        select(Delivery)
        .join(Alert, col(Alert.id) == col(Delivery.alert_id))
        .where(
            col(Alert.case_id) == case,
            col(Delivery.channel) == only.channel,
            col(Delivery.bundle).is_(None),
            col(Delivery.thread_ts).is_(None),
            col(Delivery.receipt).is_not(None),
            col(Delivery.state) == DeliveryState.DELIVERED,
            col(Delivery.id) != only.id,
        )
        .order_by(col(Delivery.delivered_at))
        .limit(1)
    ).first()
    if first is not None and first.receipt:
        only.thread_ts = first.receipt.partition(":")[2]
        session.flush()


def is_for_all(delivery: Delivery, *, growth: int, severity: int) -> bool:
    """Whether what is put in a thread is shown to the channel, too: what is grave, what another desk must answer, and
    new harm."""
    asks = (not delivery.about and not growth) or delivery.about.startswith((RAISED, PAGED))
    return asks or severity <= GRAVE


def forget_thread(session: Session, delivery: Delivery) -> None:
    """The first message is gone from the channel: from now on it is nobody's, and another may become it."""
    session.execute(
        update(Delivery)
        .where(
            col(Delivery.channel) == delivery.channel,
            col(Delivery.receipt).like(f"%:{delivery.thread_ts}"),
            col(Delivery.thread_ts).is_(None),
        )
        .values(receipt=None, edit_due_at=None)
    )


def _breaches(session: Session, alert: Alert, since: datetime, now: datetime) -> list[Clock]:
    asked = select(Clock).where(
        col(Clock.case_id) == alert.case_id,
        col(Clock.desk) == alert.desk,
        col(Clock.stopped_at).is_(None),
        col(Clock.breached_at) > max(since, now - TOLD_WITHIN),
    )
    return list(session.scalars(asked.order_by(col(Clock.due_at)))) if alert.growth == 0 else []


def _raised_by(session: Session, alert: Alert) -> str:
    """What raised it, as the log has it of that very moment."""
    of_then = (col(LogEntry.case_id) == alert.case_id, col(LogEntry.at) == alert.raised_at)
    asked = select(LogEntry).where(*of_then)
    for line in session.scalars(asked.order_by(col(LogEntry.seq))):
        if words := RAISED_BY.get(line.what):
            before = line.detail.get("from")
            return f"{words} from SEV{before}" if isinstance(before, int) else words
    return "Raised again"


def _clock(moment: datetime) -> str:
    return moment.astimezone(LONDON).strftime("%H:%M %Z, %-d %b")
