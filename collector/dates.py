"""Moments as feeds write them. What no one can have meant is no date at all."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from time import struct_time

# Hours before UTC, by the names European servers write. RFC 822 knows only American ones, and readers
# that follow it take the rest for UTC: a London summer morning would come out an hour late.
ZONES = {
    "WET": 0,
    "BST": 1,
    "IST": 1,  # Irish; the Indian one is not expected here
    "WEST": 1,
    "CET": 1,
    "MET": 1,
    "MEZ": 1,
    "CEST": 2,
    "MEST": 2,
    "MESZ": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
}
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)

_NAMED = re.compile(rf"\s*(.{{5,60}}?)\s*\(?\b({'|'.join(ZONES)})\)?\s*", re.IGNORECASE)


def read_named_zone(written: str) -> struct_time | None:
    """A moment with a European zone name, as UTC; None for every other spelling. Made to be given to feedparser."""
    found = _NAMED.fullmatch(written[:80])
    if found is None:
        return None
    moment = _naive(found[1])
    if moment is None:
        return None
    return (moment - timedelta(hours=ZONES[found[2].upper()])).timetuple()


def read_by_hand(written: str) -> struct_time | None:
    """A moment as content systems print it for people, day first, or as seconds since 1970; taken for UTC.

    None for every other spelling. Made to be given to feedparser, which reads these wrongly or not at all.
    """
    if not _BY_HAND.match(written[:80]):
        return None
    if re.fullmatch(r"\s*\d{10}(?:\d{3})?\s*", written):
        return datetime.fromtimestamp(int(written.strip()[:10]), UTC).timetuple()
    plainly = " ".join(re.sub(r"^\s*[A-Za-z]+day,?|[,]| - |\bat\b", " ", written[:80]).split())
    plainly = re.sub(r"(?<=\d)[/.-](?=\d)", "/", plainly)
    for form in _FORMS:
        with suppress(ValueError):
            return datetime.strptime(plainly, form).timetuple()  # noqa: DTZ007  # taken for UTC, as said
    return None


_BY_HAND = re.compile(
    r"\s*(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{4}\b|\d{10}(?:\d{3})?\s*$|(?:[A-Za-z]+day,?\s+)?[A-Z][a-z]{2,8}\s+\d{1,2},)"
)
_FORMS = tuple(
    f"{day}{time}"
    for day in ("%d/%m/%Y", "%m/%d/%Y", "%B %d %Y", "%b %d %Y")
    for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M%p")
)


def _naive(written: str) -> datetime | None:
    """A moment written without a zone, by ISO 8601 or RFC 822."""
    try:
        moment = datetime.fromisoformat(written)
        return None if moment.tzinfo else moment
    except ValueError:
        pass
    parts = parsedate_tz(written)
    if parts is None or re.search(r"\s[+-]\d{4}\b", written):
        return None
    try:
        return datetime(*parts[:6])  # noqa: DTZ001  # its zone is read apart
    except ValueError:
        return None


def from_utc(parsed: struct_time | None) -> datetime | None:
    """A moment feedparser has read, None when it is none or lies before 1970."""
    if parsed is None:
        return None
    try:
        moment = datetime(*parsed[:6], tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment >= EARLIEST else None


def from_iso(written: str | None) -> datetime | None:
    """A moment written by RFC 3339, as JSON interfaces do; without a zone it is UTC. None for anything else."""
    if not written:
        return None
    try:
        moment = datetime.fromisoformat(written)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment >= EARLIEST else None


def believable(published_at: datetime | None, seen_at: datetime) -> datetime:
    """When a post was published, as far as we believe it: never later than five minutes after we saw it.

    A post without a date counts as published when it was seen.
    """
    if published_at is None:
        return seen_at
    return min(published_at, seen_at + AHEAD)
