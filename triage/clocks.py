"""By when what must be done for a case: the force's proposed clocks, by severity.

SEV1 and SEV2 run around the clock. SEV3 is acknowledged within the hour by day, at half past seven after a
night; SEV4, and what is told in a digest, on the next working day. Working days are Monday to Friday;
bank holidays are not known here.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from triage.records import Desk, Severity

LONDON = ZoneInfo("Europe/London")
DAY_BEGINS, DAY_ENDS = time(7, 0), time(23, 0)
MORNING, OFFICE_OPENS, OFFICE_CLOSES = time(7, 30), time(10, 0), time(18, 0)
FRIDAY = 4

ACKNOWLEDGE = "acknowledge"
CHAIR_TOLD = "chair_told"
ANSWERED_BY = {Desk.COMMS: ACKNOWLEDGE, Desk.OVERSIGHT: CHAIR_TOLD}


class Due(NamedTuple):
    name: str
    desk: Desk
    at: datetime


def clocks(severity: Severity, *, paged: bool, force: bool, now: datetime) -> Iterator[Due]:
    """The clocks that start when a case of this severity is raised. `force`: oversight will review it."""
    if not paged:
        severity = max(severity, Severity.SEV4)
    for name, desk, when in _OF.get(severity, ()):
        if desk is Desk.COMMS or force:
            yield Due(name, desk, when(now))


def _after(length: timedelta) -> Callable[[datetime], datetime]:
    return lambda now: now + length


def _by_day(now: datetime) -> datetime:
    """In an hour between seven and eleven at night, else at half past seven."""
    local = now.astimezone(LONDON)
    if DAY_BEGINS <= local.time() < DAY_ENDS:
        return now + timedelta(hours=1)
    morning = local if local.time() < DAY_BEGINS else local + timedelta(days=1)
    return _at(morning, MORNING, now)


def _same_working_day(now: datetime) -> datetime:
    local = now.astimezone(LONDON)
    if local.weekday() <= FRIDAY and local.time() < OFFICE_CLOSES:
        return _at(local, OFFICE_CLOSES, now)
    return _at(_working_day_after(local), OFFICE_CLOSES, now)


def _next_working_day(now: datetime) -> datetime:
    return _at(_working_day_after(now.astimezone(LONDON)), OFFICE_OPENS, now)


def _end_of_tomorrow(now: datetime) -> datetime:
    """Referral: by the end of the day after it becomes clear that it must be made."""
    return _at(now.astimezone(LONDON) + timedelta(days=2), time(0, 0), now)


def _working_day_after(local: datetime) -> datetime:
    following = local + timedelta(days=1)
    while following.weekday() > FRIDAY:
        following += timedelta(days=1)
    return following


def _at(local_day: datetime, at: time, now: datetime) -> datetime:
    return datetime.combine(local_day.date(), at, LONDON).astimezone(now.tzinfo)


_hour = timedelta(hours=1)
_minute = timedelta(minutes=1)
_OF: dict[Severity, tuple[tuple[str, Desk, Callable[[datetime], datetime]], ...]] = {
    Severity.SEV1: (
        (ACKNOWLEDGE, Desk.COMMS, _after(5 * _minute)),
        ("first_line", Desk.COMMS, _after(15 * _minute)),
        ("line_issued", Desk.COMMS, _after(60 * _minute)),
        (CHAIR_TOLD, Desk.OVERSIGHT, _after(15 * _minute)),
        ("bwv_preserved", Desk.OVERSIGHT, _after(24 * _hour)),
        ("referral_decision", Desk.OVERSIGHT, _end_of_tomorrow),
        ("supervisor_account", Desk.OVERSIGHT, _after(72 * _hour)),
    ),
    Severity.SEV2: (
        (ACKNOWLEDGE, Desk.COMMS, _after(15 * _minute)),
        ("first_line", Desk.COMMS, _after(45 * _minute)),
        ("line_issued", Desk.COMMS, _after(2 * _hour)),
        ("bwv_preserved", Desk.OVERSIGHT, _after(24 * _hour)),
        ("supervisor_account", Desk.OVERSIGHT, _after(72 * _hour)),
    ),
    Severity.SEV3: (
        (ACKNOWLEDGE, Desk.COMMS, _by_day),
        ("first_line", Desk.COMMS, _after(4 * _hour)),
        ("line_issued", Desk.COMMS, _same_working_day),
        ("supervisor_account", Desk.OVERSIGHT, _after(72 * _hour)),
    ),
    Severity.SEV4: ((ACKNOWLEDGE, Desk.COMMS, _next_working_day),),
}
