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

from classifier.calibration import READ, Beside, Blend, Calibration, Curve, Types
from classifier.encoder import Encoder, spelled_out
from classifier.gate import Gate
from classifier.model import ModelError, Thresholds
from classifier.normalise import normalise
from classifier.rumour import Rumours
from classifier.training import rumours
from classifier.training.blending import (
    ALARM,
    FEW,
    LOOK,
    MISS,
    Costs,
    blend_of,
    even,
    thresholds_of,
    types_from,
)
from classifier.training.calibrate import curve
from classifier.training.exemplars import keep_examples
from classifier.training.fit import Features, Fit, Truths, out_of_fold
from classifier.training.labels import relabelled
from classifier.training.sets import TYPES, Row, read_sets, without_repeats
from classifier.training.splits import event, folds, for_tuning, held_back, part

LABELS = (
    "incident",
    "incident_any",
    *TYPES.values(),
    "first_hand",
    "has_video",
    "urgent",
    "claim",
    "unverified",
    "rumour",
    "public_event",
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
        "tweeteval",
        "crisislex",
    }
)
OF_THE_GATE = ("news", "public_event")  # labels the encoder does not learn
FOR_THE_SKIMMER = {  # texts at most of the large sets, with or without labels
    "uk_news_rss": 9_000,
    "tweeteval": 7_000,
    "crisislex": 4_000,
    "india_police_events_sents_dev": 2_500,
    "uk_force_official_tweets_dev": 4_500,
    "ct22_1B_claim_train_dev": 1_200,
}
THINNED = {"uk_force_official_tweets_dev": 4, "pheme_dev": 2, "ct22_1B_claim_train_dev": 3}
OWN_TEXTS = Path(__file__).parent / "texts"
Say = Callable[[str], None]


class Material(NamedTuple):
    """All rows, and the positions of those that train."""

    rows: list[Row]
    train: list[int]


def train(
    folder: Path, out: Path, *, encoder: Path | None = None, feedback: Sequence[Row] = (), say: Say
) -> dict[str, Any]:
    """Train on the sets under a folder, write the model to `out`, and return its record.

    With the folder of a fine-tuned encoder, that goes into the model as well, and how both count is learnt.
    `feedback` are rows of what people decided.
    """
    say("reading the sets")
    material = gather(folder, feedback)
    second = read_encoder(encoder) if encoder else None
    say(f"{len(material.train):,} of {len(material.rows):,} texts train; making features")
    features = Features(spacy.blank("en"), [row.text for row in material.rows])
    truths = Truths.of(material.rows, LABELS)
    say("fitting out of fold, for calibration")
    rows = [material.rows[i] for i in material.train]
    apart = out_of_fold(features, truths, material.train, folds(rows))
    tuning = alone(rows, apart)
    tuning = tuning._replace(rumours=rumours.learn(rows, LABELS, apart))
    say("fitting the gate")
    fit = Fit(features, truths, material.train)
    record = {"labels": len(LABELS), "texts": len(material.train), "data": fingerprint(material.rows)}
    if second:
        say("blending gate and encoder on training texts that neither has seen")
        unseen = unseen_by_encoder(rows)
        tuning = together(tuning, [rows[i] for i in unseen], apart[unseen], second)
        record["tuned_on"] = len(unseen)
    record = write(out, fit, tuning, second, record)
    if second:
        say("keeping examples")
        keep_examples(out, [rows[i] for i in unseen])
    return record


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


def gather(folder: Path, feedback: Sequence[Row] = ()) -> Material:
    """Every row once: held back before training, so that no text is in both, and labelled before weak."""
    sets = read_sets(folder) if folder.is_file() else read_sets(folder) | read_sets(OWN_TEXTS)
    rows = [with_types(row) for name in sorted(sets) for row in relabelled(sets[name])]
    rows += [with_types(row) for row in feedback]
    rows = [row for row in rows if row.set not in NOT_HELPING or row.type is not None]
    rows = without_repeats(sorted(rows, key=lambda row: (held_back(row) == "", row.type is None)))
    return Material(rows, [i for i, row in enumerate(rows) if not held_back(row)])


def write_rows(folder: Path, out: Path, feedback: Sequence[Row] = ()) -> int:
    """The rows an encoder is tuned on, one JSON document a line after a line of labels. Returns how many."""
    material = gather(folder, feedback)
    rows = [row for row in (material.rows[i] for i in material.train) if _for_encoder(row)]
    labels = [label for label in LABELS if label not in OF_THE_GATE]
    lines = [json.dumps({"labels": labels})]
    for row in rows:
        text = spelled_out(normalise(row.text).text)
        lines.append(json.dumps({"text": text, "truth": row.truth, "weight": row.weight}))
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(rows)


