"""How gate and encoder count together, learnt on training texts that neither has seen, and where decisions fall.

The encoder never saw the texts kept for tuning (`splits.for_tuning`); the gate's logits of them are out of fold.
News, London posts, other posts and each weak set count alike, so that none sets the probabilities of the others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax

from classifier.calibration import ENCOUNTERS, KINDS, Blend, Types
from classifier.model import Thresholds
from classifier.training.sets import CORE, Row
from classifier.training.splits import LONDON

Floats = NDArray[np.float64]

FAITH = 60.0  # how hard a blend is drawn to both readers counting half: what else it learns seldom holds elsewhere
FAITH_IN_TYPES = 12.0
FEW = 40  # texts that say too little
MISS, ALARM, LOOK = 3.0, 1.0, 0.5  # the cost of a missed incident, of a false alarm, of a person's look
_CORE = np.array([kind in CORE for kind in KINDS])
_ANY = np.array([kind in ENCOUNTERS for kind in KINDS])


def domain(row: Row) -> str:
    """News, London posts, posts from anywhere, or a set known by other labels than the type."""
    if row.type is None:
        return row.set
    if row.set in LONDON or row.set == "contrasts":
        return "london"
    return "news" if "news" in row.set else "posts"


def even(rows: Sequence[Row]) -> Floats:
    """Weights that make each domain count alike, one on average; forces' own posts twice, as most streams are full
    of them, and domains of a handful of texts hardly."""
    domains = [domain(row) for row in rows]
    total = dict.fromkeys(domains, 0.0)
    for row, name in zip(rows, domains, strict=True):
        total[name] += row.weight
    share = {
        name: 2.0 if "official" in name else 1.0 if domains.count(name) >= FEW else 0.1 for name in total
    }
    whole = sum(share.values())
    return np.array(
        [
            row.weight * len(rows) * share[name] / whole / total[name]
            for row, name in zip(rows, domains, strict=True)
        ]
    )


def blend_of(gate: Floats, encoder: Floats, truth: NDArray[np.int64], weight: Floats) -> Blend:
    """A logistic curve over both logits."""
    both = np.column_stack([gate, encoder, np.ones(len(truth))])
    start = np.array([0.5, 0.5, 0.0])

    def cost(values: Floats) -> tuple[float, Floats]:
        said, away = both @ values, values - start
        loss = weight @ (np.logaddexp(0, said) - truth * said) + FAITH * away @ away
        return float(loss), both.T @ (weight * (expit(said) - truth)) + 2 * FAITH * away

    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)])
    return Blend(*(round(float(each), 4) for each in found.x))


def possible_types(row: Row) -> NDArray[np.bool_] | None:
    """Which of the nine types a row may be, as far as its labels say; None when they say nothing or it comments."""
    if not row.strict:
        return None
    if row.type:
        return np.array([kind == row.type for kind in KINDS])
    if row.truth.get("incident_any") == 0:
        return ~_ANY
    return ~_CORE if row.truth.get("incident") == 0 else None


def types_from(gate: Floats, encoder: Floats | None, rows: Sequence[Row]) -> Types:
    """One softmax over the nine types: each by its own logits, all core types and all encounters together by
    those of `incident` and `incident_any`. Logits are columns in the order of READ; `encoder` may be missing."""
    masks = [possible_types(row) for row in rows]
    known = [i for i, mask in enumerate(masks) if mask is not None]
    mask = np.array([masks[i] for i in known])
    readers = [gate[known]] if encoder is None else [gate[known], encoder[known]]
    weight = even([rows[i] for i in known])
    start = _start(len(readers))

    def cost(values: Floats) -> tuple[float, Floats]:
        scores, away = _scores(values, readers), values - start
        right = np.where(mask, scores, -1e9)
        loss = weight @ (logsumexp(scores, axis=1) - logsumexp(right, axis=1)) + FAITH_IN_TYPES * away @ away
        wrong = weight[:, None] * (softmax(scores, axis=1) - softmax(right, axis=1))
        return float(loss), _slope(wrong, readers) + 2 * FAITH_IN_TYPES * away

    bounds = [(None, None)] * len(KINDS) + [(0, None)] * (len(start) - len(KINDS))
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    return _as_types(found.x.round(4), len(readers))


def _start(readers: int) -> Floats:
    """An offset per type; then for each reader how much the type's own logit counts, and both common ones."""
    each = np.concatenate([np.full(len(KINDS), 1 / readers), [0.0, 0.0]])
    return np.concatenate([np.zeros(len(KINDS)), *[each] * readers])


def _scores(values: Floats, readers: Sequence[Floats]) -> Floats:
    scores = np.tile(values[: len(KINDS)], (len(readers[0]), 1))
    for logits, part in zip(readers, _parts(values, len(readers)), strict=True):
        own, core, encounters = part[:-2], part[-2], part[-1]
        scores += logits[:, 2:] * own + np.outer(logits[:, 0] * core, _CORE)
        scores += np.outer(logits[:, 1] * encounters, _ANY)
    return scores


def _slope(wrong: Floats, readers: Sequence[Floats]) -> Floats:
    slopes = [wrong.sum(0)]
    for logits in readers:
        slopes.append((wrong * logits[:, 2:]).sum(0))
        slopes.append(np.array([wrong[:, _CORE].sum(1) @ logits[:, 0], wrong[:, _ANY].sum(1) @ logits[:, 1]]))
    return np.concatenate(slopes)


def _parts(values: Floats, readers: int) -> list[Floats]:
    return np.split(values[len(KINDS) :], readers)


def _as_types(values: Floats, readers: int) -> Types:
    """The same as one matrix: a row per logit of each reader, and one of offsets."""
    tables = []
    for part in _parts(values, readers):
        tables.append(np.vstack([part[-2] * _CORE, part[-1] * _ANY, np.diag(part[:-2])]))
    return Types(np.vstack([*tables, values[: len(KINDS)]]))


class Costs(NamedTuple):
    """Where doubt begins and ends, and what each choice of both would have cost for a text."""

    thresholds: Thresholds
    curve: list[dict[str, float]]


def thresholds_of(said: Floats, truth: NDArray[np.int64], weight: Floats) -> Costs:
    """The two thresholds of least cost: below the lower nothing is raised, between them a person looks."""
    curve = []
    for low in np.arange(0.04, 0.42, 0.02):
        for high in np.arange(0.4, 0.72, 0.05):
            if low >= high:
                continue
            missed = weight @ ((said < low) & (truth == 1)) / weight.sum()
            alarms = weight @ ((said >= high) & (truth == 0)) / weight.sum()
            looked = weight @ ((said >= low) & (said < high)) / weight.sum()
            cost = MISS * missed + ALARM * alarms + LOOK * looked
            point = {"unlikely": low, "likely": high, "missed": missed, "alarms": alarms, "looked": looked}
            curve.append({name: round(float(each), 4) for name, each in {**point, "cost": cost}.items()})
    best = min(curve, key=lambda point: point["cost"])
    along = [point for point in curve if point["likely"] == best["likely"]]
    return Costs(Thresholds(unlikely=best["unlikely"], likely=best["likely"]), along)
