"""What looks coordinated: the same words but for tags and links, the same link, or the same footage from many accounts
within a minute or so.

A burst says something of posts, never of persons: people who share one post look just the same, and no account is
kept or shown. It names what was the same, how many accounts brought it, and when.
"""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from classifier.fingerprint import FEWEST_WORDS, exact_of
from triage.growth_rules import CoordinatedRules

LOOKS_BACK = timedelta(hours=1)
MOST_POSTS = 4_000
WORDS, LINK, FOOTAGE = "words", "link", "footage"
_LINK = re.compile(r"https?://[^\s<>\"']+")
_VARIED = re.compile(
    rf"{_LINK.pattern}|(?<!\w)[#@]\S+"
)  # what copies are told apart by: links, tags, who is addressed

_POSTS = text("""
    SELECT p.id, p.published_at, p.author_key, p.text,
        ARRAY(SELECT url FROM media WHERE post_id = p.id AND kind = 'link') AS links,
        ARRAY(SELECT family_id FROM footage WHERE post_id = p.id AND withdrawn_at IS NULL) AS families
    FROM memberships m
    JOIN post_keys k ON k.id = m.post_id
    JOIN posts p ON p.id = k.id AND p.collected_at = k.collected_at
    WHERE m.case_id = :case AND m.sure AND m.joined_at > :since AND p.author_key IS NOT NULL
        AND p.published_at > :since AND p.withdrawn_at IS NULL
    ORDER BY p.published_at DESC LIMIT :most
""")


class Shown(NamedTuple):
    """That an account brought one thing, at this time, in this post."""

    at: datetime
    voice: bytes
    post: UUID


class Burst(NamedTuple):
    """`accounts` brought the same thing in `posts` posts between two moments; `post` is the first of them."""

    what: str
    accounts: int
    posts: int
    from_at: datetime
    until_at: datetime
    post: UUID

    def plain(self) -> dict[str, Any]:
        """As kept with the case."""
        return {
            "what": self.what,
            "accounts": self.accounts,
            "posts": self.posts,
            "from": self.from_at.isoformat(),
            "until": self.until_at.isoformat(),
            "post": str(self.post),
        }


def find_coordinated(
    session: Session, case_id: UUID, rules: CoordinatedRules, *, now: datetime
) -> list[Burst]:
    """The largest burst of each sort among the case's posts of the last hour."""
    values = {"case": case_id, "since": now - LOOKS_BACK, "most": MOST_POSTS}
    things: dict[tuple[str, object], list[Shown]] = defaultdict(list)
    for row in session.execute(_POSTS, values):
        shown = Shown(row.published_at, bytes(row.author_key), row.id)
        for thing in _things(row):
            things[thing].append(shown)
    return largest(things.items(), rules)


def largest(
    things: Iterable[tuple[tuple[str, object], Sequence[Shown]]], rules: CoordinatedRules
) -> list[Burst]:
    """Of each sort the burst of most accounts, if there are enough."""
    best: dict[str, Burst] = {}
    for (what, _), shown in things:
        found = burst(what, shown, rules.within) if len(shown) >= rules.accounts else None
        if found and found.accounts >= max(rules.accounts, best[what].accounts + 1 if what in best else 0):
            best[what] = found
    return list(best.values())


def burst(what: str, shown: Sequence[Shown], within: timedelta) -> Burst | None:
    """The stretch, no longer than `within`, in which most accounts brought one thing."""
    best: Burst | None = None
    open_: deque[Shown] = deque()
    voices: Counter[bytes] = Counter()
    for each in sorted(shown):
        open_.append(each)
        voices[each.voice] += 1
        while each.at - open_[0].at > within:
            gone = open_.popleft()
            voices[gone.voice] -= 1
            if not voices[gone.voice]:
                del voices[gone.voice]
        if best is None or (len(voices), len(open_)) > (best.accounts, best.posts):
            best = Burst(what, len(voices), len(open_), open_[0].at, each.at, open_[0].post)
    return best


def _things(row: Any) -> Iterator[tuple[str, object]]:
    """What a post shows that others may show too."""
    words, exact = exact_of(_VARIED.sub(" ", row.text))
    if words >= FEWEST_WORDS:
        yield WORDS, exact
    for link in {*row.links, *_LINK.findall(row.text)}:
        yield LINK, link
    for family in set(row.families):
        yield FOOTAGE, family