def write_texts(folder: Path, out: Path) -> int:
    """The texts a skimmer is taught on, one JSON document a line; labels are not asked for. Returns how many."""
    sets = read_sets(folder) | read_sets(OWN_TEXTS)
    rows = without_repeats(
        sorted((row for name in sets for row in sets[name]), key=lambda row: not held_back(row))
    )
    told: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.set, part(row.set + row.id, 1 << 32), row.id)):
        some = told.setdefault(row.set, [])
        if not held_back(row) and not for_tuning(row) and len(some) < FOR_THE_SKIMMER.get(row.set, len(rows)):
            some.append(row)
    texts = [spelled_out(normalise(row.text).text) for some in told.values() for row in some]
    out.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return len(texts)


def _for_encoder(row: Row) -> bool:
    """The large sets are thinned: what they say of the labels that matter is said often enough."""
    parts = THINNED.get(row.set, 1)
    kept = row.type is not None or part(row.id, parts) == 0
    return bool(row.truth) and kept and not for_tuning(row)


def unseen_by_encoder(rows: Sequence[Row]) -> list[int]:
    """Positions of training texts of events that the encoder has not been tuned on."""
    seen = {(row.set, event(row)) for row in rows if _for_encoder(row)}
    return [i for i, row in enumerate(rows) if row.truth and (row.set, event(row)) not in seen]


def with_types(row: Row) -> Row:
    """Each type as a label of its own. A comment on an incident speaks for its type, at a lower weight."""
    if row.type is None:
        return row
    types = {kind: int(kind == row.type) for kind in TYPES.values()}
    return row._replace(truth=row.truth | types, weight=row.weight * (1.0 if row.strict else 0.3))


class Tuning(NamedTuple):
    """What is learnt after the readers: types and curves of the gate alone, how the encoder and the skimmer count
    beside it, which texts the encoder reads, thresholds."""

    calibration: Calibration
    types: Types
    worth: float
    both: Beside | None = None
    skimmed: Beside | None = None
    settle: tuple[float, ...] = ()
    costs: Costs | None = None
    rumours: Rumours | None = None


OTHERS = tuple(label for label in LABELS if label not in READ)
AT = [LABELS.index(label) for label in READ]
ANY = LABELS.index("incident_any")
MISSED_BY_THE_GATE = 0.03  # the share of incidents that the encoder may never see
MISSED_BY_THE_SKIMMER = 0.01  # of those that pass the gate


def alone(rows: Sequence[Row], logits: NDArray[np.float64]) -> Tuning:
    """What the gate says by itself, and the logit below which it settles a text: nearly all incidents lie above."""
    curves = {label: _curve(rows, logits[:, LABELS.index(label)], label) for label in OTHERS}
    types = types_from(logits[:, AT], None, rows)
    worth = _below(rows, logits[:, ANY], MISSED_BY_THE_GATE)
    return Tuning(Calibration(curves), types, worth)


def _below(rows: Sequence[Row], said: NDArray[np.float64], share: float) -> float:
    """The value below which that share of the incidents lies."""
    incidents = [i for i, row in enumerate(rows) if row.type and row.strict and row.truth["incident_any"]]
    weight = even([rows[i] for i in incidents])
    order = np.argsort(said[incidents])
    below = int(np.searchsorted(np.cumsum(weight[order]), share * weight.sum()))
    return round(float(said[incidents][order][below]), 3)


def together(tuning: Tuning, rows: Sequence[Row], gate: NDArray[np.float64], second: Encoder) -> Tuning:
    """How much each reader counts, learnt on rows that none has seen."""
    texts = [normalise(row.text).text for row in rows]
    encoded = second.score(texts).astype(np.float64)
    tuning = tuning._replace(both=_beside(rows, gate, encoded, second.labels))
    if (skimmed := second.skim(texts)) is not None:
        tuning = with_skimmer(tuning, rows, gate, skimmed.astype(np.float64), second.labels)
    judged = [i for i, row in enumerate(rows) if row.type and row.strict]
    at = [second.labels.index(label) for label in READ]
    assert tuning.both is not None
    said = tuning.both.types(gate[judged][:, AT], encoded[judged][:, at])[:, READ.index("incident_any")]
    truth = np.array([rows[i].truth["incident_any"] for i in judged], dtype=np.int64)
    return tuning._replace(costs=thresholds_of(said, truth, even([rows[i] for i in judged])))


def _beside(
    rows: Sequence[Row], gate: NDArray[np.float64], said: NDArray[np.float64], labels: Sequence[str]
) -> Beside:
    """How a reader with these labels counts beside the gate."""
    types = types_from(gate[:, AT], said[:, [labels.index(label) for label in READ]], rows)
    columns = [label for label in labels if label in OTHERS]
    each = {label: _blend(rows, label, gate, said[:, labels.index(label)]) for label in columns}
    return Beside(types, {label: blend for label, blend in each.items() if blend})


