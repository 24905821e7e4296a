"""When something is due: a length of time, or words such as "next-working-day", counted from a moment.

A length is time that really passes, also over the night in which the clocks change. Working days are Monday to
Friday without the bank holidays given.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from triage.records import Desk

LONDON = ZoneInfo("Europe/London")
DAY_BEGINS, DAY_ENDS = time(7, 0), time(23, 0)
MORNING, OFFICE_OPENS, OFFICE_CLOSES = time(7, 30), time(10, 0), time(18, 0)
FRIDAY = 4

ACKNOWLEDGE = "acknowledge"
CHAIR_TOLD = "chair_told"
ANSWERED_BY = {Desk.COMMS: ACKNOWLEDGE, Desk.OVERSIGHT: CHAIR_TOLD}

Holidays = Collection[date]
_LENGTH = re.compile(r"([1-9][0-9]{0,4})\s*(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def due_at(written: str, now: datetime, holidays: Holidays) -> datetime:
    """The moment, in UTC. Raises ValueError for words that say no time."""
    if written in _WORDS:
        return _WORDS[written](now.astimezone(LONDON), holidays).astimezone(UTC)
    found = _LENGTH.fullmatch(written)
    if found is None:
        raise ValueError(f"write a length such as 15m or 72h, or one of {', '.join(_WORDS)}")
    return now.astimezone(UTC) + timedelta(**{_UNITS[found[2]]: int(found[1])})


def after_working_days(moment: datetime, days: int, holidays: Holidays) -> datetime:
    """The end of office hours on so many working days after the moment's day in London."""
    day = moment.astimezone(LONDON).date()
    for _ in range(days):
        day = _working_day_after(day, holidays)
    return _at(day, OFFICE_CLOSES).astimezone(UTC)


def _by_day(local: datetime, _: Holidays) -> datetime:
    """In an hour between seven and eleven at night, else at half past seven."""
    if DAY_BEGINS <= local.time() < DAY_ENDS:
        return local.astimezone(UTC) + timedelta(hours=1)
    return _at(local.date() + timedelta(days=local.time() >= DAY_ENDS), MORNING)


def _end_of_working_day(local: datetime, holidays: Holidays) -> datetime:
    today = local.date()
    if _works(today, holidays) and local.time() < OFFICE_CLOSES:
        return _at(today, OFFICE_CLOSES)
    return _at(_working_day_after(today, holidays), OFFICE_CLOSES)


def _next_working_day(local: datetime, holidays: Holidays) -> datetime:
    return _at(_working_day_after(local.date(), holidays), OFFICE_OPENS)


def _end_of_next_day(local: datetime, _: Holidays) -> datetime:
    """Referral: by the end of the day after it becomes clear that it must be made; any day, not only working days."""
    return _at(local.date() + timedelta(days=2), time(0, 0))


def _working_day_after(day: date, holidays: Holidays) -> date:
    following = day + timedelta(days=1)
    while not _works(following, holidays):
        following += timedelta(days=1)
    return following


def _works(day: date, holidays: Holidays) -> bool:
    return day.weekday() <= FRIDAY and day not in holidays


def _at(day: date, at: time) -> datetime:
    return datetime.combine(day, at, LONDON)


_WORDS: Mapping[str, Callable[[datetime, Holidays], datetime]] = {
    "by-day": _by_day,
    "end-of-working-day": _end_of_working_day,
    "next-working-day": _next_working_day,
    "end-of-next-day": _end_of_next_day,
}
