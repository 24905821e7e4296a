"""The paces of cases, as the ledger of growth has them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from triage.pace import LOOKS_BACK, STEPS_AN_HOUR, WINDOW, Pace, Usual, same_hours

_PACES = text("""
    SELECT case_id, coalesce(sum(posts) FILTER (WHERE at > :window), 0) AS now,
        coalesce(sum(posts) FILTER (WHERE at <= :window AND at > :back), 0) AS before, min(at) AS first
    FROM growth WHERE case_id = ANY(:cases) AND at <= :now GROUP BY case_id
""")
_STREAM = text("SELECT coalesce(sum(posts), 0) FROM stream_paces WHERE at > :window AND at <= :now")
_HOURS = text("""
    SELECT coalesce(sum(s.posts), 0) AS posts FROM unnest(CAST(:hours AS timestamptz[])) AS hour (begun)
    JOIN stream_paces s ON s.at >= hour.begun AND s.at < hour.begun + interval '1 hour' GROUP BY hour.begun
""")
_LATELY = text(
    "SELECT case_id, sum(posts) FROM growth WHERE case_id = ANY(:cases) AND at > :since GROUP BY case_id"
)


def paces_of(session: Session, cases: Sequence[UUID], *, now: datetime) -> dict[UUID, Pace]:
    """The pace of each of these cases."""
    window, back = now - WINDOW, now - WINDOW - LOOKS_BACK
    values = {"cases": list(cases), "window": window, "back": back, "now": now}
    rows = {row.case_id: row for row in session.execute(_PACES, values)}
    stream = int(session.execute(_STREAM, {"window": window, "now": now}).scalar_one())
    usual = _usual(session, now)
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


def _usual(session: Session, now: datetime) -> Usual:
    weeks = [row.posts for row in session.execute(_HOURS, {"hours": same_hours(now)})]
    return Usual(sum(weeks) / len(weeks) / STEPS_AN_HOUR, len(weeks)) if weeks else Usual()
