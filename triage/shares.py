"""Shares: how much of what each source brought became part of a case."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from triage.hidden import hidden_cases


class Share(NamedTuple):
    """Posts of one source that were stored, and those of them that belong to a case."""

    posts: int
    in_cases: int


def cased(session: Session, *, since: datetime, source: str | None = None) -> dict[str, Share]:
    """Each source's share since a moment, by name, or only that of one; a post counts for the source that showed
    it first.
    """
    only = "" if source is None else " AND p.source = :source"
    found = session.execute(
        text(
            "SELECT p.source, count(*) AS posts, count(joined.post_id) AS in_cases FROM posts AS p"  # noqa: S608
            " LEFT JOIN (SELECT DISTINCT post_id FROM memberships WHERE sure"
            " AND case_id <> ALL(CAST(:hidden AS uuid[]))) AS joined ON joined.post_id = p.id"
            f" WHERE p.collected_at > :since{only} GROUP BY p.source"
        ),
        {"since": since, "source": source, "hidden": hidden_cases(session)},
    )
    return {each.source: Share(int(each.posts), int(each.in_cases)) for each in found}
