"""Hurry: how many posts wait to be assessed, and which were read by the gate alone because too many did.

Asked without a model, by processes that carry none.
"""

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

_WAITING = text(
    "SELECT coalesce(sum(posts), 0) FROM (SELECT jsonb_array_length(args->'posts') AS posts FROM procrastinate_jobs"
    " WHERE queue_name = 'assess' AND task_name = 'assess' AND status = 'todo' LIMIT :most) waiting"
)
_HURRIED = text(
    "SELECT post_id FROM assessments WHERE hurried"
    " AND EXISTS (SELECT FROM posts WHERE id = post_id AND withdrawn_at IS NULL)"
    " GROUP BY post_id ORDER BY max(incident_any) DESC, post_id LIMIT :most"
)


def waiting(session: Session, most: int) -> int:
    """How many posts wait to be assessed for the first time, counted in at most so many jobs."""
    found = session.execute(_WAITING, {"most": most}).scalar_one()
    return int(found)


def hurried(session: Session, most: int) -> list[UUID]:
    """Posts read in a hurry, the likeliest first."""
    return list(session.scalars(_HURRIED, {"most": most}))
