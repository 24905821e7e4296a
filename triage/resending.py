"""Sending again what a channel refused: a dead letter is put back by a person, once what was wrong is mended."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from triage.log import Line, note
from triage.notification_records import Notification, NotificationState
from triage.oncall import OnCall, address_now
from triage.permissions import Permission, need
from triage.records import Alert, Case, Delivery, DeliveryState, Person

LETTERS_FOR = timedelta(days=7)
TESTED_WITHIN = timedelta(hours=12)  # then the next test has said more


class Letter(NamedTuple):
    """A message that its channel refused: what it was, where it was to go, and the case it is about, if any."""

    id: UUID
    channel: str
    what: str
    error: str
    tried_at: datetime | None
    case: Case | None


def count_undelivered(session: Session, *, now: datetime) -> int:
    """How many messages about alerts that nobody has answered, and how many tests and words to whoever came on call in
    this shift, did not arrive; of all cases, as nothing is told of any."""
    since = {"shown": now - LETTERS_FOR, "tested": now - TESTED_WITHIN}
    return int(session.connection().execute(UNDELIVERED, since).scalar_one())


UNDELIVERED = text("""
SELECT (SELECT count(*) FROM deliveries d JOIN alerts a ON a.id = d.alert_id
        WHERE d.state = 'failed' AND d.due_at > :shown AND a.state = 'open')
     + (SELECT count(*) FROM notifications n JOIN alerts a ON a.id = n.alert_id
        WHERE n.state = 'failed' AND n.due_at > :shown AND a.state = 'open')
     + (SELECT count(*) FROM notifications WHERE state = 'failed' AND kind IN ('test', 'on_call')
          AND created_at > :tested)
""")


def dead_letters(session: Session, *, since: datetime, most: int) -> list[Letter]:
    """What was refused since a moment, the newest first. A session that looks as somebody finds theirs."""
    about = col(Alert.id) == col(Delivery.alert_id)
    alerts = select(Delivery, Case).join(Alert, about).join(Case, col(Case.id) == col(Alert.case_id))
    refused = col(Delivery.state) == DeliveryState.FAILED, col(Delivery.due_at) > since
    found = [
        Letter(each.id, each.channel, "alert", each.error or "", each.tried_at, case)
        for each, case in session.exec(
            alerts.where(*refused).order_by(col(Delivery.due_at).desc()).limit(most)
        )
    ]
    others = select(Notification, Case).outerjoin(Case, col(Case.id) == col(Notification.case_id))
    failed = col(Notification.state) == NotificationState.FAILED, col(Notification.due_at) > since
    newest = col(Notification.due_at).desc()
    for it, case in session.exec(others.where(*failed).order_by(newest).limit(most)):
        if it.case_id is None or case is not None:
            found.append(Letter(it.id, it.channel_kind, it.kind, it.error or "", it.tried_at, case))
    oldest = datetime.min.replace(tzinfo=since.tzinfo)
    return sorted(found, key=lambda each: each.tried_at or oldest, reverse=True)[:most]


def resend(session: Session, letters: Sequence[UUID], oncall: OnCall, *, who: Person, now: datetime) -> int:
    """Put these back to be sent, to where their recipients are reached now, with a line in the log for each.

    Returns how many there were. Raises Denied.
    """
    need(who, Permission.ACKNOWLEDGE)
    about = select(Delivery, Alert).join(Alert, col(Alert.id) == col(Delivery.alert_id))
    deliveries = session.exec(about.where(col(Delivery.id).in_(letters)).with_for_update(of=Delivery)).all()
    others = list(
        session.exec(select(Notification).where(col(Notification.id).in_(letters)).with_for_update())
    )
    lines = [
        Line("sent again", alert.case_id, each.error, {"channel": each.channel})
        for each, alert in deliveries
        if _again(session, each, now)
    ]
    lines += [
        Line("sent again", each.case_id, each.error, {"channel": each.channel_kind})
        for each in others
        if _once_more(session, each, oncall, now)
    ]
    note(session, lines, who=who.username, now=now)
    return len(lines)


def put_back(session: Session, oncall: OnCall, *, now: datetime) -> int:
    """Put every notification that was refused back to be sent, to where its recipient is reached now; for the
    terminal of whoever runs the service."""
    failed = select(Notification).where(col(Notification.state) == NotificationState.FAILED).with_for_update()
    return sum(_once_more(session, each, oncall, now) for each in session.exec(failed))


def _again(session: Session, delivery: Delivery, now: datetime) -> bool:
    if delivery.state != DeliveryState.FAILED:
        return False
    delivery.state, delivery.due_at = DeliveryState.WAITING, now
    session.add(delivery)
    return True


def _once_more(session: Session, it: Notification, oncall: OnCall, now: datetime) -> bool:
    if it.state != NotificationState.FAILED:
        return False
    it.address = address_now(session, oncall, it.recipient, it.channel_kind) or it.address
    it.state, it.due_at, it.attempts, it.expires_at = NotificationState.WAITING, now, 0, None
    session.add(it)
    return True
