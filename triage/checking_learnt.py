"""How examples of what drafts say are learnt from, and how well each act is heard that no example of its topic taught.

learn(examples, meaning, known, path)        # leaves the weights a checker reads (triage/checking_sense.py)
for each in held_out(examples, meaning, known): ...
learn_trust(checker, examples, sets, meaning, known, path)  # and how far it believes its rules (checking_trust.py)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from triage.checking import Checker
from triage.checking_growing import grown
from triage.checking_names import Known
from triage.checking_proof import Lesson, Proof
from triage.checking_sense import (
    HARMLESS,
    STEPS,
    WORDED,
    Floats,
    Meaning,
    Sense,
    kernel,
    pieces,
    plain,
    seal,
    unit,
)
from triage.checking_text import Span
from triage.checking_trust import Trust, named, tells
from triage.checking_words import Words

DOUBT = 0.1  # how far one example is trusted: the ridge
EVERY = 6  # of the many harmless examples one in six is a landmark; all of them are learnt from
TOPICS, PARTS = 30, 6  # topics that examples fall into, and parts of them that are left out in turn
SEED = 7
ALIKE = 0.9  # an example so near to what a set of drafts says may be taken from it
UNJUDGED = "warn:jargon"  # a fault of words, not of what they say

Places = NDArray[np.int64]


class HeldOut(NamedTuple):
    """An act by what other topics taught: how much of a fault its examples are, and harmless ones heard as it."""

    act: str
    faults: Floats
    harmless: Floats

    def rates(self, least: float) -> tuple[float, float]:
        """The share of its examples heard from `least` on, and how many harmless ones in a thousand are heard so."""
        return float((self.faults >= least).mean()), 1000 * float((self.harmless >= least).mean())


class _Learnt(NamedTuple):
    marks: Places
    weights: Floats
    words: Words


def learn(examples: Mapping[str, Sequence[str]], meaning: Meaning, known: Known, path: Path) -> int:
    """Weigh examples and keep them; how many there are. Clauses of what is harmless count as harmless too."""
    acts = tuple(sorted(examples))
    texts, said = _pairs(examples, known)
    kept = np.rint(meaning(texts) * STEPS).astype(np.int8)
    learnt = _learn(unit(kept), texts, said, acts, np.arange(len(texts)))
    np.savez_compressed(
        path, rows=kept[learnt.marks], weights=learnt.weights, acts=np.array(acts), seal=seal(examples),
        runs=learnt.words.runs, tells=learnt.words.tells,
    )  # fmt: skip
    return len(texts)


def held_out(examples: Mapping[str, Sequence[str]], meaning: Meaning, known: Known) -> Iterator[HeldOut]:
    """Each act but the harmless ones, heard while every example of its topic was left out of what is learnt."""
    acts = tuple(sorted(examples))
    texts, said = _pairs(examples, known)
    rows = unit(np.rint(meaning(texts) * STEPS).astype(np.int8))
    part = _topics(rows) % PARTS
    fault, wrong = np.zeros(len(texts), np.float32), np.zeros(len(texts), np.int64)
    columns = np.array([number for number, act in enumerate(acts) if act not in HARMLESS])
    for number in range(PARTS):
        left = np.flatnonzero(part == number)
        learnt = _learn(rows, texts, said, acts, np.flatnonzero(part != number))
        scores = kernel(rows[left], rows[learnt.marks]) @ learnt.weights
        fault[left] = scores[:, 0] + [WORDED * learnt.words.tell(texts[each]) for each in left]
        wrong[left] = columns[scores[:, 1 + columns].argmax(axis=1)]
    harmless = np.array([each in HARMLESS for each in said])
    for number in columns:
        of = np.array([each == acts[number] for each in said])
        heard = np.where(wrong == number, fault, -np.inf).astype(np.float32)
        yield HeldOut(acts[number], fault[of], heard[harmless])


def _pairs(examples: Mapping[str, Sequence[str]], known: Known) -> tuple[list[str], list[str]]:
    pairs = dict.fromkeys(
        (words, act) for act, says in examples.items() for each in says for words in _words(each, act, known)
    )
    return [words for words, _ in pairs], [act for _, act in pairs]


def _words(example: str, act: str, known: Known) -> list[str]:
    return plain(example, pieces(example) if act in HARMLESS else [Span(0, len(example))], known)


def _learn(
    rows: Floats, texts: Sequence[str], said: Sequence[str], acts: tuple[str, ...], of: Places
) -> _Learnt:
    """What the examples numbered `of` teach; its marks are numbers of examples too."""
    own = [said[each] for each in of]
    marks = [place for place, act in enumerate(own) if act not in HARMLESS or place % EVERY == 0]
    words = Words.of([texts[each] for each in of], [act not in HARMLESS for act in own])
    return _Learnt(of[marks], _weights(rows[of], own, acts, marks), words)


def _weights(rows: Floats, said: Sequence[str], acts: tuple[str, ...], marks: Sequence[int]) -> Floats:
    """A column for faults against the rest, both sides counting the same, and one for each act.

    Ridge regression on the landmarks `marks` alone (Nystrom), which is as good here and three times as quick.
    """
    fault = np.array([act not in HARMLESS for act in said])
    of_acts = [np.array([each == act for each in said]) for act in acts]
    goals = np.where(np.column_stack([fault, *of_acts]), 1.0, -1.0).astype(np.float32)
    share = np.where(fault, 0.5 / fault.mean(), 0.5 / (1 - fault.mean())).astype(np.float32)
    near = kernel(rows[marks], rows)
    pull = (near * share) @ near.T + np.float32(DOUBT) * near[:, marks]
    pull[np.diag_indices_from(pull)] += np.float32(1e-4)
    found: Floats = np.linalg.solve(pull, (near * share) @ goals)
    return found


def _topics(rows: Floats) -> Places:
    """Examples of like meaning, by number (k-means, Lloyd 1982)."""
    topics = min(TOPICS, len(rows))
    middles = rows[np.random.default_rng(SEED).choice(len(rows), topics, replace=False)]
    for _ in range(10):
        nearest: Places = (rows @ middles.T).argmax(axis=1)
        for number in range(topics):
            if (nearest == number).any():
                middles[number] = rows[nearest == number].mean(axis=0)
        middles = middles / np.linalg.norm(middles, axis=1, keepdims=True)
    return nearest


def learn_trust(
    checker: Checker,
    examples: Mapping[str, Sequence[str]],
    sets: Mapping[str, Sequence[Lesson]],
    meaning: Meaning,
    known: Known,
    proof: Proof,
    path: Path,
    *,
    seal: str,
) -> int:
    """Learn how far rules are to be believed, and keep it; from how many sentences.

    The drafts of each set, of one writer or manner, are heard by what examples teach that are not alike to any of
    theirs, and `proof` says what it said while they had not taught it: so trust is learnt of what is new.
    """
    acts = tuple(sorted(examples))
    texts, said = _pairs(examples, known)
    rows = unit(np.rint(meaning(texts) * STEPS).astype(np.int8))
    rules = tuple(sorted({named(rule) for rule in checker.checks.check if tells(rule)}))
    lines: list[Floats] = []
    wrong: list[bool] = []
    for lessons in sets.values():
        of = _new_to(lessons, rows, meaning, known)
        learnt = _learn(rows, texts, said, acts, of)
        sense = Sense(meaning, acts, rows[learnt.marks], learnt.weights, learnt.words)
        for lesson in lessons:
            for sentence, row in checker.told(lesson.text, lesson.context, sense, proof, rules):
                if lesson.fault != UNJUDGED:
                    lines.append(row)
                    wrong.append(lesson.holds(Span(sentence.start, sentence.end)))
    Trust(rules, grown(np.array(lines), np.array(wrong))).write(path, seal)
    return len(lines)


def remembering(meaning: Meaning) -> Meaning:
    """The same, each text read once."""
    seen: dict[str, Floats] = {}

    def remembered(texts: Sequence[str]) -> Floats:
        new = [each for each in dict.fromkeys(texts) if each not in seen]
        seen.update(zip(new, meaning(new), strict=True))
        return np.array([seen[each] for each in texts], np.float32)

    return remembered


def _new_to(lessons: Iterable[Lesson], rows: Floats, meaning: Meaning, known: Known) -> Places:
    """The examples, by number, that are not alike to anything that drafts say."""
    said = [words for each in lessons for words in plain(each.text, pieces(each.text), known)]
    nearest = (rows @ meaning(list(dict.fromkeys(said))).T).max(axis=1)
    return np.flatnonzero(nearest < ALIKE)
