"""Custody: posts that belong to a case are evidence, and are entered as collected when that is first seen."""

from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from collector.evidence import note_custody

AT_ONCE = 1_000


def take_into_custody(session: Session, *, now: datetime) -> int:
    """Enter the posts of cases that have no entry yet, at most 1,000 at once. Returns how many. Caller commits."""
    found = session.execute(
        text(
            "SELECT DISTINCT m.post_id FROM memberships AS m WHERE m.sure AND NOT EXISTS (SELECT FROM"
            " custody_entries AS c WHERE c.post_id = m.post_id AND c.act = 'collected') LIMIT :most"
        ),
        {"most": AT_ONCE},
    )
    posts = [each.post_id for each in found]
    return note_custody(session, posts, "collected", who="collector", now=now) if posts else 0
