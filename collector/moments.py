"""Moments as whole microseconds since 1970, the way streams count them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = 253_402_300_799_000_000  # the last second of the year 9999


def microseconds(at: datetime) -> int:
    return (at - EPOCH) // _MICROSECOND


def moment(count_us: int) -> datetime | None:
    """The moment, None where it lies outside the years 1970 to 9999."""
    return EPOCH + timedelta(microseconds=count_us) if 0 <= count_us <= _LATEST else None
