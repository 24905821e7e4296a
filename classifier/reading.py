"""A post as the classifier reads it: the original, the working copy, its words, and what the lexicons found."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from classifier.lexicons import Hit
from classifier.normalise import Working

if TYPE_CHECKING:  # the desk knows the shape of a reading and reads nothing: spaCy stays out of its memory
    from spacy.tokens import Doc

DENIAL = re.compile(
    r"\b(?:no|not|never|without|nobody|none|n't|(?:did|do|was|is|were|has|had)n['’]?t|if|might|may|should|would"
    r"|could|imagine|wants?|wanted|hope|deserves?|threatened)\b[^.!?]*\Z"
)
DENIAL_WITHIN = 24  # characters before a hit in which a denial turns it
SHOWN = 80  # characters of a post quoted in a reason


class Signal(msgspec.Struct, frozen=True):
    """One reason found in one post: offsets are characters of the original, `because` is for an officer."""

    name: str
    score: float
    start: int
    end: int
    because: str


class Finding(NamedTuple):
    """A signal, and what it speaks for: a label, and a weight in one part of severity."""

    signal: Signal
    label: str = ""
    part: str = ""
    weight: float = 0.0


class Reading:
    """One post under reading. Signals are pure functions of it."""

    def __init__(
        self, original: str, working: Working, low: str, doc: "Doc", found: dict[str, list[Hit]]
    ) -> None:
        self.original = original
        self.working = working
        self.text = working.text
        self.lowered = low
        self.doc = doc
        self._found = found

    def hits(self, signal: str) -> list[Hit]:
        """What the lexicons of one signal found, in order of place."""
        return self._found.get(signal, [])

    def names(self, signal: str) -> set[str]:
        return {hit.lexicon.name for hit in self.hits(signal)}

    def denied(self, start: int) -> bool:
        """Whether the words just before a place deny or only imagine what stands there."""
        return DENIAL.search(self.lowered, max(0, start - DENIAL_WITHIN), start) is not None

    def asserted(self, signal: str) -> Iterator[Hit]:
        """Hits that the text does not deny in the same breath."""
        for hit in self.hits(signal):
            if hit.lexicon.even_if_denied or not self.denied(hit.start):
                yield hit

    def findings(self, signal: str, *, denied_too: bool = False) -> Iterator[Finding]:
        """A finding for each lexicon of a signal, at the first place where its words are asserted."""
        hits = self._found.get(signal)
        if not hits:
            return
        said = set()
        for hit in hits if denied_too else self.asserted(signal):
            if hit.lexicon.name not in said:
                said.add(hit.lexicon.name)
                yield self.finding(hit)

    def finding(self, hit: Hit, *, score: float | None = None, name: str = "") -> Finding:
        """A finding that says what its lexicon says."""
        lexicon = hit.lexicon
        signal = self.signal(
            name or lexicon.name,
            hit.start,
            hit.end,
            lexicon.score if score is None else score,
            f"{lexicon.says}: {self.quote(hit.start, hit.end)}",
        )
        return Finding(signal, lexicon.label, lexicon.part, lexicon.weight)

    def signal(self, name: str, start: int, end: int, score: float, because: str) -> Signal:
        """A signal on text[start:end] of the working copy, shown on the original."""
        first, last = self.working.span(start, end)
        return Signal(name, round(score, 3), first, last, because)

    def quote(self, start: int, end: int) -> str:
        """Words of the post fit for a database and a page."""
        shown = self.text[start:end]
        return " ".join(shown.split()) if len(shown) <= SHOWN else " ".join(shown[:SHOWN].split()) + "…"


def lowered(text: str) -> str:
    """Lower case, character by character, so that places stay the same."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(each.lower()[:1] or each for each in text)
