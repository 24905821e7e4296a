"""The learning curve: what the gate would know of unseen texts, had fewer been labelled."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import spacy

from classifier.evaluate import average_precision
from classifier.training.blending import domain
from classifier.training.fit import Features, Fit, Truths
from classifier.training.splits import held_back, part
from classifier.training.train import LABELS, gather

PARTS = 8
STEPS = (1, 2, 4, 8)  # eighths of the labelled groups
COMPARED = ("incident_any", "incident")


def learning_curve(folder: Path, *, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Average precision over the held-back texts of each domain, for an eighth to all of the labelled texts.

    Whole groups are added, so that an event is known or it is not. The encoder is not tuned again.
    """
    material = gather(folder)
    rows = material.rows
    say("making features")
    features = Features(spacy.blank("en"), [row.text for row in rows])
    truths = Truths.of(rows, LABELS)
    held = [i for i, row in enumerate(rows) if held_back(row) and row.type and row.strict]
    curve = []
    for step in STEPS:
        known = [
            i
            for i in material.train
            if rows[i].type is None or part("curve" + rows[i].set + rows[i].group, PARTS) < step
        ]
        labelled = sum(rows[i].type is not None for i in known)
        say(f"learning from {labelled:,} labelled texts")
        logits = Fit(features, truths, known).logits(features, held)
        point: dict[str, Any] = {"labelled": labelled}
        for name in sorted({domain(rows[i]) for i in held}):
            here = [k for k, i in enumerate(held) if domain(rows[i]) == name]
            for label in COMPARED:
                truth = np.array([rows[held[k]].truth[label] for k in here], dtype=np.int64)
                found = average_precision(truth, logits[here, LABELS.index(label)])
                point[f"{name}, {label}"] = round(found, 4)
        curve.append(point)
    return curve
