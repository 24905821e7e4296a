"""Searching: cases by what their posts say. Words are looked up, never accounts: those are left out of what is kept.

Filled by jobs of its own, which nothing waits for; what a post's author deletes is let go here too.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col

from collector.jobs import defer, ids
from collector.records import Post
from triage.records import Case, Membership
from triage.search_records import PostWords

AT_ONCE = 500  # posts read in one job
LONGEST_READ = 5_000  # characters of a post
ACCOUNT = "@[A-Za-z0-9_][A-Za-z0-9_.@-]*"
LOOKED_THROUGH = 2_000  # the newest posts that hold the words: more say the same
QUOTED = "StartSel=\ue000, StopSel=\ue001, MinWords=8, MaxWords=18, MaxFragments=1"
MARKS = ("\ue000", "\ue001")
MOST_WORDS = 12
PARTS = re.compile(r'(-?)("[^"]*\w[^"]*"|\w[^\s"]*)')
# the stemmer takes "handcuffed" for another word than "handcuffs"
DOUBLED = re.compile(r"(\w+ff)(?:s|ed|ing)?")

_IN_CASES = text("""
    SELECT id FROM unnest(CAST(:posts AS uuid[])) AS r (id)
    WHERE EXISTS (SELECT FROM memberships WHERE post_id = r.id)
""")
# whoever withdraws one of these waits until we have committed, and then lets go what we wrote
_READ = text(r"""
    WITH standing AS (
        SELECT p.id, p.collected_at, coalesce(p.title, '') || ' ' || p.text AS said
        FROM post_keys AS k JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at
        WHERE k.id = ANY(:posts) AND p.withdrawn_at IS NULL ORDER BY p.id FOR SHARE OF p
    )
    INSERT INTO post_words (post_id, collected_at, words)
    SELECT s.id, s.collected_at, to_tsvector('english',
        regexp_replace(left(s.said, :longest), :account, ' ', 'g') || ' ' || coalesce(
            (SELECT string_agg(concat_ws(' ', place ->> 'name', place ->> 'borough'), ' ')
            FROM assessments AS a, jsonb_array_elements(a.places) AS place WHERE a.post_id = s.id), ''))
    FROM standing AS s
    ON CONFLICT (post_id) DO UPDATE SET words = excluded.words
""")
_LET_GO = text("DELETE FROM post_words WHERE post_id = ANY(:posts)")
_LET_GO_WITHDRAWN = text("""
    DELETE FROM post_words WHERE post_id IN (SELECT id FROM posts WHERE withdrawn_at > :since)
""")


class Heard(NamedTuple):
    """A case, and what the newest post of it that holds the words says around them: (words, asked for) in turn."""

    case: Case
    quote: tuple[tuple[str, bool], ...]


def leave_words(session: Session, posts: Sequence[UUID]) -> None:
    """Leave jobs that keep the words of those of these posts that are in a case."""
    found = session.scalars(_IN_CASES, {"posts": list(posts)}).all()
    for start in range(0, len(found), AT_ONCE):
        defer(session, "keep_words", queue="claims", posts=ids(found[start : start + AT_ONCE]))


def keep_words(session: Session, posts: Sequence[UUID]) -> None:
    """Make the words of these posts ready to be looked up; anew, where a post was edited. The caller commits."""
    session.execute(_READ, {"posts": list(posts), "longest": LONGEST_READ, "account": ACCOUNT})


def forget_words(session: Session, posts: Sequence[UUID]) -> None:
    """Let go the words of these posts. The caller commits."""
    session.execute(_LET_GO, {"posts": list(posts)})


def forget_words_withdrawn(session: Session, *, since: datetime) -> None:
    """The same for all posts withdrawn since then: a job may have been under way. The caller commits."""
    session.execute(_LET_GO_WITHDRAWN, {"since": since})


def heard(session: Session, asked: str, *, most: int) -> list[Heard]:
    """Cases in which one post says all that is asked for, the newest first: words in any form, "a phrase" as it is,
    -word for what it must not say. None when nothing but small words is asked for.
    """
    query = _query(asked)
    if query is None:
        return []
    newest = (
        select(col(PostWords.post_id), col(PostWords.collected_at))
        .where(col(PostWords.words).op("@@")(query))
        .order_by(col(PostWords.collected_at).desc())
        .limit(LOOKED_THROUGH)
        .cte("newest")
        .prefix_with("MATERIALIZED")
    )
    joined = (
        select(col(Membership.case_id), newest.c.post_id)
        .join(newest, newest.c.post_id == col(Membership.post_id))
        .where(col(Membership.sure))
        .order_by(col(Membership.case_id), newest.c.collected_at.desc())
        .ext(distinct_on(col(Membership.case_id)))
    )
    post_of = dict(session.execute(joined).all())
    wanted = select(Case).where(col(Case.id).in_(post_of)).order_by(col(Case.opened_at).desc()).limit(most)
    cases = session.scalars(wanted).all()
    quotes = _quotes(session, [post_of[each.id] for each in cases], query)
    # one whose post was withdrawn a moment ago says nothing any more
    return [Heard(each, quotes[post_of[each.id]]) for each in cases if post_of[each.id] in quotes]


def _query(asked: str) -> ColumnElement[Any] | None:
    """What is asked for, each word and phrase on its own; None when there is no word in it."""
    query: ColumnElement[Any] | None = None
    for away, words in PARTS.findall(asked)[:MOST_WORDS]:
        part = _said(away + words)
        doubled = DOUBLED.fullmatch(words)
        if doubled and not away:
            part = part.op("||")(_said(doubled[1] + "ed"))
        query = part if query is None else query.op("&&")(part)
    return query


def _said(words: str) -> ColumnElement[Any]:
    return func.websearch_to_tsquery(literal_column("'english'"), words)


def _quotes(
    session: Session, posts: Sequence[UUID], query: ColumnElement[Any]
) -> dict[UUID, tuple[tuple[str, bool], ...]]:
    said = func.left(func.coalesce(col(Post.title) + ". ", "") + col(Post.text), LONGEST_READ)
    nameless = func.regexp_replace(said, ACCOUNT, "@account", "g")
    quoted = func.ts_headline(literal_column("'english'"), nameless, query, QUOTED)
    standing = select(col(Post.id), quoted).where(col(Post.id).in_(posts), col(Post.withdrawn_at).is_(None))
    return {post: _parts(words) for post, words in session.execute(standing)}


def _parts(quote: str) -> tuple[tuple[str, bool], ...]:
    """The quote cut where what was asked for begins and ends."""
    begins, ends = MARKS
    parts: list[tuple[str, bool]] = []
    for piece in quote.split(begins):
        found, end, rest = piece.partition(ends)
        parts += [(found, True), (rest, False)] if end else [(piece, False)]
    return tuple(each for each in parts if each[0])
