"""How one wording of a post differs from another, word by word."""

import re
from difflib import SequenceMatcher
from typing import NamedTuple

from triage.web.reading import unmentioned

MOST_WORDS = 2_000  # of longer ones both are shown whole
_WORDS = re.compile(r"\s+|\w+|[^\w\s]+")


class Part(NamedTuple):
    """A stretch that stayed ("same"), went ("gone") or came ("new")."""

    kind: str
    text: str


def changes(before: str, after: str) -> list[Part]:
    """The two texts as one: what stayed, what went, what came, in the order of reading. Accounts are not named."""
    old, new = _WORDS.findall(unmentioned(before)), _WORDS.findall(unmentioned(after))
    if len(old) > MOST_WORDS or len(new) > MOST_WORDS:
        return [Part("gone", "".join(old)), Part("new", "".join(new))]
    parts: list[Part] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            parts.append(Part("same", "".join(old[a:b])))
            continue
        parts += [
            Part(kind, text)
            for kind, text in (("gone", "".join(old[a:b])), ("new", "".join(new[c:d])))
            if text
        ]
    return parts
