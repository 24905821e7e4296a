"""The meetings as a calendar that other programs read (iCalendar, RFC 5545). It names no case."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from icalendar import Calendar, Event, vDuration

from triage.review.meeting_records import Review
from triage.review.meetings import LONDON


def calendar_of(
    reviews: Sequence[Review], *, title: str, lasts: timedelta, page: str, now: datetime
) -> bytes:
    """An event for each meeting and for the lock of its list. A meeting that is moved or cancelled keeps its UID and
    counts up, so that calendars follow.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Golden Hour//Oversight//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", vDuration(timedelta(hours=1)), parameters={"value": "DURATION"})
    for review in reviews:
        about = f"{page}/{review.meets_at.astimezone(LONDON):%Y-%m-%d}"
        told = "moved" if review.moved_at else "cancelled" if review.cancelled_at else ""
        summary = f"{title}{f' ({told})' if told else ''}"
        _add(calendar, review, "", summary, review.meets_at, lasts, about, now)
        if review.locks_at is not None:
            _add(
                calendar,
                review,
                "lock-",
                f"List is locked: {title}",
                review.locks_at,
                timedelta(0),
                about,
                now,
            )
    written: bytes = calendar.to_ical()
    return written


def _add(
    calendar: Calendar,
    review: Review,
    kind: str,
    summary: str,
    begins: datetime,
    lasts: timedelta,
    about: str,
    now: datetime,
) -> None:
    event = Event()
    event.add("uid", f"{kind}{review.id}@goldenhour")
    event.add("sequence", int(now.timestamp()) // 60)
    event.add("dtstamp", now)
    event.add("dtstart", begins)
    if lasts:
        event.add("dtend", begins + lasts)
    event.add("summary", summary)
    event.add("url", about)
    event.add("status", "CANCELLED" if review.cancelled_at else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if kind else "OPAQUE")
    calendar.add_component(event)
