"""The paces of cases, as the ledger of growth has them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from triage.pace import LOOKS_BACK, STEPS_AN_HOUR, WINDOW, Pace, Usual, same_hours

# one row at least: what the stream brings stands beside each case, and alone where none of them has grown
_PACES = text("""
    SELECT stream.*, paces.* FROM (SELECT
        (SELECT coalesce(sum(posts), 0) FROM stream_paces WHERE at > :window AND at <= :now) AS lately,
        ARRAY(SELECT coalesce(sum(s.posts), 0) FROM unnest(CAST(:hours AS timestamptz[])) AS hour (begun)
            JOIN stream_paces s ON s.at >= hour.begun AND s.at < hour.begun + interval '1 hour' GROUP BY hour.begun
        ) AS weeks) AS stream
    LEFT JOIN (SELECT case_id, coalesce(sum(posts) FILTER (WHERE at > :window), 0) AS now,
            coalesce(sum(posts) FILTER (WHERE at <= :window AND at > :back), 0) AS before, min(at) AS first
        FROM growth WHERE case_id = ANY(:cases) AND at <= :now GROUP BY case_id) AS paces ON true
""")
_LATELY = text(
    "SELECT case_id, sum(posts) FROM growth WHERE case_id = ANY(:cases) AND at > :since GROUP BY case_id"
)


def paces_of(session: Session, cases: Sequence[UUID], *, now: datetime) -> dict[UUID, Pace]:
    """The pace of each of these cases."""
    window, back = now - WINDOW, now - WINDOW - LOOKS_BACK
    values = {"cases": list(cases), "window": window, "back": back, "now": now, "hours": same_hours(now)}
    asked = session.execute(_PACES, values).all()
    rows = {row.case_id: row for row in asked}
    stream, usual = int(asked[0].lately), _usual(asked[0].weeks)
    found = {}
    for case in cases:
        row = rows.get(case)
        if row is None:
            found[case] = Pace(usual=usual, others=stream)
            continue
        looked = max(timedelta(), min(LOOKS_BACK, window - row.first))
        found[case] = Pace(row.now, row.before, looked, max(0, stream - row.now), usual)
    return found


def lately(session: Session, cases: Sequence[UUID], *, since: datetime) -> dict[UUID, int]:
    """How many posts of each of these cases were published since then."""
    found = session.execute(_LATELY, {"cases": list(cases), "since": since})
    return {case: int(posts) for case, posts in found}


def _usual(weeks: Sequence[int]) -> Usual:
    """What these weeks brought in the same hour."""
    return Usual(sum(weeks) / len(weeks) / STEPS_AN_HOUR, len(weeks)) if weeks else Usual()
