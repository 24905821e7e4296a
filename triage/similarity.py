"""How likely it is that a post tells of the same incident as a case, from the words they share and the time between.

A case is known by a few of its posts, its exemplars: the earliest ones and the newest. Rare words, and names
above all, weigh more than common ones (TF-IDF over a table of how rare terms are).

The weights were never fitted on the event clusters that the matching is measured on. The first five are a
logistic regression over 12,356 decisions: news items of 2020-2022 that name one of 40 widely reported events
(none of them among the clusters), and the 60 written London stories. The others were then chosen on written
London posts, where incidents must stay apart and stories hold together: two posts that name different places
are two incidents unless much else agrees, the more so in few words, which agree more easily by chance; and what
is shared must be rare (`ENOUGH`), not only much of what was said. What is known of a post's place speaks louder
than its words: told within hours of one another about one corner, two posts are likelier one incident (`HERE`,
chosen on every second London story and kept on the others), unless they tell of other deeds (`OTHERWISE`): so do nine
in ten pairs of unlike posts and three in ten of one story. A Taser does not vanish in a flood about a restraint.
"""

import math
from datetime import datetime, timedelta
from typing import NamedTuple

from classifier.fingerprint import Fingerprint, fingerprint
from classifier.rarity import Rarity
from triage.nearness import Point, nearness

MOST_TERMS = 40
TELLS_APART = 5.0**2  # names in more than seven texts of a thousand are everybody's
KNOWN_WEIGHT = 5.0  # of a fact such as the borough; about that of a place's name
EXEMPLARS = 12
CLOSENESS, NAMES, GAP, GAP_OF_ALIKE, BASE = 21.6, 0.61, -0.81, 0.78, -2.65
APART, APART_IN_BRIEF, BRIEF, THIN = 4.0, 0.8, -3.0, -6.0
ENOUGH, COMMON = 80.0, 4.0**2  # squared weight: of two rare words together, and of one that is not rare
AMPLE_WORDS = 30
OTHERWISE = 2.0  # for telling of other deeds
ELSEWHERE = 0.2  # nearness of places further apart than about two kilometres
HERE, LATELY_H = 2.0, 3.0  # for the same place at the same time; hours after which a third of it is left


class Subject(NamedTuple):
    """A post as matching sees it. `weights` maps its most telling terms to squared weights, rarest first;
    `names` are those of them that name a person, a place or a thing; `size` and `named` are their sums.
    """

    print: Fingerprint
    at: datetime
    weights: dict[str, float]
    names: dict[str, float]
    size: float
    named: float
    known: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    deeds: frozenset[str] = frozenset()


def subject(
    text: str,
    at: datetime,
    rarity: Rarity,
    *,
    known: tuple[str, ...] = (),
    points: tuple[Point, ...] = (),
    deeds: frozenset[str] = frozenset(),
) -> Subject:
    """A post to match. `known` are facts that count like words, such as the borough the text is about; `points` is
    where the places it names lie, `deeds` what was done by what power: tactics and powers as the force codes them.
    """
    made = fingerprint(text)
    weighed = list(zip(rarity.weigh(made.terms), made.terms, strict=True))
    weighed += [(KNOWN_WEIGHT, term) for term in known]
    weighed.sort(reverse=True)
    weights = {term: weight * weight for weight, term in weighed[:MOST_TERMS]}
    names = {
        term: weight
        for term, weight in weights.items()
        if weight >= TELLS_APART and (term in made.places or term in known)
    }
    return Subject(
        made, at, weights, names, sum(weights.values()) or 1.0, sum(names.values()), known, points, deeds
    )


class Exemplar(NamedTuple):
    terms: frozenset[str]
    names: dict[str, float]
    size: float
    points: tuple[Point, ...]
    deeds: frozenset[str]


