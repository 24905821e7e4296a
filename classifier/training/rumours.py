"""Learning what is rumour: the three readers of `classifier/rumour.py`, and how they fare on events never seen."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import spacy
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score

from classifier.evaluate import calibration_error
from classifier.normalise import normalise
from classifier.rumour import FEATURES, OF_THE_GATE, Rumours, features, manner
from classifier.training.fit import Features, Fit, Truths, out_of_fold
from classifier.training.reference import Reference
from classifier.training.sets import Row
from classifier.training.splits import folds, held_back

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRENGTH = {"here": 0.02, "news": 0.02, "which": 1.0}
SEEN = {
    "here": [name not in ("rumour", "public_event") for name in FEATURES],
    "news": [name == "rumour" or name not in OF_THE_GATE for name in FEATURES],
    "which": [name not in ("rumour", "unverified") for name in FEATURES],
}
HERE_COUNTS = 2.5  # how much more posts about encounters count than posts about events in the news
FEWEST = (
    40  # texts of either kind in an event that can be measured, and told and not told as rumour to learn from
)
ROUNDS = 400
Say = Callable[[str], None]


def learn(rows: Sequence[Row], labels: Sequence[str], logits: Floats) -> Rumours | None:
    """From texts known to be rumour or not, and the gate's logits of them out of fold. None where too few are known."""
    known = [i for i, row in enumerate(rows) if "unverified" in row.truth or "rumour" in row.truth]
    at = [labels.index(name) for name in OF_THE_GATE]
    gate = [dict(zip(OF_THE_GATE, logits[i, at].tolist(), strict=True)) for i in known]
    table = np.array(
        [features(normalise(rows[i].text).text, said) for i, said in zip(known, gate, strict=True)]
    )
    return _learn([rows[i] for i in known], table)


def _learn(rows: Sequence[Row], table: Floats) -> Rumours | None:
    news = np.array(["rumour" in row.truth for row in rows], dtype=np.bool_)
    truth = np.array(
        [row.truth.get("rumour", row.truth.get("unverified", 0)) for row in rows], dtype=np.int64
    )
    if any(min(truth[some].sum(), (1 - truth[some]).sum()) < FEWEST for some in (news, ~news)):
        return None
    weights = np.array(
        [
            _head("here", table[~news], truth[~news], np.ones(int((~news).sum()))),
            _head("news", table[news], truth[news], _even(rows, news)),
            _head("which", table, (~news).astype(np.int64), _balance(news)),
        ]
    )
    return Rumours(weights.round(5))


def _head(name: str, table: Floats, truth: Ints, weight: Floats) -> Floats:
    """A logistic curve over what a reader may see, as weights of all features and what is added."""
    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-6
    use = np.flatnonzero(SEEN[name])
    head = LogisticRegression(C=STRENGTH[name], max_iter=1_000)
    head.fit(((table - mean) / spread)[:, use], truth, sample_weight=weight)
    found = np.zeros(len(FEATURES) + 1)
    found[use] = head.coef_[0] / spread[use]
    found[-1] = head.intercept_[0] - found[:-1] @ mean
    return found


def _even(rows: Sequence[Row], news: NDArray[np.bool_]) -> Floats:
    """Each event counts by the root of its size, and what was rumour in it as much as what was not."""
    kinds = [(row.group, row.truth["rumour"]) for row, some in zip(rows, news, strict=True) if some]
    weight = np.array([kinds.count(kind) ** -0.5 for kind in kinds])
    return np.asarray(weight / weight.mean())


def _balance(news: NDArray[np.bool_]) -> Floats:
    share = news.mean()
    return np.asarray(np.where(news, 0.5 / share, HERE_COUNTS * 0.5 / (1 - share)))


