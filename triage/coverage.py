"""What each borough brought in thirty days. Posts are counted twice over and never mixed: by the borough of the
source that showed them, whatever they speak of, and by the places that the classifier found named in them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlmodel import Session, col, select

from collector.coverage import Cover, coverage
from collector.records import SourceRow
from triage.hidden import hidden_cases

DAYS = 30

# each of these is answered from an index alone
_BY_SOURCE = text(
    "SELECT source, count(*) AS posts FROM posts WHERE source = ANY(:names) AND collected_at > :since"
    " GROUP BY source"
)
_BY_PLACE = text(  # OFFSET keeps the inner part to its index
    "SELECT borough, count(*) AS posts FROM (SELECT DISTINCT post_id, jsonb_array_elements_text(boroughs)"
    " AS borough FROM (SELECT post_id, boroughs FROM assessments WHERE at > :since AND boroughs <> '[]' OFFSET 0)"
    " AS found) AS named GROUP BY borough"
)
_CASES = text(
    "SELECT borough, count(*) AS cases FROM cases WHERE opened_at > :since AND borough IS NOT NULL"
    " AND id <> ALL(CAST(:hidden AS uuid[])) GROUP BY borough"
)


class Figure(NamedTuple):
    """One borough: how it is seen, posts its own sources brought, posts that name a place in it, cases opened there.

    A source that names several boroughs counts for each of them, and so does a post that names places in several.
    """

    cover: Cover
    by_source: int
    by_place: int
    cases: int
    last_post_at: datetime | None


def figures(session: Session, *, now: datetime) -> list[Figure]:
    """All boroughs and our neighbour, by name."""
    rows = session.exec(select(SourceRow).order_by(col(SourceRow.name))).all()
    covers = coverage(rows, now=now)
    last = {row.name: row.last_post_at for row in rows}
    since = now - timedelta(days=DAYS)
    names = sorted({name for cover in covers for name in cover.sources})
    brought = _counts(session, _BY_SOURCE, names=names, since=since)
    named = _counts(session, _BY_PLACE, since=since)
    cases = _counts(session, _CASES, since=since, hidden=hidden_cases(session))
    return [
        Figure(
            cover,
            sum(brought.get(name, 0) for name in cover.sources),
            named.get(cover.borough, 0),
            cases.get(cover.borough, 0),
            _latest([last[name] for name in cover.sources]),
        )
        for cover in covers
    ]


def _counts(session: Session, asked: TextClause, **given: object) -> dict[str, int]:
    return {name: int(number) for name, number in session.execute(asked, given)}


def _latest(times: Sequence[datetime | None]) -> datetime | None:
    return max((each for each in times if each is not None), default=None)
