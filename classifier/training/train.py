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

from classifier.calibration import Blend, Calibration
from classifier.encoder import Encoder, spelled_out
from classifier.gate import Gate
from classifier.model import ModelError, Thresholds
from classifier.normalise import normalise
from classifier.training.calibrate import blend_of, curve
from classifier.training.fit import Features, Fit, Truths, out_of_fold
from classifier.training.labels import relabelled
from classifier.training.sets import TYPES, Row, read_sets, without_repeats
from classifier.training.splits import folds, held_back, part

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
    {
        "hrf_labs36_rank0to5_weak",
        "hrf_tweets_weak",
        "india_police_events_sents_dev",
        "pb2020_incident_descriptions",
        "uk_news_rss",
    }
)
OF_THE_GATE = ("news",)  # labels the encoder does not learn
THINNED = {"uk_force_official_tweets_dev": 4, "pheme_dev": 2, "ct22_1B_claim_train_dev": 3}
OWN_TEXTS = Path(__file__).parent / "texts"
Say = Callable[[str], None]


class Material(NamedTuple):
    """All rows, and the positions of those that train."""

    rows: list[Row]
    train: list[int]


def train(folder: Path, out: Path, *, encoder: Path | None = None, say: Say) -> dict[str, Any]:
    """Train on the sets under a folder, write the model to `out`, and return its record.

    With the folder of a fine-tuned encoder, that goes into the model as well, and how both count is learnt.
    """
    say("reading the sets")
    material = gather(folder)
    second = read_encoder(encoder) if encoder else None
    say(f"{len(material.train):,} of {len(material.rows):,} texts train; making features")
    features = Features(spacy.blank("en"), [row.text for row in material.rows])
    truths = Truths.of(material.rows, LABELS)
    say("fitting out of fold, for calibration")
    calibration = calibrated(features, truths, material)
    say("fitting the gate")
    fit = Fit(features, truths, material.train)
    blends = blended(fit, features, second, material, say=say) if second else {}
    record = {"labels": len(LABELS), "texts": len(material.train), "data": fingerprint(material.rows)}
    return write(out, fit, calibration, blends, second, record)


def read_encoder(folder: Path) -> Encoder:
    """A fine-tuned encoder as `training/encoder.py` wrote it. Raises ModelError."""
    try:
        made = spacy.blank("en").add_pipe("goldenhour_encoder")
        assert isinstance(made, Encoder)
        return made.from_disk(folder)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"no encoder in {folder}: {error}; make one with classifier/training/encoder.py"
        ) from error


def gather(folder: Path) -> Material:
    """Every row once: held back before training, so that no text is in both, and labelled before weak."""
    sets = read_sets(folder) | read_sets(OWN_TEXTS)
    rows = [with_types(row) for name in sorted(sets) for row in relabelled(sets[name])]
    rows = [row for row in rows if row.set not in NOT_HELPING or row.type is not None]
    rows = without_repeats(sorted(rows, key=lambda row: (held_back(row) == "", row.type is None)))
    return Material(rows, [i for i, row in enumerate(rows) if not held_back(row)])


def write_rows(folder: Path, out: Path) -> int:
    """The rows an encoder is tuned on, one JSON document a line after a line of labels. Returns how many."""
    material = gather(folder)
    rows = [row for row in (material.rows[i] for i in material.train) if _for_encoder(row)]
    labels = [label for label in LABELS if label not in OF_THE_GATE]
    lines = [json.dumps({"labels": labels})]
    for row in rows:
        text = spelled_out(normalise(row.text).text)
        lines.append(json.dumps({"text": text, "truth": row.truth, "weight": row.weight}))
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(rows)


def _for_encoder(row: Row) -> bool:
    """The large sets are thinned: what they say of the labels that matter is said often enough."""
    parts = THINNED.get(row.set, 1)
    return bool(row.truth) and part(row.id, parts) == 0


def with_types(row: Row) -> Row:
    """Each type as a label of its own. A comment on an incident speaks for its type, at a lower weight."""
    if row.type is None:
        return row
    types = {kind: int(kind == row.type) for kind in TYPES.values()}
    return row._replace(truth=row.truth | types, weight=row.weight * (1.0 if row.strict else 0.3))


def calibrated(features: Features, truths: Truths, material: Material) -> Calibration:
    """The curves of the gate alone."""
    rows = [material.rows[i] for i in material.train]
    logits = out_of_fold(features, truths, material.train, folds(rows))
    return Calibration({label: _curve(rows, logits[:, i], label) for i, label in enumerate(LABELS)})


def blended(
    fit: Fit, features: Features, second: Encoder, material: Material, *, say: Say
) -> dict[str, Blend]:
    """How much gate and encoder count, learnt on what is held back: neither has seen it."""
    say("blending gate and encoder on what is held back")
    held = [i for i, row in enumerate(material.rows) if held_back(row)]
    rows = [material.rows[i] for i in held]
    gate = fit.logits(features, held)
    encoded = second.score([normalise(row.text).text for row in rows])
    return {
        label: _blend(rows, label, gate[:, LABELS.index(label)], encoded[:, column])
        for column, label in enumerate(second.labels)
    }


def _blend(rows: Sequence[Row], label: str, gate: NDArray[np.float64], encoded: NDArray[np.float32]) -> Blend:
    known = [i for i, row in enumerate(rows) if label in row.truth and row.strict]
    truth = np.array([rows[i].truth[label] for i in known], dtype=np.int64)
    return blend_of(gate[known], encoded[known], truth)


def _curve(rows: Sequence[Row], logits: NDArray[np.float64], label: str) -> Any:
    known = [i for i, row in enumerate(rows) if label in row.truth and row.strict]
    truth = np.array([rows[i].truth[label] for i in known], dtype=np.int64)
    weight = np.array([rows[i].weight for i in known])
    return curve(logits[known], truth, weight)


def write(
    out: Path,
    fit: Fit,
    calibration: Calibration,
    blends: dict[str, Blend],
    encoder: Encoder | None,
    record: dict[str, Any],
) -> dict[str, Any]:
    """The pipeline as spaCy writes it, and beside it what it was made from and how to read its logits."""
    nlp = spacy.blank("en")
    gate = nlp.add_pipe("goldenhour_gate")
    assert isinstance(gate, Gate)
    gate.use(fit.weights())
    if encoder:
        second = nlp.add_pipe("goldenhour_encoder")
        assert isinstance(second, Encoder)
        second.read(encoder.folder)
    nlp.to_disk(out)
    record = {"version": version(fit, encoder), **record}
    meta = {
        "version": record["version"],
        "calibration": calibration.as_json(),
        "blends": blends,
        "thresholds": msgspec.to_builtins(Thresholds()),
        "record": record,
    }
    (out / "golden-hour.json").write_text(json.dumps(meta, indent=1, sort_keys=True), encoding="utf-8")
    return record


def version(fit: Fit, encoder: Encoder | None) -> str:
    encoded = (encoder.folder / "encoder.onnx").read_bytes() if encoder else b""
    weights = hashlib.sha256(fit.coefficients.tobytes() + encoded)
    return ("both-" if encoder else "gate-") + weights.hexdigest()[:8]


def fingerprint(rows: Sequence[Row]) -> str:
    whole = hashlib.sha256()
    for row in sorted(rows, key=lambda each: (each.set, each.id)):
        whole.update(
            f"{row.set}\0{row.id}\0{row.text}\0{sorted(row.truth.items())}\n".encode("utf-8", "replace")
        )
    return whole.hexdigest()