class Profile:
    """What a case is known by: its exemplars, how many of them use each term, and its span of time."""

    __slots__ = ("counts", "deeds", "exemplars", "first", "last", "points", "size")

    def __init__(self, at: datetime) -> None:
        self.exemplars: list[Exemplar] = []
        self.counts: dict[str, int] = {}
        self.first = self.last = at
        self.size = 1.0
        self.points: tuple[Point, ...] = ()
        self.deeds: frozenset[str] = frozenset()

    def add(self, post: Subject) -> None:
        """Learn one more way in which the case is told. The earliest few and the newest are kept."""
        if len(self.exemplars) >= EXEMPLARS:
            self._drop(self.exemplars.pop(EXEMPLARS // 3))
        self.exemplars.append(
            Exemplar(frozenset(post.weights), post.names, post.size, post.points, post.deeds)
        )
        self.points = tuple({point for each in self.exemplars for point in each.points})
        self.deeds = frozenset().union(*(each.deeds for each in self.exemplars))
        for term in post.weights:
            self.counts[term] = self.counts.get(term, 0) + 1
        self.size = sum(each.size for each in self.exemplars) / len(self.exemplars)
        self.stretch(post.at)

    def stretch(self, at: datetime) -> None:
        """The case was told again at this time."""
        self.first, self.last = min(self.first, at), max(self.last, at)

    def distance(self, at: datetime) -> timedelta:
        """How far a moment lies outside the case's span; zero within it."""
        return max(at - self.last, self.first - at, timedelta())

    def _drop(self, gone: Exemplar) -> None:
        for term in gone.terms:
            self.counts[term] -= 1
            if not self.counts[term]:
                del self.counts[term]


def likelihood(post: Subject, case: Profile, *, floor: float = 0.0) -> float:
    """The probability, 0..1, that the post is about the case's incident; 0 when it is surely under `floor`."""
    closeness, names, shared = _common(post, case)
    hours = case.distance(post.at).total_seconds() / 3600
    gap = math.log1p(hours)
    brief = max(0.0, 1 - post.print.words / AMPLE_WORDS)
    logit = BASE + CLOSENESS * closeness + NAMES * names + GAP * gap + BRIEF * brief
    otherwise = bool(post.deeds and case.deeds and not post.deeds & case.deeds)
    near = 0.0
    if otherwise:
        logit -= OTHERWISE
    elif post.points and case.points:
        near = nearness(post.points, case.points)
    here = near * math.exp(-hours / LATELY_H)
    logit += HERE * here
    if _probability(logit + GAP_OF_ALIKE * gap) < floor:
        return 0.0
    apart = _apart(post, case) * (1 - near)
    logit -= apart * (APART + min(1.0, 2 * brief) * APART_IN_BRIEF * CLOSENESS * closeness)
    evidence = sum([max(0.0, post.weights[term] - COMMON) for term in shared])
    logit += THIN * max(0.0, 1 - here - evidence / ENOUGH)
    if _probability(logit + GAP_OF_ALIKE * gap) < floor:
        return 0.0
    return _probability(logit + GAP_OF_ALIKE * gap * (_nearest(post, case, shared) if gap else 0.0))


def tells_otherwise(post: Subject, case: Profile) -> bool:
    """Whether the post tells of another place, or of other deeds, than the case."""
    if post.deeds and case.deeds and not post.deeds & case.deeds:
        return True
    return bool(post.points and case.points) and nearness(post.points, case.points) < ELSEWHERE


def features(post: Subject, case: Profile) -> tuple[float, float, float, float, float]:
    """What the weights above are fitted on: closeness to the case as a whole 0..1; names shared (log weight);
    hours apart (log); the same times the likeness to the most similar single post, as a post that nearly repeats
    another may come long after it; and how far the names tell them apart.
    """
    closeness, names, shared = _common(post, case)
    gap = math.log1p(case.distance(post.at).total_seconds() / 3600)
    return closeness, names, gap, gap * _nearest(post, case, shared), _apart(post, case)


def _apart(post: Subject, case: Profile) -> float:
    """1 when post and case both have names and share none, 0 when either has none or all are shared."""
    if not post.names:
        return 0.0
    met = sum([weight for name, weight in post.names.items() if name in case.counts])
    told = [each for each in case.exemplars if each.names]
    if not told or met >= post.named:
        return 0.0
    known = sum([weight for each in told for weight in each.names.values()])
    kept = sum([w for each in told for name, w in each.names.items() if name in post.weights])
    return 1 - max(met / post.named, kept / known)


def _common(post: Subject, case: Profile) -> tuple[float, float, list[str]]:
    counts, share = case.counts, 1 / len(case.exemplars)
    total, names, shared = 0.0, 0.0, []
    for term, weight in post.weights.items():
        if term in counts:
            part = counts[term] * share
            total += weight * math.sqrt(part)
            shared.append(term)
            if " " in term:
                names += math.sqrt(weight) * min(1.0, part + 0.3)
    return total / math.sqrt(post.size * case.size), math.log1p(names), shared


def _nearest(post: Subject, case: Profile, shared: list[str]) -> float:
    weights = post.weights
    alike = 0.0
    for each in case.exemplars:
        common = sum([weights[term] for term in shared if term in each.terms])
        alike = max(alike, common / math.sqrt(each.size))
    return alike / math.sqrt(post.size)


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))
