"""Which case a post belongs to: the same text, a copy of it, or another telling of the same incident.

One pass, in the order of arrival, and never a look back: a post joins the case it is most likely about, is
suggested for it, or stands alone. Candidates come from keys (the exact text, the wording, the rarest terms),
their number is bounded, and what nobody has spoken of for long falls out; so the cost of a post stays the
same however many are stored. Two thresholds: above `join` a post joins by itself, between `suggest` and
`join` a person is asked. A short post, and one far in time from its case, is only ever suggested.
"""

from collections.abc import Hashable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from classifier.fingerprint import FEWEST_WORDS as FEWEST_WORDS_SAME
from classifier.fingerprint import Fingerprint, likeness
from classifier.rarity import Rarity
from triage.nearness import Point
from triage.similarity import Profile, Subject, likelihood, subject

KEYS = 10  # rarest terms of a post that lead to it
TELLING = 3.0**2  # a term in more than one text of twenty leads nowhere
CANDIDATES = 6
CASES_PER_TERM = 32
WORTH_A_LOOK = 0.45  # of the weight that leads to the best candidate
FEWEST_WORDS = 8
COPY = 0.6  # share of word pairs that a copy has in common with its model

K = TypeVar("K")
V = TypeVar("V")


class How(StrEnum):
    """What made a post match."""

    NEW = "new"
    SAME_TEXT = "same text"
    COPY = "copy"
    SAME_EVENT = "same event"
    QUOTE = "quote of a post in it"
    REPLY = "reply to a post in it"
    LINK = "link to a post in it"


TEACH_NOTHING = (How.SAME_TEXT, How.COPY, How.QUOTE)


class Doubt(StrEnum):
    """Why a match is only suggested: it is not likely enough, the post too short, or too far off in time."""

    NONE = ""
    UNSURE = "unsure"
    SHORT = "short"
    OLD = "old"


class Match(NamedTuple):
    """The case a post is most likely about, if any. It is `sure` when there is no doubt."""

    case: Hashable | None
    score: float = 0.0
    how: How = How.NEW
    doubt: Doubt = Doubt.NONE

    @property
    def sure(self) -> bool:
        return self.case is not None and self.doubt is Doubt.NONE


