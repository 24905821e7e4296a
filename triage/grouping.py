"""Posts grouped into cases without a database, by the matching that the service uses."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from triage.matching import Doubt, How, Match, Matcher


class Item(NamedTuple):
    """One post, in the order of time. Any JSON value will do as an id."""

    id: Any
    text: str
    at: datetime


class Grouped(NamedTuple):
    """The post's case, by number in the order of opening."""

    id: Any
    case: int
    how: How


def group(items: Iterable[Item], matcher: Matcher) -> Iterator[Grouped]:
    """Each post with its case. Nobody is there to ask, so a post that would only be suggested because it is
    short or late joins; one that is not likely enough opens a case of its own.
    """
    opened = 0
    for item in items:
        post = matcher.subject(item.text, item.at)
        found = matcher.find(post)
        if isinstance(found.case, int) and _joins(found):
            case, how = found.case, found.how
        else:
            opened += 1
            case, how = opened, How.NEW
        matcher.put(case, post, how)
        yield Grouped(item.id, case, how)


def _joins(found: Match) -> bool:
    return found.case is not None and found.doubt is not Doubt.UNSURE
