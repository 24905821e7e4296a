"""The kinds of rules: each reads a text as one rule asks it to and gives what it finds."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Self

from triage.checking_context import Context, Finding
from triage.checking_rules import Check, Lists


class Ground(NamedTuple):
    """What the recognisers know: lists of words, and names of places."""

    lists: Lists
    places: frozenset[str]

    @classmethod
    def of(cls, lists: Lists, places: Iterable[str]) -> Self:
        return cls(lists, frozenset(each.lower() for each in places))


def pattern(rule: Check, text: str, context: Context, ground: Ground) -> Iterator[Finding]:  # noqa: ARG001
    """Words that must not be there."""
    for expression in rule.found:
        for match in expression.finditer(text):
            yield found(rule, text, *match.span())


def missing(rule: Check, text: str, context: Context, ground: Ground) -> Iterator[Finding]:  # noqa: ARG001
    """Words of which some must be there."""
    if not any(expression.search(text) for expression in rule.found):
        yield found(rule, text, 0, 0)


def found(rule: Check, text: str, start: int, end: int) -> Finding:
    return Finding(rule.name, rule.blocks, start, end, text[start:end], rule.why, rule.source)


KINDS: dict[str, Callable[[Check, str, Context, Ground], Iterator[Finding]]] = {
    "pattern": pattern,
    "missing": missing,
}
