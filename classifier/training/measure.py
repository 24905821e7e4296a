"""The report of `goldenhour evaluate`: a model on every set of a folder, and the reference beside it.

Where a set is split by `splits`, only what is held back is measured; a set nobody trained on is measured whole.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifier.evaluate import average_precision, figures, interval, macro_f1
from classifier.model import Assessed, Model
from classifier.records import IncidentType
from classifier.training.blending import domain
from classifier.training.fairness import fairness
from classifier.training.others import measure_others
from classifier.training.reference import Reference
from classifier.training.sets import Row
from classifier.training.splits import PAIRED, held_back
from classifier.training.train import gather

MEASURED = (
    "incident_any",
    "incident",
    "first_hand",
    "has_video",
    "claim",
    "unverified",
    "official_police_post",
)
LEARNT_ELSEWHERE = ("first_hand", "has_video", "official_police_post")  # printed under `labels`
ALSO = {"unverified": "rumour"}  # the label by which another set knows the same
COMPARED = ("incident_any", "incident")
Say = Callable[[str], None]


def measure(
    model: Model,
    source: Path,
    *,
    say: Say,
    reference: bool = True,
    feedback: Sequence[Row] = (),
    others: bool = False,
) -> dict[str, Any]:
    """Figures by set and label, and over all sets of a domain; for the incident labels also the reference's.

    `others` adds rumours of unseen events, places, disguises and claims: several minutes more.

    `source` is a folder of sets, or one file. The reference learns from what trains there, so one file has none.
    """
    say("reading the sets")
    material = gather(source, feedback)
    sets: dict[str, list[Row]] = defaultdict(list)
    for row in material.rows:
        if name := held_back(row) or (row.set if source.is_file() else ""):
            sets[name].append(row)
    rival = None
    if reference and source.is_dir():
        say("learning the reference")
        rival = Reference([material.rows[i] for i in material.train], COMPARED)
    report: dict[str, Any] = {"model": model.version, "sets": {}, "together": {}}
    assessed: list[tuple[Row, Assessed]] = []
    for name, rows in sorted(sets.items()):
        say(f"measuring {name}: {len(rows)} texts")
        found = model.assess([row.text for row in rows])
        if name == PAIRED:
            report["fairness"] = fairness(list(zip(rows, found, strict=True)))
            continue
        assessed += zip(rows, found, strict=True)
        report["sets"][name] = measure_set(found, rows, rival)
    for name in sorted({domain(row) for row, _ in assessed if row.type}):
        pairs = [(row, found) for row, found in assessed if row.type and domain(row) == name]
        report["together"][name] = measure_set([found for _, found in pairs], [row for row, _ in pairs], None)
    report["slices"] = {name: by_slice(assessed, name) for name in SLICES}
    if others and source.is_dir():
        report |= measure_others(model, source, material.rows, assessed, say=say)
    return report


def keep_figures(folder: Path, report: dict[str, Any]) -> None:
    """Write a report into the card of the model in a folder."""
    path = folder / "golden-hour.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    kept = ("sets", "together", "slices", "fairness")
    meta["record"]["figures"] = {name: report[name] for name in kept if name in report}
    path.write_text(json.dumps(meta, indent=1, sort_keys=True), encoding="utf-8")


SLICES = ("style", "platform", "borough", "topic")


def by_slice(assessed: Sequence[tuple[Row, Assessed]], name: str) -> dict[str, dict[str, Any]]:
    """Incidents found and other texts raised at 0.5, for each value of a field that texts have."""
    slices: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for row, found in assessed:
        if (value := getattr(row, name)) and row.strict and row.type:
            slices[value].append((bool(row.truth["incident_any"]), found.incident_any >= 0.5))
    report: dict[str, dict[str, Any]] = {}
    for value, said in sorted(slices.items()):
        incidents = [raised for truth, raised in said if truth]
        traps = [raised for truth, raised in said if not truth]
        report[value] = {
            "incidents": len(incidents),
            "found": round(float(np.mean(incidents)), 4) if incidents else None,
            "found_interval": interval(incidents) if incidents else None,
            "others": len(traps),
            "raised": round(float(np.mean(traps)), 4) if traps else None,
            "raised_interval": interval(traps) if traps else None,
        }
    return report


def measure_set(found: Sequence[Assessed], rows: Sequence[Row], rival: Reference | None) -> dict[str, Any]:
    """Figures of one set. Comments on incidents are left out of what concerns incidents."""
    report: dict[str, Any] = {"texts": len(rows)}
    for label in MEASURED:
        truths = [row.truth.get(label, row.truth.get(ALSO.get(label, ""))) for row in rows]
        known = [
            i for i, row in enumerate(rows) if truths[i] is not None and (row.strict or label not in COMPARED)
        ]
        truth = np.array([truths[i] for i in known], dtype=np.int64)
        if not len(truth) or (not truth.any() and label not in COMPARED):
            continue
        said = np.array([probability(found[i], label) for i in known])
        report[label] = figures(truth, said)._asdict()
        if rival is not None and label in COMPARED:
            other = rival.probabilities([rows[i].text for i in known], label)
            best = round(average_precision(truth, other), 4) if truth.any() else None
            report[label]["reference_average_precision"] = best
            report[label]["reference_raised"] = round(float((other >= 0.5).mean()), 4)
    typed = [i for i, row in enumerate(rows) if row.type and row.strict]
    if typed:
        said_types = [str(found[i].type) for i in typed]
        report["type_macro_f1"] = macro_f1(
            [rows[i].type or "" for i in typed], said_types, [str(each) for each in IncidentType]
        )
    report["abstained"] = round(float(np.mean([each.abstain for each in found])), 4)
    return report


def probability(assessed: Assessed, label: str) -> float:
    """What an assessment says of a label, wherever it says it."""
    if label in LEARNT_ELSEWHERE:
        return assessed.labels.get(label, 0.0)
    value: float = getattr(assessed, label)
    return value
