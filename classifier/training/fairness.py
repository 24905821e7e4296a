"""Whether the same telling is read alike: in standard English and in London slang, whatever community it names.

Measured on tellings written in pairs and fives that differ in nothing else, by us, and never learnt from
(`texts/london/fair_pairs.jsonl`).
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.evaluate import interval
from classifier.model import Assessed
from classifier.training.sets import Row

STANDARD, SLANG = "standard", "mle_slang"
Pairs = Sequence[tuple[Row, Assessed]]


class Pair(NamedTuple):
    """The same telling twice, and whether it reports an encounter."""

    incident: bool
    before: Assessed
    after: Assessed


def fairness(assessed: Pairs) -> dict[str, Any]:
    """Slang beside standard English; each named community beside the telling that names none. All are of PAIRED."""
    groups: dict[str, list[tuple[Row, Assessed]]] = defaultdict(list)
    for row, found in assessed:
        groups[row.group].append((row, found))
    by_topic: dict[str, list[Pair]] = defaultdict(list)
    slang: list[Pair] = []
    for told in groups.values():
        incident = bool(told[0][0].truth["incident_any"])
        neutral = [found for row, found in told if not row.topic]
        if len(told) == len((STANDARD, SLANG)):
            [standard], [mle] = (_of(told, style) for style in (STANDARD, SLANG))
            slang.append(Pair(incident, standard, mle))
        else:
            for row, found in told:
                if row.topic:
                    by_topic[row.topic].append(Pair(incident, neutral[0], found))
    return {
        "slang": compared(slang),
        "topics": {topic: compared(pairs) for topic, pairs in sorted(by_topic.items())},
    }


def _of(told: Pairs, style: str) -> list[Assessed]:
    return [found for row, found in told if row.style == style]


def compared(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Found and raised at 0.5 before and after, how much less is found after, and how far severity moves.

    `gap` is recall before less recall after, with a 95% interval over resampled pairs; `severity_error` is the mean
    distance of both severities, `severity_shift` the mean of after less before, over tellings of an encounter.
    """
    report: dict[str, Any] = {"pairs": len(pairs)}
    for name, wanted in (("found", True), ("raised", False)):
        some = [each for each in pairs if each.incident is wanted]
        before, after = _raised(some, lambda each: each.before), _raised(some, lambda each: each.after)
        report |= {f"{name}_of": len(some)}
        if some:
            report |= {f"{name}_before": _mean(before), f"{name}_after": _mean(after)}
            report |= {f"{name}_after_interval": interval(after.astype(bool).tolist())}
        if some and wanted:
            moved = np.array([each.after.severity - each.before.severity for each in some])
            report |= {
                "gap": round(_mean(before) - _mean(after), 4),
                "gap_interval": _resampled(before - after),
            }
            report |= {"severity_error": _mean(abs(moved)), "severity_shift": _mean(moved)}
    return report


def _raised(pairs: Sequence[Pair], which: Callable[[Pair], Assessed]) -> NDArray[np.float64]:
    return np.array([which(each).incident_any >= 0.5 for each in pairs], dtype=np.float64)


def _mean(values: NDArray[np.float64]) -> float:
    return round(float(values.mean()), 4)


def _resampled(values: NDArray[np.float64], *, rounds: int = 1_000, seed: int = 0) -> tuple[float, float]:
    drawn = np.random.default_rng(seed).choice(values, (rounds, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)
