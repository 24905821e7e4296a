"""Months of `posts` and `sightings` whose time is over: what is still needed moves out of them, then they are dropped.

A month is over when no post in it says anything any more but those in cases or under a hold. Those move to the part
that has no month; of the others everything that was known by their ids goes with the month.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from collector.records import Record

PART = re.compile(r"(posts|sightings)_p([0-9]{4})([0-9]{2})")
SLICES = 256
# what is known of a post by its id alone, and means nothing without it
BY_ID = (
    "routings", "assessments", "shadow_assessments", "post_versions", "media", "sealed_authors", "post_words",
    "claim_sightings", "post_tombstones", "looks", "footage",
)  # fmt: skip
_PARTS = text("""
    SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(:table) ORDER BY c.relname
""")
_NEEDED = (
    "EXISTS (SELECT FROM memberships AS m WHERE m.post_id = {0}) OR EXISTS (SELECT FROM held_posts AS h"
    " WHERE h.post_id = {0}) OR EXISTS (SELECT FROM known_claims AS c WHERE c.post_id = {0})"
)


class Month(NamedTuple):
    """One part of a table that is over by its date."""

    table: str
    part: str


def months_over(session: Session, before: datetime) -> list[Month]:
    """The parts that ended before a moment, and hold nothing that is still to go first."""
    parts = [each for table in ("posts", "sightings") for each in session.scalars(_PARTS, {"table": table})]
    over = [
        Month(found[1], each) for each in parts if (found := PART.fullmatch(each)) and _ends(found) <= before
    ]
    return [each for each in over if each.table == "sightings" or not _speaks(session, each)]


def _ends(found: re.Match[str]) -> datetime:
    year, month = int(found[2]), int(found[3])
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _speaks(session: Session, month: Month) -> bool:
    """Whether a post of this month that nothing keeps still says something: it must be purged first."""
    asked = f"SELECT EXISTS (SELECT FROM {month.part} AS p WHERE withdrawn_at IS NULL AND NOT ({_NEEDED.format('p.id')}))"  # noqa: S608, E501  # all parts are ours
    return bool(session.execute(text(asked)).scalar_one())


def clear_slice(session: Session, month: Month, number: int) -> dict[str, int]:
    """Delete what hangs on the posts of one of 256 slices of a month that nothing keeps. Safe to repeat."""
    counts: dict[str, int] = {}
    if month.table != "posts":
        return counts
    low = f"{number:02x}000000-0000-0000-0000-000000000000"
    high = f"{number:02x}ffffff-ffff-ffff-ffff-ffffffffffff"
    asked = text(
        f"SELECT p.id FROM {month.part} AS p WHERE p.id BETWEEN CAST(:low AS uuid) AND CAST(:high AS uuid)"  # noqa: S608
        f" AND NOT ({_NEEDED.format('p.id')})"
    )
    posts = list(session.scalars(asked, {"low": low, "high": high}))
    if posts:
        for table in BY_ID:
            asked = text(f"DELETE FROM {table} WHERE post_id = ANY(:posts)")  # noqa: S608
            gone = session.execute(asked, {"posts": posts})
            counts[table] = gone.rowcount  # type: ignore[attr-defined]
    return counts


def drop_month(session: Session, month: Month) -> tuple[list[str], int]:
    """Move out what is needed and drop the rest, in one transaction. Returns the ids that went and how many moved.

    The caller commits. Waits five seconds for the table at most; then it is tried again the next night.
    """
    key = "id" if month.table == "posts" else "post_id"
    columns = ", ".join(f'"{each.name}"' for each in Record.metadata.tables[month.table].columns)
    needed = _NEEDED.format(f"p.{key}")
    session.execute(text("SET LOCAL lock_timeout = '5s'"))
    session.execute(text(f"ALTER TABLE {month.table} DETACH PARTITION {month.part}"))
    gone = session.scalars(text(f"SELECT CAST(p.id AS text) FROM {month.part} AS p WHERE NOT ({needed})"))  # noqa: S608
    ids = [f"{month.table}:{each}" for each in gone]
    overriding = "" if month.table == "posts" else " OVERRIDING SYSTEM VALUE"
    moved = session.execute(
        text(
            f"INSERT INTO {month.table} ({columns}){overriding} SELECT {columns} FROM {month.part} AS p WHERE {needed}"  # noqa: S608
        )
    )
    session.execute(text(f"DROP TABLE {month.part}"))
    return ids, moved.rowcount  # type: ignore[attr-defined]