def with_skimmer(
    tuning: Tuning,
    rows: Sequence[Row],
    gate: NDArray[np.float64],
    skimmed: NDArray[np.float64],
    labels: Sequence[str],
) -> Tuning:
    """How the skimmer counts, and what it settles: of the incidents that pass the gate nearly all lie above."""
    said = skimmed[:, labels.index("incident_any")]
    blend = _blend(rows, "incident_any", gate, said)
    if blend is None:
        raise ModelError("too few incidents that the encoder has not seen to say what a skimmer may settle")
    passed = np.flatnonzero(gate[:, ANY] >= tuning.worth).tolist()
    both = blend.gate * gate[passed, ANY] + blend.encoder * said[passed] + blend.offset
    least = _below([rows[i] for i in passed], both, MISSED_BY_THE_SKIMMER)
    return tuning._replace(skimmed=_beside(rows, gate, skimmed, labels), settle=(*blend, least))


def _blend(
    rows: Sequence[Row], label: str, gate: NDArray[np.float64], encoded: NDArray[np.float64]
) -> Blend | None:
    """None where too few texts would tell: the gate, which learnt from more, then speaks alone."""
    known = [i for i, row in enumerate(rows) if label in row.truth and row.strict]
    truth = np.array([rows[i].truth[label] for i in known], dtype=np.int64)
    if truth.sum() < FEW:
        return None
    weight = even([rows[i] for i in known])
    return blend_of(gate[known, LABELS.index(label)], encoded[known], truth, weight)


def _curve(rows: Sequence[Row], logits: NDArray[np.float64], label: str) -> Curve:
    known = [i for i, row in enumerate(rows) if label in row.truth and row.strict]
    truth = np.array([rows[i].truth[label] for i in known], dtype=np.int64)
    return curve(logits[known], truth, np.array([rows[i].weight for i in known]))


def write(
    out: Path, fit: Fit, tuning: Tuning, encoder: Encoder | None, record: dict[str, Any]
) -> dict[str, Any]:
    """The pipeline as spaCy writes it, and beside it what it was made from and how to read its logits."""
    nlp = spacy.blank("en")
    gate = nlp.add_pipe("goldenhour_gate")
    assert isinstance(gate, Gate)
    gate.use(fit.weights())
    if encoder:
        config = {"worth": tuning.worth, "settle": list(tuning.settle)}
        second = nlp.add_pipe("goldenhour_encoder", config=config)
        assert isinstance(second, Encoder)
        second.read(encoder.folder)
    nlp.to_disk(out)
    record = {"version": version(fit, tuning, encoder), **record}
    if tuning.costs:
        record["thresholds"] = {"miss": MISS, "alarm": ALARM, "look": LOOK, "curve": tuning.costs.curve}
    meta = {
        "version": record["version"],
        "calibration": tuning.calibration.as_json(),
        "types": tuning.types.weights.tolist(),
        "rumours": _rumours(tuning),
        "types_of_both": tuning.both.types.weights.tolist() if tuning.both else [],
        "blends": dict(tuning.both.blends) if tuning.both else {},
        "skimmer": tuning.skimmed.as_json() if tuning.skimmed else None,
        "thresholds": msgspec.to_builtins(tuning.costs.thresholds if tuning.costs else Thresholds()),
        "record": record,
    }
    (out / "golden-hour.json").write_text(json.dumps(meta, indent=1, sort_keys=True), encoding="utf-8")
    return record


def version(fit: Fit, tuning: Tuning, encoder: Encoder | None) -> str:
    files = sorted(encoder.folder.glob("*.onnx")) if encoder else []
    counts = [sorted(each.blends.items()) if each else [] for each in (tuning.both, tuning.skimmed)]
    told = repr(
        (tuning.types.weights.tolist(), counts, tuning.worth, tuning.settle, _rumours(tuning))
    ).encode()
    weights = hashlib.sha256(
        fit.coefficients.tobytes() + b"".join(each.read_bytes() for each in files) + told
    )
    return ("both-" if encoder else "gate-") + weights.hexdigest()[:8]


def _rumours(tuning: Tuning) -> list[list[float]]:
    return tuning.rumours.weights.tolist() if tuning.rumours else []


def fingerprint(rows: Sequence[Row]) -> str:
    whole = hashlib.sha256()
    for row in sorted(rows, key=lambda each: (each.set, each.id)):
        whole.update(
            f"{row.set}\0{row.id}\0{row.text}\0{sorted(row.truth.items())}\n".encode("utf-8", "replace")
        )
    return whole.hexdigest()