def unseen_events(rows: Sequence[Row], *, say: Say) -> dict[str, Any]:
    """Each event read by readers that learnt from the others, beside words and letters learnt from the same posts.

    The encoder, tuned on these events, has no part in it. F1 is of the threshold that was best on the other events.
    """
    known = [
        row for row in rows if "rumour" in row.truth or ("unverified" in row.truth and not held_back(row))
    ]
    sizes = {row.group: [0, 0] for row in known if "rumour" in row.truth}
    for row in known:
        if "rumour" in row.truth:
            sizes[row.group][row.truth["rumour"]] += 1
    events = sorted(event for event, size in sizes.items() if min(size) >= FEWEST)
    if len(events) < 2:
        return {}
    gates, manners = _Gates(known), np.array([manner(normalise(row.text).text) for row in known])
    ours, reference, truth = [], [], []
    for event in events:
        say(f"rumours of {event}, learnt from the other events")
        here = [i for i, row in enumerate(known) if row.group == event and "rumour" in row.truth]
        apart = sorted(set(range(len(known))) - set(here))
        inside, told = (
            [known[i] for i in apart],
            [k for k, i in enumerate(apart) if "rumour" in known[i].truth],
        )
        before, after = gates.without(apart, here)
        table = np.hstack([before, manners[apart]])
        if (readers := _learn(inside, table)) is None:
            return {}
        threshold = best_threshold(
            np.array([inside[k].truth["rumour"] for k in told]),
            np.array([readers(each) for each in table[told]]),
        )
        ours.append((np.array([readers(each) for each in np.hstack([after, manners[here]])]), threshold))
        rival = Reference([inside[k]._replace(type="none") for k in told], ("rumour",))
        reference.append((rival.probabilities([known[i].text for i in here], "rumour"), 0.5))
        truth.append(np.array([known[i].truth["rumour"] for i in here]))
    found = {"ours": ours, "reference": reference}
    report: dict[str, Any] = {name: _figures(truth, each) for name, each in found.items()}
    report["events"] = {
        event: {"texts": len(so), "rumours": int(so.sum()), "auc": _rounded(roc_auc_score(so, said))}
        for event, so, (said, _) in zip(events, truth, found["ours"], strict=True)
    }
    return report


class _Gates:
    """The gate's logits of OF_THE_GATE for texts that it did not learn from, with one event left out at a time."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.features = Features(spacy.blank("en"), [row.text for row in rows])
        self.of_events = [name in ("rumour", "public_event") for name in OF_THE_GATE]
        every = list(range(len(rows)))
        truths = Truths.of(rows, [name for name in OF_THE_GATE if name not in ("rumour", "public_event")])
        self.others = out_of_fold(self.features, truths, every, folds(rows))
        self.truths = Truths.of(rows, ("rumour", "public_event"))

    def without(self, apart: Sequence[int], here: Sequence[int]) -> tuple[Floats, Floats]:
        """Of all texts but an event's, each out of fold; and of that event's, by a gate that learnt from all others."""
        fold = folds([self.rows[i] for i in apart])
        before = out_of_fold(self.features, self.truths, apart, fold)
        after = Fit(self.features, self.truths, apart).logits(self.features, here)
        return self._beside(before, apart), self._beside(after, here)

    def _beside(self, logits: Floats, rows: Sequence[int]) -> Floats:
        table = np.zeros((len(rows), len(OF_THE_GATE)))
        table[:, self.of_events] = logits
        table[:, np.logical_not(self.of_events)] = self.others[rows]
        return table


def best_threshold(truth: Ints, said: Floats) -> float:
    """Where the macro-F1 is best."""
    tried = np.linspace(0.2, 0.8, 25)
    return float(max(tried, key=lambda at: f1_score(truth, said >= at, average="macro", zero_division=0)))


def _figures(truth: Sequence[Ints], found: Sequence[tuple[Floats, float]]) -> dict[str, Any]:
    """Over the posts of all events, with intervals of posts drawn again."""
    so = np.concatenate(truth)
    said = np.concatenate([each for each, _ in found])
    yes = np.concatenate([each >= at for each, at in found])
    chance = np.random.default_rng(0)
    drawn = [chance.integers(0, len(so), len(so)) for _ in range(ROUNDS)]
    areas = [roc_auc_score(so[again], said[again]) for again in drawn]
    scores = [f1_score(so[again], yes[again], average="macro", zero_division=0) for again in drawn]
    return {
        "texts": len(so),
        "rumours": int(so.sum()),
        "macro_f1": _rounded(f1_score(so, yes, average="macro", zero_division=0)),
        "macro_f1_interval": _between(scores),
        "auc": _rounded(roc_auc_score(so, said)),
        "auc_interval": _between(areas),
        "calibration_error": _rounded(calibration_error(so, said)),
    }


def _between(drawn: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return _rounded(low), _rounded(high)


def _rounded(value: float) -> float:
    return round(float(value), 4)
