"""Sense: what the sentences of a draft are heard as, by their nearness to examples of what lines say and must not say.

Patterns know wordings; this knows meanings, so that a fault in words nobody thought of is still found, and a harmless
sentence that happens to use such words is not stopped. Examples are `config/statements/heard/*.toml`, a file an act;
`goldenhour statements learn` weighs them into `config/statements/heard.npz` (triage/checking_learnt.py): ridge
regression over a Gaussian kernel, on directions of `classifier/sentences.py`, and tell-tale words
(triage/checking_words.py). Places, times and days are read as one place, time and day.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from triage.checking_names import Known
from triage.checking_said import places_in
from triage.checking_text import Span, clocks, days, sentences
from triage.checking_words import Words

Floats = NDArray[np.float32]
Meaning = Callable[[Sequence[str]], Floats]

HARMLESS = ("safe", "states", "update", "ends")  # acts no draft is stopped for; all others are faults
NEAR = 2.5  # how fast an example stops counting with distance
WORDED = 0.2  # how much tell-tale words count beside the meaning
SHORTEST, HANGING = 3, 5  # words of a clause that is heard on its own, and of one that hangs on another
REMEMBERED = 4_000  # clauses
STEPS = 127  # of 8-bit directions
CUT = re.compile(
    r"[;:]\s+|\s[–—-]\s|,\s+|[()\"“”]|\s(?=(?:and|but|which|who|because|although|while|after|when|since|as)\s)",
    re.IGNORECASE,
)
JOINT = re.compile(r"[\s,.;:]*(?:(?:and|but|so|yet|or|which|who|where|whose)\s+)?", re.IGNORECASE)
HANGS = re.compile(
    r"\s*(?:who|which|where|whose|because|although|while|after|when|since|as)\b", re.IGNORECASE
)
HOLDS = 0.7  # a clause that hangs on a sentence is no more of a fault than the sentence by this
WEEKDAY = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")


class SenseError(ValueError):
    """The examples or their weights cannot be used; the message names file and reason."""


class Heard(NamedTuple):
    """One sentence, a `whole` one, or clause text[start:end].

    `fault` is above 0 for what is likelier a fault; `act` is the likeliest act of all, `wrong` the likeliest fault;
    `acts` tells how much it is of each act.
    """

    start: int
    end: int
    fault: float
    act: str
    wrong: str
    whole: bool
    acts: Floats


class Sense:
    """The examples, weighed, and what turns a text into a direction."""

    def __init__(
        self, meaning: Meaning, acts: tuple[str, ...], rows: Floats, weights: Floats, words: Words
    ) -> None:
        self._meaning, self.acts, self._rows, self._weights, self._words = (
            meaning,
            acts,
            rows,
            weights,
            words,
        )
        self._faults = [number for number, act in enumerate(acts) if act not in HARMLESS]
        self._scores: dict[str, Floats] = {}
        self._last: tuple[str, tuple[Heard, ...]] = ("", ())

    @classmethod
    def read(cls, path: Path, meaning: Meaning) -> Self:
        """Raises SenseError."""
        try:
            with np.load(path) as kept:
                rows = unit(kept["rows"])
                acts = tuple(str(each) for each in kept["acts"])
                words = Words(kept["runs"], kept["tells"])
                return cls(meaning, acts, rows, kept["weights"].astype(np.float32), words)
        except (OSError, KeyError, ValueError) as error:
            raise SenseError(f"{path}: {error}; make it anew with goldenhour statements learn") from error

    def heard(self, text: str, known: Known) -> tuple[Heard, ...]:
        """Every sentence of a text, and every clause of it that says something on its own."""
        last, found = self._last  # every rule asks for the same text
        if last != text:
            spans = list(pieces(text))
            found = tuple(self._heard(spans, self._of(plain(text, spans, known))))
            self._last = text, found
        return found

    def _heard(self, spans: Sequence[Span], scores: Sequence[Floats]) -> Iterator[Heard]:
        most = 0.0
        for span, said in zip(spans, scores, strict=True):
            fault, acts = said[0], said[1:]
            if span.value == "whole":
                most = fault + HOLDS
            wrong = max(self._faults, key=lambda number: acts[number])
            bound = min(fault, most) if span.value == "hangs" else fault
            act = max(range(len(acts)), key=lambda number: acts[number])
            whole = span.value == "whole"
            yield Heard(span.start, span.end, float(bound), self.acts[act], self.acts[wrong], whole, acts)

    def _of(self, texts: Sequence[str]) -> list[Floats]:
        """Scores of each text, faults first; texts that were heard before are not weighed again."""
        if len(self._scores) > REMEMBERED:
            self._scores = {}
        scores = self._scores
        new = [each for each in dict.fromkeys(texts) if each not in scores]
        if new:
            weighed = kernel(self._meaning(new), self._rows) @ self._weights
            weighed[:, 0] += [WORDED * self._words.tell(each) for each in new]
            scores.update(zip(new, weighed, strict=True))
        return [scores[each] for each in texts]


def pieces(text: str) -> Iterator[Span]:
    """The sentences of a text, each before its clauses; the value says which they are."""
    for sentence in sentences(text):
        start = sentence.end - len(text[sentence.start : sentence.end].lstrip())
        yield Span(start, sentence.end, "whole")
        cuts = [match.span() for match in CUT.finditer(text, start, sentence.end)]
        begins = [start, *(end for _, end in cuts)]
        ends = [*(begin for begin, _ in cuts), sentence.end]
        for begin, end in zip(begins, ends, strict=True) if cuts else ():
            joint = JOINT.match(text, begin, end)
            first = joint.end() if joint else begin
            hangs = HANGS.match(text, begin, end)
            if len(text[first:end].split()) >= (HANGING if hangs else SHORTEST):
                yield Span(first, end, "hangs" if hangs else "stands")


def plain(text: str, spans: Iterable[Span], known: Known) -> list[str]:
    """Parts of a text with one place, time and day for all, since none makes a fault."""
    marks = [(each.start, each.end, "the High Street") for each in places_in(text, known)]
    marks += [(each.start, each.end, "5pm") for each in clocks(text)]
    marks += [(each.start, each.end, "Monday") for each in days(text)]
    marks += [(*match.span(), "Monday") for match in WEEKDAY.finditer(text)]
    marks.sort(reverse=True)
    return [_plain(text, span, marks) for span in spans]


def _plain(text: str, span: Span, marks: Iterable[tuple[int, int, str]]) -> str:
    words, last = text[span.start : span.end], span.end
    for start, end, instead in marks:
        if span.start <= start and end <= last:
            words = words[: start - span.start] + instead + words[end - span.start :]
            last = start
    return words.strip(" \n\t,.;:()\"'“”‘’")


def read_examples(paths: Sequence[Path]) -> dict[str, tuple[str, ...]]:
    """Examples by act, the name of the file being the act. Raises SenseError."""
    try:
        return {path.stem: _examples(path) for path in sorted(paths)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SenseError(f"examples of what drafts say: {error}") from error


def _examples(path: Path) -> tuple[str, ...]:
    whole = tomllib.loads(path.read_text(encoding="utf-8"))
    if set(whole) - {"means"} - {"says"} or not all(isinstance(each, str) for each in whole["says"]):
        raise SenseError(f"{path}: a file says what it `means` and has a list of sentences, `says`")
    return tuple(dict.fromkeys(each.strip() for each in whole["says"]))


def seal(examples: Mapping[str, Sequence[str]]) -> str:
    """Tells whether weights were made of these examples."""
    lines = [f"{act}\t{each}" for act, says in sorted(examples.items()) for each in says]
    return sha256("\n".join(lines).encode()).hexdigest()


def sealed(path: Path) -> str:
    """The seal of the examples that weights were made of."""
    with np.load(path) as kept:
        return str(kept["seal"])


def unit(kept: NDArray[np.int8]) -> Floats:
    rows = kept.astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def kernel(one: Floats, other: Floats) -> Floats:
    near: Floats = np.exp(NEAR * 2 * (one @ other.T - 1)).astype(np.float32)
    return near
