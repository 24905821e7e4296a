"""Measuring disguises: what becomes of what is said of a text when its letters are hidden from a machine."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from classifier.evaluate import interval
from classifier.model import Assessed, Model
from classifier.training.disguises import DISGUISES, disguise
from classifier.training.sets import Row

RAISED = 0.5
Say = Callable[[str], None]


def measure_disguises(
    model: Model, rows: Sequence[Row], plain: Sequence[Assessed], *, say: Say
) -> dict[str, Any]:
    """By disguise: how many texts keep their label (any encounter), their type, and how far recall falls."""
    return {
        name: _measured(
            rows, plain, model.assess([disguise(name, row.text, row.id) for row in rows]), say=say, name=name
        )
        for name in DISGUISES
    }


def _measured(
    rows: Sequence[Row], plain: Sequence[Assessed], worn: Sequence[Assessed], *, say: Say, name: str
) -> dict[str, Any]:
    say(f"disguised: {name}")
    before = np.array([each.incident_any >= RAISED for each in plain])
    after = np.array([each.incident_any >= RAISED for each in worn])
    kept = (before == after).tolist()
    same_type = [one.type == other.type for one, other in zip(plain, worn, strict=True)]
    reports = np.array([row.strict and bool(row.truth.get("incident_any")) for row in rows])
    urgent = np.array([bool(row.truth.get("urgent")) for row in rows])
    raised = np.array([each.urgent for each in plain]), np.array([each.urgent for each in worn])
    return {
        "texts": len(rows),
        "kept": _share(kept),
        "kept_interval": interval(kept),
        "type_kept": _share(same_type),
        "incidents": int(reports.sum()),
        "recall_falls": _fall(before, after, reports),
        "urgent": int(urgent.sum()),
        "urgent_raised_falls": _fall(before, after, urgent),
        "urgent_recall_falls": _fall(raised[0], raised[1], urgent),
    }


def _share(values: Sequence[bool]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def _fall(before: Any, after: Any, among: Any) -> float | None:
    return round(float(before[among].mean() - after[among].mean()), 4) if among.any() else None
