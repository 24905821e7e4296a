"""Falling back: grave alerts that Slack does not take are sent by the other channels of their desk, once each.

A channel of Slack is down when a page has waited for the set minutes and nothing has arrived there since. What it
refused for good, what has no channel at all, and what waits in one that was switched off, goes at once. When many
alerts fall back together the first few go one by one, and a message that counts them stands for the others.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from responders.blocks import SHAPES, Notice, case_url
from responders.channels.settings import AlertSettings
from responders.notices import notices
from triage.backups import may_be_known
from triage.desks import FallBack
from triage.log import MACHINE, Line, note
from triage.notification_records import Notification, NotificationKind, NotificationState
from triage.records import OPEN, Alert, AlertState, Case, Channel, Delivery, DeliveryState, Severity
from triage.switching import channels_off
from triage.titles import KIND

ONE_BY_ONE = 5  # to one address within `STRETCH`; a message that counts stands for the rest
STRETCH = timedelta(minutes=10)
OLDEST = timedelta(hours=24)
LONDON = ZoneInfo("Europe/London")
UNSENT = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.UNKNOWN)
NOT_BY_SLACK = "Slack has not taken this alert, so it comes this way."


def fall_back(
    session: Session,
    places: Mapping[str, Sequence[FallBack]],
    settings: AlertSettings,
    desk_url: str,
    *,
    now: datetime,
) -> int:
    """Leave notifications for what Slack does not take, and say how many alerts they are about."""
    _withdraw_answered(session)
    waiting = [each for each in unheard(session, settings, now=now) if places.get(each.desk)]
    known = notices(session, [each.id for each in waiting], now=now)
    lines = []
    for alert in waiting:
        told = [
            place.kind.value
            for place in places[alert.desk]
            if _leave(session, alert, known[alert.id], place, desk_url, now)
        ]
        if told:
            why = "not taken by Slack"
            lines.append(
                Line("alert sent by fall-back", alert.case_id, why, {"desk": alert.desk, "by": told})
            )
    note(session, lines, who=MACHINE, now=now)
    return len(lines)


def unheard(session: Session, settings: AlertSettings, *, now: datetime) -> list[Alert]:
    """Grave alerts that nobody has answered and that Slack has not taken, the gravest and oldest first."""
    since = now - timedelta(minutes=settings.fall_back_minutes)
    refused = col(Delivery.state).in_((DeliveryState.FAILED, DeliveryState.NO_CHANNEL))
    stuck = col(Delivery.state).in_(UNSENT) & col(Delivery.channel).in_(down(session, since, now=now))
    asked = (
        select(Alert)
        .join(Case, col(Case.id) == col(Alert.case_id))
        .where(
            col(Alert.state) == AlertState.OPEN,
            col(Alert.manner) == "page",
            col(Alert.raised_at) > now - OLDEST,
            col(Case.status).in_(OPEN),
            col(Case.severity) <= settings.fall_back_severity,
            exists().where(col(Delivery.alert_id) == col(Alert.id), or_(refused, stuck)),
        )
        .order_by(col(Case.severity), col(Alert.raised_at))
        .limit(200)
    )
    return list(session.scalars(asked))


def down(session: Session, since: datetime, *, now: datetime) -> list[str]:
    """The channels in which pages have waited since a moment, and nothing has arrived; and those switched off."""
    asked = select(col(Channel.name)).where(
        or_(col(Channel.proven_at).is_(None), col(Channel.proven_at) <= since),
        exists().where(
            col(Delivery.channel) == col(Channel.name),
            col(Delivery.state).in_(UNSENT),
            or_(col(Delivery.attempts) > 0, col(Delivery.due_at) <= now),
            col(Delivery.manner) == "page",
            col(Delivery.alert_id) == col(Alert.id),
            col(Alert.raised_at) <= since,
        ),
    )
    return [*session.scalars(asked), *channels_off(session)]


def subject_of(notice: Notice) -> str:
    """What is said on one line: nothing of a restricted case but that it is there."""
    if notice.restricted:
        return f"A restricted case: GH-{notice.case_number}"
    _shape, word = SHAPES[Severity(notice.severity)]
    return f"SEV{notice.severity} {word}: GH-{notice.case_number}, {notice.borough or 'place not known'}"


def text_of(notice: Notice, desk_url: str) -> str:
    """What stands below it, with the link on its last line."""
    waits = f"Waiting for the {notice.desk} desk"
    if notice.due_at is not None and not notice.restricted:
        waits += f": acknowledge by {notice.due_at.astimezone(LONDON):%H:%M}"
    kind = [] if notice.restricted else [KIND[notice.type]]  # type: ignore[index]
    return "\n".join([*kind, waits, NOT_BY_SLACK, case_url(desk_url, notice.case_number)])


def _leave(
    session: Session, alert: Alert, notice: Notice, place: FallBack, desk_url: str, now: datetime
) -> bool:
    """Leave one notification, or let one that counts stand for it. False when it was left before."""
    key = f"fall-back {alert.id} {alert.raised_at.isoformat()} {place.kind} {place.address}"
    if session.scalars(select(col(Notification.id)).where(col(Notification.key) == key)).first():
        return False
    if _lately(session, place, now) >= ONE_BY_ONE:
        stretch = int(now.timestamp() // STRETCH.total_seconds())
        return _insert(session, _counting(session, alert, place, desk_url, stretch, now))
    about = {"alert_id": alert.id, "case_id": alert.case_id}
    words = {"subject": subject_of(notice), "text": text_of(notice, desk_url)}
    return _insert(
        session,
        {
            "key": key,
            **about,
            **words,
            **_base(alert.desk, place, now),
            "possible_repeat": may_be_known(session, alert.case_id, now=now),
        },
    )


def _counting(
    session: Session, alert: Alert, place: FallBack, desk_url: str, stretch: int, now: datetime
) -> dict[str, Any]:
    open_ = (
        select(func.count())
        .select_from(Alert)
        .where(col(Alert.state) == AlertState.OPEN, col(Alert.desk) == alert.desk)
    )
    waiting = session.scalar(open_)
    subject = f"{waiting} alerts wait for the {alert.desk} desk"
    text = (
        f"More than can be told one by one. {NOT_BY_SLACK}\n{desk_url.rstrip('/')}/alerts?desk={alert.desk}"
    )
    key = f"fall-back many {alert.desk} {stretch} {place.kind} {place.address}"
    again = {"possible_repeat": may_be_known(session, alert.case_id, now=now)}
    return {"key": key, "subject": subject, "text": text, **_base(alert.desk, place, now), **again}


def _base(desk: str, place: FallBack, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "kind": NotificationKind.FALL_BACK,
        "channel_kind": place.kind,
        "recipient": f"desk:{desk}",
        "address": place.address,
        "state": NotificationState.WAITING,
        "created_at": now,
        "due_at": now,
        "expires_at": now + OLDEST,
        "attempts": 0,
        "fence": 0,
        "possible_repeat": False,
    }


def _insert(session: Session, row: Mapping[str, Any]) -> bool:
    made = insert(Notification).values(row).on_conflict_do_nothing().returning(col(Notification.id))
    return session.execute(made).first() is not None


def _lately(session: Session, place: FallBack, now: datetime) -> int:
    asked = (
        select(func.count())
        .select_from(Notification)
        .where(
            _fallen(),
            col(Notification.address) == place.address,
            col(Notification.created_at) > now - STRETCH,
        )
    )
    return session.scalar(asked.where(col(Notification.channel_kind) == place.kind)) or 0


def _fallen() -> ColumnElement[bool]:
    return col(Notification.kind) == NotificationKind.FALL_BACK


def _withdraw_answered(session: Session) -> None:
    """What was answered before it could be sent is not sent any more."""
    answered = exists().where(
        col(Alert.id) == col(Notification.alert_id), col(Alert.state) != AlertState.OPEN
    )
    session.execute(
        update(Notification)
        .where(
            _fallen(),
            col(Notification.state) == NotificationState.WAITING,
            answered,
        )
        .values(state=NotificationState.WITHDRAWN, error="answered before it was sent")
        .execution_options(synchronize_session=False)
    )
