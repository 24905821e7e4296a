"""The report of `goldenhour evaluate`: a model on every set of a folder, and the reference beside it.

Where a set is split by `splits`, only what is held back is measured; a set nobody trained on is measured whole.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifier.evaluate import figures, macro_f1
from classifier.model import Assessed, Model
from classifier.records import IncidentType
from classifier.training.reference import Reference
from classifier.training.sets import Row
from classifier.training.splits import LONDON, held_back
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
COMPARED = ("incident_any", "incident")
Say = Callable[[str], None]


def measure(model: Model, folder: Path, *, say: Say, reference: bool = True) -> dict[str, Any]:
    """Figures by set and label; for the two incident labels also the reference's, from the same run."""
    say("reading the sets")
    material = gather(folder)
    sets: dict[str, list[Row]] = defaultdict(list)
    for row in material.rows:
        if name := held_back(row):
            sets[name].append(row)
    rival = None
    if reference:
        say("learning the reference")
        rival = Reference([material.rows[i] for i in material.train], COMPARED)
    report: dict[str, Any] = {"model": model.version, "sets": {}}
    assessed: list[tuple[Row, Assessed]] = []
    for name, rows in sorted(sets.items()):
        say(f"measuring {name}: {len(rows)} texts")
        found = model.assess([row.text for row in rows])
        assessed += zip(rows, found, strict=True)
        report["sets"][name] = measure_set(found, rows, rival)
    report["styles"] = by_style(assessed)
    return report


def keep_figures(folder: Path, report: dict[str, Any]) -> None:
    """Write a report into the card of the model in a folder."""
    path = folder / "golden-hour.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    meta["record"]["figures"] = {"sets": report["sets"], "styles": report["styles"]}
    path.write_text(json.dumps(meta, indent=1, sort_keys=True), encoding="utf-8")


def below_bounds(report: dict[str, Any], bounds: dict[str, Any]) -> list[str]:
    """What of a report is worse than `gate.json` allows: least values by set, label and figure; `raised` is a most."""
    worse = []
    for name, labels in bounds.items():
        for label, figures_ in labels.items():
            for figure, bound in figures_.items():
                value = report["sets"].get(name, {}).get(label, {}).get(figure)
                allowed = value is not None and (value <= bound if figure == "raised" else value >= bound)
                if not allowed:
                    worse.append(f"{name}, {label}: {figure} is {value}, the bound is {bound}")
    return worse


def by_style(assessed: Sequence[tuple[Row, Assessed]]) -> dict[str, dict[str, float]]:
    """Over the London posts held back: incidents found and traps raised at 0.5, in each style of writing."""
    styles: dict[str, dict[str, float]] = {}
    ours = [(row, found) for row, found in assessed if row.set in LONDON and row.strict]
    for style in sorted({row.style for row, _ in ours}):
        said = [
            (row.truth["incident_any"], found.incident_any >= 0.5)
            for row, found in ours
            if row.style == style
        ]
        incidents = [raised for truth, raised in said if truth]
        traps = [raised for truth, raised in said if not truth]
        styles[style] = {
            "incidents": len(incidents),
            "found": round(float(np.mean(incidents)), 4) if incidents else 0.0,
            "traps": len(traps),
            "raised": round(float(np.mean(traps)), 4) if traps else 0.0,
        }
    return styles


def measure_set(found: Sequence[Assessed], rows: Sequence[Row], rival: Reference | None) -> dict[str, Any]:
    """Figures of one set. Comments on incidents are left out of what concerns incidents."""
    report: dict[str, Any] = {"texts": len(rows)}
    for label in MEASURED:
        known = [
            i for i, row in enumerate(rows) if label in row.truth and (row.strict or label not in COMPARED)
        ]
        truth = np.array([rows[i].truth[label] for i in known], dtype=np.int64)
        if not len(truth) or (not truth.any() and label not in COMPARED):
            continue
        said = np.array([probability(found[i], label) for i in known])
        report[label] = figures(truth, said)._asdict()
        if rival is not None and label in COMPARED:
            other = rival.probabilities([rows[i].text for i in known], label)
            report[label]["reference_average_precision"] = figures(truth, other).average_precision
            report[label]["reference_raised"] = figures(truth, other).raised
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
