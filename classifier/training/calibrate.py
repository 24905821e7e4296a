"""Learning a label's curve from logits out of fold: isotonic, thinned to a few points, never 0 or 1."""

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from classifier.calibration import Curve

POINTS = 25
SURE = 0.005  # no probability is nearer to 0 or 1 than this
ENOUGH = 150  # positives below which only the slope and offset of a logistic curve are learnt


def curve(logits: NDArray[np.float64], truth: NDArray[np.int64], weight: NDArray[np.float64]) -> Curve:
    """The probability at each logit. Few positives: logistic; many: the mean of logistic and isotonic."""
    at = np.unique(np.quantile(logits, np.linspace(0, 1, POINTS))) if len(logits) else logits
    if not 0 < truth.sum() < len(truth) or len(at) < 3:
        return Curve((0.0,), (float(np.clip(truth.mean() if len(truth) else 0, SURE, 1 - SURE)),))
    platt = LogisticRegression(C=1e3).fit(logits[:, None], truth, sample_weight=weight)
    likely = platt.predict_proba(at[:, None])[:, 1]
    if truth.sum() >= ENOUGH:
        steps = IsotonicRegression(out_of_bounds="clip").fit(logits, truth, sample_weight=weight)
        likely = (likely + steps.predict(at)) / 2
    likely = np.maximum.accumulate(np.clip(likely, SURE, 1 - SURE))
    return Curve(tuple(at.round(3).tolist()), tuple(likely.round(4).tolist()))
