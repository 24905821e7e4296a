"""A quota: what an interface allows a day. Counted when spent, in the database, whatever became of the answer."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.errors import FetchError

# YouTube Data API v3 quota page (read 2026-08): searches have a bucket of their own; the day ends at midnight Pacific
QUOTAS: Mapping[str, int] = {"youtube search": 100, "youtube": 10_000}
PACIFIC = ZoneInfo("America/Los_Angeles")


class Meter:
    """What is left today of each bucket, and what was spent since. Lives for one fetch.

    `left` is asked once, when something is first to be spent: most sources spend nothing.
    """

    def __init__(self, left: Callable[[], Mapping[str, int]] | None = None) -> None:
        self._ask = left
        self.left: Mapping[str, int] | None = None
        self.spent: dict[str, int] = {}

    def spend(self, bucket: str, *, now: datetime, units: int = 1) -> None:
        """Count a request that is about to be made. Raises FetchError when the day's allowance is used up."""
        if self._ask is not None and self.left is None:
            self.left = self._ask()
        if self.left is not None and self.spent.get(bucket, 0) + units > self.left.get(bucket, 0):
            raise FetchError(
                f"the daily allowance of {bucket} is used up",
                remedy="It is asked again after midnight Pacific time; watch fewer terms, or at longer intervals",
                retry_after=next_day(now) - now,
            )
        self.spent[bucket] = self.spent.get(bucket, 0) + units


def metered(engine: Engine, clock: Callable[[], datetime]) -> Meter:
    """A meter that knows what is left today, should anything be spent."""

    def left() -> dict[str, int]:
        with Session(engine) as session:
            return quotas_left(session, now=clock())

    return Meter(left)


def day_of(now: datetime) -> date:
    """The day of the quota a moment lies in."""
    return now.astimezone(PACIFIC).date()


def next_day(now: datetime) -> datetime:
    """When the next day of the quota begins."""
    begins = datetime.combine(day_of(now) + timedelta(days=1), datetime.min.time(), PACIFIC)
    return begins.astimezone(now.tzinfo)


def quotas_left(session: Session, *, now: datetime) -> dict[str, int]:
    """What is left of each bucket today."""
    rows = session.execute(text("SELECT bucket, used FROM quota_uses WHERE day = :day"), {"day": day_of(now)})
    used = {each.bucket: each.used for each in rows}
    return {bucket: limit - used.get(bucket, 0) for bucket, limit in QUOTAS.items()}


def count_spent(session: Session, spent: Mapping[str, int], *, now: datetime) -> None:
    """Add what was spent to today's count."""
    for bucket, units in sorted(spent.items()):
        session.execute(
            text(
                "INSERT INTO quota_uses (bucket, day, used) VALUES (:bucket, :day, :units)"
                " ON CONFLICT (bucket, day) DO UPDATE SET used = quota_uses.used + excluded.used"
            ),
            {"bucket": bucket, "day": day_of(now), "units": units},
        )
