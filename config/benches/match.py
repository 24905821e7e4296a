"""Matching: posts per second into cases, against TF-IDF single link over the same posts in the same run.

The posts are generated: incidents told several times over in other words, copies with noise, and chatter that
belongs to nothing. The reference compares every post with every one before it, so it is measured on fewer; the
cost per post of the product is measured early and late, to show that it does not grow with what is known. With
`stored`, a database of that many posts is filled and new ones are routed beside it, and beside 10,000.
"""

import gc
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from config.benches.goals import Goal, at_least, at_most, report
from config.benches.match_store import cost_beside
from config.benches.tellings import tell
from config.commands.triaging import LONG_LIVED, matcher_of
from config.settings import Settings
from triage.grouping import Grouped, Item, group
from triage.matching import Matcher

START = datetime(2026, 7, 14, tzinfo=UTC)
REFERENCE_POSTS = 4_000
TOUCHING = 0.3
FEW = 10_000  # posts that the cost beside many is held against
LAP = 10_000  # posts whose cost is measured, early and late


def run(
    settings: Settings, posts: int = 40_000, seed: int = 1, stored: int = 0, **_other: Any
) -> dict[str, Any]:
    """Posts per second of processor time, the ratio to the reference, B-cubed F1 of both on incidents told more
    than once, and the cost of the last posts over that of the early ones; with `stored`, also beside a database.
    """
    gc.set_threshold(*LONG_LIVED)
    told = list(_stream(posts, random.Random(seed)))
    items = [item for item, _ in told]
    gold = [incident for _, incident in told]
    matcher = matcher_of(settings)
    grouped, laps = _timed(items, matcher)
    reference, reference_s = _single_link([item.text for item in items[:REFERENCE_POSTS]])
    per_s = len(laps) * _lap(len(items)) / sum(laps)
    reference_per_s = len(reference) / reference_s
    late_over_early = round(laps[-1] / max(laps[1], 1e-9), 2)
    goals, costs = _beside_a_store(settings, stored, seed)
    return report(
        "match",
        [
            at_least("posts into cases", 3_000, round(per_s), "posts/s"),
            at_most("the last posts' cost to the early ones'", 1.3, late_over_early, "times"),
            *goals,
        ],
        **costs,
        posts=len(items),
        posts_per_s=round(per_s),
        late_over_early=late_over_early,
        f1=round(_of_incidents(gold, [each.case for each in grouped]), 3),
        reference="TF-IDF cosine, single link, every pair",
        reference_posts=len(reference),
        reference_per_s=round(reference_per_s),
        reference_f1=round(_of_incidents(gold[: len(reference)], reference), 3),
        ratio=round(per_s / reference_per_s, 2),
    )


def _beside_a_store(settings: Settings, stored: int, seed: int) -> tuple[list[Goal], dict[str, Any]]:
    if not stored:
        return [], {}
    few, many = (cost_beside(settings, each, seed=seed) for each in (FEW, stored))
    ratio = round(many.ms / max(few.ms, 1e-9), 2)
    goal = at_most(f"routing a post beside {stored:,} stored to beside {FEW:,}", 1.3, ratio, "times")
    costs = [each._asdict() for each in (few, many)]
    return [goal], {"stored": [{name: round(value, 2) for name, value in each.items()} for each in costs]}


def _stream(posts: int, rng: random.Random) -> Iterator[tuple[Item, int]]:
    """Posts in time order, each with the number of its incident; chatter has numbers of its own."""
    at = START
    for number, (text, incident) in enumerate(tell(posts, rng)):
        at += timedelta(seconds=rng.expovariate(1.0))
        yield Item(number, text, at), incident


def _lap(posts: int) -> int:
    return min(LAP, max(1, posts // 10))


def _timed(items: Sequence[Item], matcher: Matcher) -> tuple[list[Grouped], list[float]]:
    """The groups, and the seconds each lap took: a tenth of the posts, or of many ten thousand."""
    grouped: list[Grouped] = []
    laps: list[float] = []
    begun, lap = time.process_time(), _lap(len(items))
    for each in group(items, matcher):
        grouped.append(each)
        if len(grouped) % lap == 0:
            laps.append(time.process_time() - begun)
            begun = time.process_time()
    return grouped, laps


def _single_link(texts: Sequence[str]) -> tuple[list[int], float]:
    """Each post with the group of the most similar one before it, if that is similar enough."""
    begun = time.process_time()
    vectors = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(texts)
    groups: list[int] = []
    for number in range(len(texts)):
        alike = (vectors[:number] @ vectors[number].T).toarray().ravel() if number else np.zeros(0)
        best = int(alike.argmax()) if number else -1
        groups.append(groups[best] if number and alike[best] >= TOUCHING else number)
    return groups, time.process_time() - begun


def _of_incidents(gold: Sequence[int], found: Sequence[int]) -> float:
    """B-cubed F1 over the posts of incidents that were told more than once."""
    often = Counter(gold)
    told = [(g, f) for g, f in zip(gold, found, strict=True) if often[g] > 1]
    return _bcubed([g for g, _ in told], [f for _, f in told])


def _bcubed(gold: Sequence[int], found: Sequence[int]) -> float:
    """B-cubed F1 of a grouping: the harmonic mean of how pure and how whole each post's group is."""
    true: dict[int, set[int]] = {}
    made: dict[int, set[int]] = {}
    for number, (one, other) in enumerate(zip(gold, found, strict=True)):
        true.setdefault(one, set()).add(number)
        made.setdefault(other, set()).add(number)
    shared = [len(true[g] & made[f]) for g, f in zip(gold, found, strict=True)]
    precision = sum(s / len(made[f]) for s, f in zip(shared, found, strict=True)) / len(gold)
    recall = sum(s / len(true[g]) for s, g in zip(shared, gold, strict=True)) / len(gold)
    return 2 * precision * recall / (precision + recall)
