"""What a line promises: when its words say that we speak again."""

import re
from datetime import datetime, timedelta

from triage.checking_text import clocks, days, sentences
from triage.clocks import LONDON

CUE = re.compile(r"\b(?:updates?|again|more|next|news|return)\b", re.IGNORECASE)
SOON = timedelta(hours=14)  # a time without its day is not meant for later than this


def promised(text: str, now: datetime) -> datetime | None:
    """The first time that a sentence gives for the next update, in the past where it is over; none without one."""
    local = now.astimezone(LONDON)
    for sentence in sentences(text):
        part = text[sentence.start : sentence.end]
        times = clocks(part)
        if times and CUE.search(part):
            named = next((each.value for each in days(part) if isinstance(each.value, tuple)), None)
            return _moment(local, times[-1].value, named)
    return None


def _moment(local: datetime, minutes: object, day: tuple[int, int] | None) -> datetime | None:
    if not isinstance(minutes, frozenset):
        return None
    hours = [divmod(each, 60) for each in sorted(minutes)]
    on = [_on(local, day)] if day else [local + timedelta(days=ahead) for ahead in (-1, 0, 1)]
    found = [each.replace(hour=h, minute=m, second=0, microsecond=0) for each in on if each for h, m in hours]
    ahead = [each for each in found if each > local and (day or each - local <= SOON)]
    return min(ahead, default=None) or max((each for each in found if each <= local), default=None)


def _on(local: datetime, day: tuple[int, int]) -> datetime | None:
    """That day of this year; in December, of January, of the next."""
    try:
        named = local.replace(day=day[0], month=day[1])
    except ValueError:
        return None
    return named.replace(year=local.year + 1) if (local - named).days > 180 else named
