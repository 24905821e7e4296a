"""What a feed may ask of its reader: the most entries, bytes and nesting that are parsed."""

import re

from collector.errors import SMALLER, Unreadable

MOST_ENTRIES = 500
LARGEST = 3_000_000  # bytes that are parsed; a feed of 500 entries is rarely over one million
DEEPEST = 2_000

_OPENS = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)(?=[\s>/])")
_CLOSES = re.compile(rb"</(?:[\w.-]+:)?(?:item|entry)\s*>")
_STEPS = re.compile(rb"\]\]>|</(?:[\w.-]+:)?(?:item|entry)\b|<(/?)[A-Za-z][^<>]*>")
_ENTITY = re.compile(rb"<!ENTITY\s[^>]{0,2000}?[\"'][^\"'>]*&(?!#)[^\"'>]*;")


def bounded(body: bytes) -> bytes:
    """The feed with at most 500 entries and three million bytes. Raises Unreadable for what only means harm."""
    if _ENTITY.search(body, 0, 200_000) or body.count(b"<!ENTITY", 0, 200_000) > 500:
        raise Unreadable("the feed declares entities that expand without end", remedy="Disable the source")
    entries = places_of_entries(body)
    fitting = min(len(entries), MOST_ENTRIES)
    if entries and (len(entries) > fitting or len(body) > LARGEST):
        frame = entries[0][0] + len(body) - entries[-1][1]
        while fitting and frame + entries[fitting - 1][1] - entries[0][0] > LARGEST:
            fitting -= 1
        if fitting:
            body = body[: entries[fitting - 1][1]] + body[entries[-1][1] :]
    if len(body) > LARGEST:
        raise Unreadable(f"a single entry fills more than {LARGEST / 1e6:.0f} MB", remedy=SMALLER)
    if _deepest(body) > DEEPEST:
        raise Unreadable(
            f"the feed nests more than {DEEPEST} elements, or gives one as many attributes",
            remedy="Disable the source",
        )
    return body


def places_of_entries(body: bytes) -> list[tuple[int, int]]:
    """Where each entry begins and ends."""
    found = []
    at = 0
    while opening := _OPENS.search(body, at):
        closing = _CLOSES.search(body, opening.end())
        if closing is None:
            break
        at = closing.end()
        found.append((opening.start(), at))
    return found


def _deepest(body: bytes) -> int:
    """The most open elements at any place, or the most attributes of one: both cost a parser the square of it."""
    deepest = depth = 0
    for step in _STEPS.finditer(body):
        closes = step[1]
        if closes is None:  # the end of an entry or of quoted markup: what was left open there is forgotten
            depth = 0
        elif closes:
            depth = max(0, depth - 1)
        elif not step[0].endswith(b"/>"):
            depth += 1
            deepest = max(deepest, depth, step[0].count(b"=") if len(step[0]) > DEEPEST else 0)
    return deepest
