"""Shares: how much of what each source brought became part of a case."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session


class Share(NamedTuple):
    """Posts of one source that were stored, and those of them that belong to a case."""

    posts: int
    in_cases: int


def cased(session: Session, *, since: datetime) -> dict[str, Share]:
    """Each source's share since a moment, by name; counted for the source that showed a post first."""
    found = session.execute(
        text(
            "SELECT p.source, count(*) AS posts, count(*) FILTER (WHERE EXISTS (SELECT FROM memberships AS m"
            " WHERE m.post_id = p.id AND m.sure)) AS in_cases FROM posts AS p"
            " WHERE p.collected_at > :since GROUP BY p.source"
        ),
        {"since": since},
    )
    return {each.source: Share(int(each.posts), int(each.in_cases)) for each in found}
