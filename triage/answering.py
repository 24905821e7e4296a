"""What a post answers, quotes or links to, when we hold it: its case is that post's, or a person is asked.

A platform names the post that is quoted or answered by the id that our own ids are made from, so nothing more is kept
of it, and nothing of its author. (Mastodon names an answered post by its number on one server; that is not followed.)
Quoting the very post a case began with, in words of one's own about police, is sure when the words are enough, recent,
and tell of no other place or deed. Everything else is suggested: people answer with what happened elsewhere, too.
"""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from collector.records import post_id
from triage.matching import FEWEST_WORDS, Doubt, How, Match, Matcher
from triage.similarity import Subject, likelihood, tells_otherwise

MOST_LINKS = 8  # of one post that are looked up

_LINK = re.compile(r"https?://[^\s<>\"')\]]+")
_LINKED = text("SELECT post_id, url FROM media WHERE kind = 'link' AND post_id = ANY(:posts)")
_AT = text("SELECT id, url FROM posts WHERE url = ANY(:urls)")
_HOMES = text("""
    SELECT m.post_id, m.case_id, m.how = 'new' AS first, p.published_at
    FROM memberships m JOIN posts p ON p.id = m.post_id WHERE m.sure AND m.post_id = ANY(:posts)
""")


class Answer(NamedTuple):
    """That a post refers to another one."""

    post: UUID
    how: How


class Home(NamedTuple):
    """The case that a post is in, whether that began with it, and when it was published."""

    case: UUID
    first: bool
    at: datetime


Homes = MutableMapping[UUID, Home]


def answers_of(platform: str, reply_to: str | None, quote_of: str | None) -> tuple[Answer, ...]:
    """The posts of the same platform that a post refers to, what is quoted first."""
    named = ((quote_of, How.QUOTE), (reply_to, How.REPLY))
    return tuple(Answer(post_id(platform, given), how) for given, how in named if given)


def read_homes(session: Session, answers: Mapping[UUID, Sequence[Answer]]) -> dict[UUID, Home]:
    """The homes of the posts that these refer to, as far as we hold them and they are in a case."""
    parents = {each.post for some in answers.values() for each in some}
    if not parents:
        return {}
    rows = session.execute(_HOMES, {"posts": sorted(parents)})
    return {row.post_id: Home(row.case_id, row.first, row.published_at) for row in rows}


def read_links(session: Session, texts: Mapping[UUID, str]) -> dict[UUID, tuple[Answer, ...]]:
    """The posts we hold whose addresses these texts, or the cards beside them, link to."""
    links = {post: [each.rstrip(".,;:!?") for each in _LINK.findall(said)] for post, said in texts.items()}
    for row in session.execute(_LINKED, {"posts": list(texts)}):
        links[row.post_id].append(row.url)
    wanted = {each for some in links.values() for each in some[:MOST_LINKS]}
    if not wanted:
        return {}
    there = {row.url: row.id for row in session.execute(_AT, {"urls": sorted(wanted)})}
    found = {post: {there[each] for each in some if each in there} - {post} for post, some in links.items()}
    return {post: tuple(Answer(each, How.LINK) for each in sorted(ids)) for post, ids in found.items() if ids}


def follow(
    post: Subject, answers: Sequence[Answer], match: Match, matcher: Matcher, homes: Mapping[UUID, Home]
) -> Match:
    """The match of a post with what it refers to taken into account. What words alone make sure, or nearly, stands."""
    if match.doubt in (Doubt.SHORT, Doubt.OLD) or match.sure:
        return match
    for answer in answers:
        home = homes.get(answer.post)
        if home is not None:
            return _judged(post, answer, home, matcher)
    return match


def _judged(post: Subject, answer: Answer, home: Home, matcher: Matcher) -> Match:
    profile = matcher.profiles.get(home.case)
    score = max(likelihood(post, profile) if profile else 0.0, matcher.suggest)
    if answer.how is not How.QUOTE or not home.first or profile is None or tells_otherwise(post, profile):
        return Match(home.case, score, answer.how, Doubt.UNSURE)
    doubt = Doubt.NONE
    if post.print.words < FEWEST_WORDS:
        doubt = Doubt.SHORT
    elif post.at - home.at > matcher.window:
        doubt = Doubt.OLD
    return Match(home.case, max(score, matcher.join), answer.how, doubt)
