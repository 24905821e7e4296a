"""The monthly parts of the large tables, made ahead of time; what has no part yet lands in the default one."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlmodel import Session

PARTED = ("posts", "sightings")
MONTHS_AHEAD = 2


def make_months(session: Session, *, now: datetime) -> None:
    """Make sure that this month and the next ones have a part of each large table. Safe to repeat."""
    for ahead in range(MONTHS_AHEAD + 1):
        first, after = _month(now, ahead), _month(now, ahead + 1)
        for table in PARTED:
            session.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS {table}_p{first:%Y%m} PARTITION OF {table} "
                    f"FOR VALUES FROM ('{first:%Y-%m-%d}') TO ('{after:%Y-%m-%d}')"
                )
            )


def _month(now: datetime, ahead: int) -> datetime:
    years, month = divmod(now.month - 1 + ahead, 12)
    return datetime(now.year + years, month + 1, 1, tzinfo=UTC)
