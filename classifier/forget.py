"""Forgetting: of a post that was withdrawn the labels and scores stay, and nothing that quotes its words."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

_FORGET = text("""
    UPDATE assessments SET
        signals = (SELECT coalesce(jsonb_agg(CASE WHEN s ->> 'end' = '0' THEN s
            ELSE jsonb_build_object('name', s -> 'name', 'score', s -> 'score') END), '[]')
            FROM jsonb_array_elements(signals) AS s),
        places = (SELECT coalesce(jsonb_agg(p - 'text' - 'start' - 'end'), '[]')
            FROM jsonb_array_elements(places) AS p)
    WHERE post_id = ANY(:posts)
        AND (jsonb_path_exists(signals, '$[*] ? (@.end > 0)') OR jsonb_path_exists(places, '$[*].text'))
""")
_WITHDRAWN = text("SELECT id FROM posts WHERE withdrawn_at > :since")


def forget(session: Session, posts: Sequence[UUID]) -> None:
    """Let go what assessments quote of these posts: spans with their reasons, how places were written. Caller commits.

    A signal without a span, such as a trigger, is about the whole post and holds none of its words.
    """
    session.execute(_FORGET, {"posts": list(posts)})


def forget_withdrawn(session: Session, *, since: datetime) -> None:
    """The same for all posts withdrawn since then: an assessment may have been under way. Caller commits."""
    forget(session, list(session.scalars(_WITHDRAWN, {"since": since})))
