"""Stems of words, and the sentences whose words neither a verified fact nor the words of ordinary lines account for."""

import re
from collections.abc import Iterable, Iterator

from triage.checking_text import Span, sentences

WORD = re.compile(r"\b[a-z]{4,}\b")  # in small letters: names of places and bodies are read elsewhere
ENDINGS = (
    "ations",
    "ation",
    "ingly",
    "edly",
    "ings",
    "ment",
    "ing",
    "ied",
    "ies",
    "ed",
    "es",
    "ly",
    "s",
    "e",
)


def stem(word: str) -> str:
    """A word without its ending; at least three letters stay."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending).rstrip("i")
    return word


def stems_of(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(stem(word) for text in texts for word in WORD.findall(text.lower()))


def strange(
    text: str, values: str, said: frozenset[str], *, most: int, but: re.Pattern[str] | None
) -> Iterator[Span]:
    """Sentences with `most` stems or more that are neither in the values nor among those `said`."""
    known = said | stems_of([values])
    for sentence in sentences(text):
        part = text[sentence.start : sentence.end]
        if but and but.search(part):
            continue
        if len({stem(word) for word in WORD.findall(part)} - known) >= most:
            yield sentence
