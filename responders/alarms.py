"""Alarms about the alerts themselves, and the tries that prove each channel: to every address there is. And the head of
the log, said where it stays with its own date."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from collector.records import Failure
from triage.chain import Head
from triage.log import MACHINE, Line, note
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState

LONDON = ZoneInfo("Europe/London")
LATE = timedelta(minutes=30)  # a try that comes later than this waits for the next
LASTS, DAY = timedelta(hours=2), timedelta(days=1)
Place = tuple[ChannelKind, str, str]  # how, where, whose it is


def last_try(at: Sequence[time], now: datetime) -> datetime | None:
    """The time of the day at which the channels were last to be tried, if that is not long ago."""
    local = now.astimezone(LONDON)
    days = (local.date(), local.date() - timedelta(days=1))
    times = [datetime.combine(day, each, LONDON) for day in days for each in at]
    due = [each for each in times if timedelta(0) <= now - each < LATE]
    return max(due, default=None)


def leave_tests(
    session: Session, places: Iterable[Place], named: str, *, who: str = MACHINE, desk_url: str, now: datetime
) -> list[Notification]:
    """Leave a test for every address, once for each name, and return those that were left just now."""
    text = f"This is a test: nothing has happened. It proves that alerts reach you here.\n{desk_url.rstrip('/')}/alerts"
    rows = [
        _row(NotificationKind.TEST, f"test {named}", place, "Test of Golden Hour alerts", text, now)
        for place in places
    ]
    made = _insert(session, rows)
    if made:
        note(session, [Line("channels tested", None, None, {"channels": len(made)})], who=who, now=now)
    return made


def leave_alarms(
    session: Session,
    places: Iterable[Place],
    found: Sequence[Failure],
    *,
    subject: str = "Alerts need a look",
    desk_url: str,
    now: datetime,
) -> list[Notification]:
    """Tell every address but telephones of what the audit found, once for each finding and time it was found."""
    rows = [
        _row(
            NotificationKind.OUTAGE,
            f"outage {each.id} {each.at.isoformat()}",
            place,
            subject,
            f"{each.error}.\n{each.remedy}.\n{desk_url.rstrip('/')}/alerts",
            now,
        )
        for each in found
        for place in places
        if place[0] != ChannelKind.SMS
    ]
    return _insert(session, rows)


def leave_head(session: Session, place: Place, head: Head, *, now: datetime) -> None:
    """Leave the head of the log, to be said in one place."""
    text = f"The log has {head.entries:,} entries. Keep the next line for goldenhour audit verify:\n--head {head}"
    row = _row(NotificationKind.HEAD, f"head {head}", place, "The head of the log", text, now)
    _insert(session, [row | {"expires_at": now + DAY}])


def _row(
    kind: NotificationKind, named: str, place: Place, subject: str, text: str, now: datetime
) -> dict[str, Any]:
    through, address, whose = place
    return {
        "id": uuid4(),
        "key": f"{named} {through} {address}",
        "kind": kind,
        "channel_kind": through,
        "recipient": whose,
        "address": address,
        "subject": subject,
        "text": text,
        "state": NotificationState.WAITING,
        "created_at": now,
        "due_at": now,
        "expires_at": now + LASTS,
        "attempts": 0,
        "fence": 0,
        "possible_repeat": False,
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> list[Notification]:
    if not rows:
        return []
    made = (
        insert(Notification).values(list(rows)).on_conflict_do_nothing(index_elements=[col(Notification.key)])
    )
    return list(session.scalars(made.returning(Notification)))
