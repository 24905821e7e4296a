"""Edits: a post of a case that says something else now leaves a line in the case's log."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from triage.log import MACHINE, Line, note
from triage.notice import tell_desk

LOOK_BACK = timedelta(days=2)

_UNTOLD = text("""
    SELECT v.post_id, v.number, m.case_id FROM post_versions v
    JOIN memberships m ON m.post_id = v.post_id AND m.sure AND v.taken_at >= m.joined_at
    WHERE v.number > 1 AND v.taken_at > :since AND NOT EXISTS (
        SELECT FROM log_entries l WHERE l.case_id = m.case_id AND l.what = 'post edited'
        AND l.detail->>'post' = v.post_id::text AND (l.detail->>'version')::int = v.number)
    ORDER BY v.taken_at, v.post_id, v.number
""")


def note_edits(session: Session, *, now: datetime) -> int:
    """Log the edits of posts in cases that are not logged yet. Returns how many. The caller commits."""
    untold = session.execute(_UNTOLD, {"since": now - LOOK_BACK}).all()
    lines = [
        Line(
            "post edited",
            each.case_id,
            f"its wording {each.number}; both stand on the case page",
            {"post": str(each.post_id), "version": each.number},
        )
        for each in untold
    ]
    note(session, lines, who=MACHINE, now=now)
    tell_desk(session, "post edited", *dict.fromkeys(each.case_id for each in untold))
    return len(untold)