class Recent(Generic[K, V]):
    """A dictionary that forgets: what has not been set again within the last `most` keys falls out."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.young: dict[K, V] = {}
        self.old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        return self.young.get(key) or self.old.get(key)

    def put(self, key: K, value: V) -> None:
        if len(self.young) >= self.most and key not in self.young:
            self.old, self.young = self.young, {}
        self.young[key] = value

    def drop(self, key: K) -> None:
        self.young.pop(key, None)
        self.old.pop(key, None)

    def __contains__(self, key: K) -> bool:
        return key in self.young or key in self.old

    def __len__(self) -> int:
        return len(self.young) + sum(key not in self.young for key in self.old)


class Told(NamedTuple):
    """One wording of a case, to compare copies with."""

    case: Hashable
    print: Fingerprint


class Matcher:
    """The cases of late, by what leads to them. Cases may be named by anything hashable."""

    def __init__(
        self, rarity: Rarity, *, join: float, suggest: float, window: timedelta, most_cases: int = 50_000
    ) -> None:
        self.rarity, self.join, self.suggest, self.window = rarity, join, suggest, window
        self.most_cases = most_cases
        self.forget_all()

    def forget_all(self) -> None:
        """Start afresh; what is known of how rare words are is kept."""
        self.profiles: Recent[Hashable, Profile] = Recent(self.most_cases)
        self._texts: Recent[int, Hashable] = Recent(4 * self.most_cases)
        self._wordings: Recent[int, Told] = Recent(12 * self.most_cases)
        self._terms: Recent[str, list[Hashable]] = Recent(8 * self.most_cases)

    def subject(
        self,
        text: str,
        at: datetime,
        *,
        known: tuple[str, ...] = (),
        points: tuple[Point, ...] = (),
        deeds: frozenset[str] = frozenset(),
    ) -> Subject:
        """A post as `find` and `put` take it."""
        return subject(text, at, self.rarity, known=known, points=points, deeds=deeds)

    def find(self, post: Subject) -> Match:
        """The case the post is about, as far as can be told from what was put before."""
        found = self._same_text(post) or self._told_likewise(post) or self._same_event(post)
        return found or Match(None)

    def put(self, case: Hashable, post: Subject, how: How = How.NEW) -> None:
        """Remember that the post belongs to the case, which may be a new one. Copies teach nothing new, and what is
        said of a quoted post need not tell what happened.
        """
        profile = self.profiles.get(case) or Profile(post.at)
        self.profiles.put(case, profile)
        self._texts.put(post.print.exact, case)
        if how in TEACH_NOTHING and profile.exemplars:
            profile.stretch(post.at)
            return
        first = [term for term in post.print.terms if term not in profile.counts]
        self.rarity.count(first, new=not profile.exemplars)
        profile.add(post)
        for key in post.print.bands:
            self._wordings.put(key, Told(case, post.print))
        for term in _keys(post):
            self._lead(term, case)

    def forget(self, case: Hashable) -> None:
        """Take a case out, to be put again as it now stands. Keys that lead nowhere are passed over."""
        self.profiles.drop(case)

    def _same_text(self, post: Subject) -> Match | None:
        case = self._texts.get(post.print.exact)
        profile = self.profiles.get(case) if case is not None else None
        if profile is None:
            return None
        return self._judged(case, 1.0, How.SAME_TEXT, post, profile, FEWEST_WORDS_SAME)

    def _told_likewise(self, post: Subject) -> Match | None:
        met: set[int] = set()
        for key in post.print.bands:
            told = self._wordings.get(key)
            if told is None or id(told.print) in met:
                continue
            met.add(id(told.print))
            profile = self.profiles.get(told.case)
            if profile is None or likeness(post.print, told.print) < COPY:
                continue
            # the same sentence about another place is a form letter, not a copy: the words must tell the same
            score = likelihood(post, profile, floor=self.suggest)
            if score >= self.suggest:
                return self._judged(told.case, max(score, self.join), How.COPY, post, profile, FEWEST_WORDS)
        return None

    def _same_event(self, post: Subject) -> Match | None:
        best, best_profile = Match(None), None
        for case in self._candidates(post):
            profile = self.profiles.get(case)
            # what cannot be likelier than the best so far need not be known any closer
            score = likelihood(post, profile, floor=max(self.suggest, best.score)) if profile else 0.0
            if score > best.score:
                best, best_profile = Match(case, score, How.SAME_EVENT), profile
        if best_profile is None or best.score < self.suggest:
            return None
        return self._judged(best.case, best.score, How.SAME_EVENT, post, best_profile, FEWEST_WORDS)

    def _judged(
        self, case: Hashable, score: float, how: How, post: Subject, profile: Profile, fewest: int
    ) -> Match:
        doubt = Doubt.NONE
        if score < self.join:
            doubt = Doubt.UNSURE
        elif post.print.words < fewest:
            doubt = Doubt.SHORT
        elif profile.distance(post.at) > self.window:
            doubt = Doubt.OLD
        return Match(case, score, how, doubt)

    def _candidates(self, post: Subject) -> list[Hashable]:
        """The cases that share the rarest terms, most weight first; of equal ones the newest."""
        weight: dict[Hashable, float] = {}
        for term in _keys(post):
            for case in self._terms.get(term) or ():
                weight[case] = weight.get(case, 0.0) + post.weights[term]
        best = sorted(weight, key=weight.__getitem__, reverse=True)[:CANDIDATES]
        return [case for case in best if weight[case] >= WORTH_A_LOOK * weight[best[0]]]

    def _lead(self, term: str, case: Hashable) -> None:
        cases = self._terms.get(term) or []
        if cases and cases[-1] == case:
            return
        if case in cases:
            cases.remove(case)
        cases.append(case)
        del cases[:-CASES_PER_TERM]
        self._terms.put(term, cases)


def _keys(post: Subject) -> Iterator[str]:
    """The rarest terms, and what is known of the post beside its words."""
    for number, (term, weight) in enumerate(post.weights.items()):
        if weight < TELLING:
            return
        if number < KEYS or term in post.known:
            yield term
