"""Learns how much each likeness between a post and a claim counts, and measures how often the right claim is first."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from classifier.claims import LIKELY, Claim, Claims, Match, Scale, among_themselves
from classifier.sentences import Sentences
from classifier.training.pairs import HELD_BACK, LEARNT, Pair, half_of, known_claims, pairs
from classifier.wording import plain

DEPTH = 5  # of the mean average precision
SHORT = (600, 60, 12)  # claims in a short list
SEED = 5
ZERO = Scale(np.zeros(1), np.ones(1), np.zeros(1), 0.0)
Say = Callable[[str], None]


def learn(data: Path, tuned: Path, vocabulary: Path, *, say: Say) -> dict[str, Any]:
    """The scale, from posts compared by the half of the encoder that was tuned without them.

    They are compared with all claims, and with short lists that mostly lack the claim they make: so a score says
    whether a post makes a claim at all, not only which is nearest, and means the same however long the list is.
    """
    claims, posts = _claims(data), pairs(data, LEARNT)
    chance = random.Random(SEED)  # noqa: S311  reproducible, not secret
    rows, right = [], []
    for half in (0, 1):
        sentences = Sentences(tuned / f"half{half}.onnx", vocabulary)
        some = [pair for pair in posts if half_of(pair) == half]
        for size in (len(claims), *SHORT):
            say(f"comparing the posts of half {half} with {size:,} claims")
            library = Claims(listed := chance.sample(claims, size), sentences, ZERO)
            for pair, (chosen, found) in zip(
                some, library.features([pair.post for pair in some]), strict=True
            ):
                made = [any(listed[at].id in pair.claims for at in library.standing(each)) for each in chosen]
                rows.append(found)
                right += made
                if any(made):
                    rows.append(among_themselves(found[~np.array(made)]))
                    right += [False] * (len(made) - sum(made))
    table = np.concatenate(rows)
    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-9
    fit = LogisticRegression(C=0.1, max_iter=2_000).fit((table - mean) / spread, right)
    return {
        "posts": len(posts),
        "mean": mean.round(6).tolist(),
        "spread": spread.round(6).tolist(),
        "weights": fit.coef_[0].round(6).tolist(),
        "bias": round(float(fit.intercept_[0]), 6),
    }


def measure(data: Path, folder: Path, part: str = HELD_BACK) -> dict[str, Any]:
    """Mean average precision at 5 on posts that nothing was learnt from, beside TF-IDF of words in the same run."""
    claims, posts = _claims(data), pairs(data, part)
    found = Claims.of(claims, folder).nearest([pair.post for pair in posts], DEPTH)
    ours = [[match.claim for match in matches] for matches in found]
    gold = {claim for pair in posts for claim in pair.claims}
    others = random.Random(SEED).sample([claim for claim in claims if claim.id not in gold], SHORT[1])  # noqa: S311
    alone = Claims.of(others, folder).nearest([pair.post for pair in posts], 1)
    return {
        "posts": len(posts),
        "claims": len(claims),
        "right_and_likely": round(
            float(np.mean([_likely(each, pair) for each, pair in zip(found, posts, strict=True)])), 4
        ),
        "likely_without_the_claim": round(float(np.mean([best[0].score >= LIKELY for best in alone])), 4),
        "map_at_5": round(average_precision(ours, posts), 4),
        "reference_map_at_5": round(average_precision(_reference(claims, posts), posts), 4),
    }


def average_precision(found: Sequence[Sequence[str | int]], posts: Sequence[Pair]) -> float:
    """The mean over posts of the precision at each right claim among the first five."""
    total = 0.0
    for ids, pair in zip(found, posts, strict=True):
        hits, gained = 0, 0.0
        for rank, claim in enumerate(ids[:DEPTH], 1):
            if claim in pair.claims:
                hits += 1
                gained += hits / rank
        total += gained / min(len(pair.claims), DEPTH)
    return total / max(len(posts), 1)


def keep(scale: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(scale) + "\n", encoding="utf-8")


def _claims(data: Path) -> list[Claim]:
    return [Claim(number, text, title) for number, text, title in known_claims(data)]


def _reference(claims: Sequence[Claim], posts: Sequence[Pair]) -> list[list[str | int]]:
    vectors = TfidfVectorizer(sublinear_tf=True, stop_words="english")
    table = vectors.fit_transform([f"{claim.title}. {claim.text}" for claim in claims])
    alike = (vectors.transform([plain(pair.post) for pair in posts]) @ table.T).toarray()
    return [[claims[at].id for at in np.argsort(-row, kind="stable")[:DEPTH]] for row in alike]


def _likely(matches: Sequence[Match], pair: Pair) -> bool:
    return matches[0].claim in pair.claims and matches[0].score >= LIKELY
