"""Training a model: read the sets, fit the gate, calibrate it out of fold, measure it held back, write it out.

The same data and code give the same model: nothing is random but by fixed seeds, and nothing reads the clock.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import spacy
from numpy.typing import NDArray

from classifier.calibration import Calibration
from classifier.gate import Gate
from classifier.model import Thresholds
from classifier.training.calibrate import curve
from classifier.training.fit import Features, Fit, out_of_fold
from classifier.training.labels import relabelled
from classifier.training.sets import TYPES, Row, read_sets, without_repeats
from classifier.training.splits import held_back

LABELS = (
    "incident",
    "incident_any",
    *TYPES.values(),
    "first_hand",
    "has_video",
    "urgent",
    "claim",
    "unverified",
    "reaction",
    "followup",
    "news",
    "official_police_post",
    "praise",
    "complaint_not_force",
    "witness_offer",
    "overseas",
)
# Weak sets that made every measured figure worse, at any weight: read for their own labels only, where we have any.
NOT_HELPING = frozenset(
    (
        "hrf_labs36_rank0to5_weak",
        "hrf_tweets_weak",
        "india_police_events_sents_dev",
        "pb2020_incident_descriptions",
    )
)
OWN_TEXTS = Path(__file__).parent / "texts"
Say = Callable[[str], None]


class Material(NamedTuple):
    """All rows, and the positions of those that train."""

    rows: list[Row]
    train: list[int]


def train(folder: Path, out: Path, *, say: Say) -> dict[str, Any]:
    """Train on the sets under a folder, write the model to `out`, and return its record."""
    say("reading the sets")
    material = gather(folder)
    say(f"{len(material.train):,} of {len(material.rows):,} texts train; making features")
    nlp = spacy.blank("en")
    features = Features(nlp, [row.text for row in material.rows])
    say("fitting out of fold, for calibration")
    calibration = calibrated(features, material)
    say("fitting the gate")
    fit = Fit(features, material.rows, material.train, LABELS)
    record = {"labels": len(LABELS), "texts": len(material.train), "data": fingerprint(material.rows)}
    return write(out, fit, calibration, Thresholds(), record)


def gather(folder: Path) -> Material:
    """Every row once: held back before training, so that no text is in both, and labelled before weak."""
    sets = read_sets(folder) | read_sets(OWN_TEXTS)
    rows = [with_types(row) for name in sorted(sets) for row in relabelled(sets[name])]
    rows = [row for row in rows if row.set not in NOT_HELPING or row.type is not None]
    rows = without_repeats(sorted(rows, key=lambda row: (held_back(row) == "", row.type is None)))
    return Material(rows, [i for i, row in enumerate(rows) if not held_back(row)])


def with_types(row: Row) -> Row:
    """Each type as a label of its own. A comment on an incident speaks for its type, at a lower weight."""
    if row.type is None:
        return row
    types = {kind: int(kind == row.type) for kind in TYPES.values()}
    return row._replace(truth=row.truth | types, weight=row.weight * (1.0 if row.strict else 0.3))


def calibrated(features: Features, material: Material) -> Calibration:
    rows = [material.rows[i] for i in material.train]
    logits = out_of_fold(features, material.rows, material.train, LABELS)
    return Calibration({label: _curve(rows, logits[:, i], label) for i, label in enumerate(LABELS)})


def _curve(rows: Sequence[Row], logits: NDArray[np.float64], label: str) -> Any:
    known = [i for i, row in enumerate(rows) if label in row.truth and row.strict]
    truth = np.array([rows[i].truth[label] for i in known], dtype=np.int64)
    weight = np.array([rows[i].weight for i in known])
    return curve(logits[known], truth, weight)


def write(
    out: Path, fit: Fit, calibration: Calibration, thresholds: Thresholds, record: dict[str, Any]
) -> dict[str, Any]:
    """The pipeline as spaCy writes it, and beside it what it was made from and how to read its logits."""
    nlp = spacy.blank("en")
    gate = nlp.add_pipe("goldenhour_gate")
    assert isinstance(gate, Gate)
    gate.use(fit.weights())
    nlp.to_disk(out)
    out.mkdir(parents=True, exist_ok=True)
    record = {"version": version(fit), **record}
    meta = {
        "version": record["version"],
        "calibration": calibration.as_json(),
        "thresholds": msgspec.to_builtins(thresholds),
        "record": record,
    }
    (out / "golden-hour.json").write_text(json.dumps(meta, indent=1, sort_keys=True), encoding="utf-8")
    return record


def version(fit: Fit) -> str:
    return "gate-" + hashlib.sha256(fit.coefficients.tobytes()).hexdigest()[:8]


def fingerprint(rows: Sequence[Row]) -> str:
    whole = hashlib.sha256()
    for row in sorted(rows, key=lambda each: (each.set, each.id)):
        whole.update(
            f"{row.set}\0{row.id}\0{row.text}\0{sorted(row.truth.items())}\n".encode("utf-8", "replace")
        )
    return whole.hexdigest()
