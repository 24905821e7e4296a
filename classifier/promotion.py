"""Promotion: which version is in use, and what a version must show before it may be.

A version may go live when no figure of its card is below its bound in `training/gate.json`, and none is worse than
that of the version in use by more than chance would explain: `SETS` on the figures of a set, `SLICES` on those of
a slice of at least `FEW` texts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from classifier.learning_records import ModelVersion, Promotion, ShadowRun
from classifier.training.splits import NEWEST_FEEDBACK
from classifier.versions import Version

GATE = Path(__file__).parent / "training" / "gate.json"
SETS = {"average_precision": 0.02, "recall": 0.05}
SLICES = {"found": 0.05}
MORE_RAISED = 0.05  # of a slice's other texts; and of a set whose texts hold no incident
MOSTS = ("raised", "gap")
FEW = 20
LABELS = ("incident_any", "incident")
SHADOWS_KEPT = timedelta(days=30)


def bounds(path: Path = GATE) -> dict[str, Any]:
    """The least values by set, label and figure."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def register(session: Session, version: Version, *, who: str, now: datetime) -> ModelVersion:
    """Note a version that is on this machine. What ships may change with a release; then so does its row."""
    row = session.get(ModelVersion, version.name)
    if row is None:
        row = ModelVersion(version=version.name, sha256=version.sha256, added_at=now, added_by=who)
        session.add(row)
    row.sha256, row.figures = version.sha256, version.figures
    session.flush()
    return row


def in_use(session: Session, shipped: str) -> str:
    """The version that is to assess: the one last promoted or gone back to, else the one that ships."""
    return stack(session, shipped)[-1]


def stack(session: Session, shipped: str) -> list[str]:
    """The versions one could go back to, the one in use last; the shipped one is under all of them."""
    rows = session.execute(
        select(Promotion.version, Promotion.back)
        .where(col(Promotion.since).is_not(None))
        .order_by(col(Promotion.since))
    ).all()
    live = [shipped]
    for version, back in rows:
        if back and len(live) > 1:
            live.pop()
        elif not back:
            live.append(version)
    return live


def shadow(session: Session, *, now: datetime) -> ShadowRun | None:
    """The run beside the version in use, if one is on."""
    running = select(ShadowRun).where(col(ShadowRun.stopped_at).is_(None), ShadowRun.until_at > now)
    return session.exec(running.order_by(col(ShadowRun.started_at).desc())).first()


def forget_shadows(session: Session, *, now: datetime) -> None:
    """Let go what shadows said long ago. The caller commits."""
    session.execute(
        text("DELETE FROM shadow_assessments WHERE at <= :before"), {"before": now - SHADOWS_KEPT}
    )


def not_good_enough(
    figures: Mapping[str, Any], live: Mapping[str, Any], least: Mapping[str, Any]
) -> list[str]:
    """Why a version with these figures may not replace one with those; empty when it may."""
    return [*below(figures, least), *_worse_sets(figures, live), *_worse_slices(figures, live)]


def below(figures: Mapping[str, Any], least: Mapping[str, Any]) -> Iterator[str]:
    """What is worse than its bound: values by set, label and figure, and under `fairness` how alike the same telling
    is read; for MOSTS the bound is a most."""
    for name, labels in least.items():
        for label, asked in labels.items():
            for figure, bound in asked.items():
                where = (name,) if name == "fairness" else ("sets", name)
                value = _at(figures, *where, label, figure)
                if value is None or (value > bound if figure in MOSTS else value < bound):
                    yield f"{name}, {label}: {figure} is {_said(value)}, the bound is {bound}"


def _worse_sets(figures: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(set(live.get("sets", {})) - {NEWEST_FEEDBACK}):  # which holds other texts each time
        for label in LABELS:
            for figure, by in SETS.items():
                before = _at(live, "sets", name, label, figure)
                value = _at(figures, "sets", name, label, figure)
                if before is not None and (value is None or value < before - by):
                    yield f"{name}, {label}: {figure} is {_said(value)}, {before:.3f} in use"


def _worse_slices(figures: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    for name, slices in live.get("slices", {}).items():
        for value, row in slices.items():
            now = _at(figures, "slices", name, value) or {}
            if row.get("incidents", 0) >= FEW and row.get("found") is not None:
                found = now.get("found")
                if found is None or found < row["found"] - SLICES["found"]:
                    yield f"{name} {value}: found {_said(found)} of the incidents, {row['found']:.3f} in use"
            if row.get("others", 0) >= FEW and row.get("raised") is not None:
                raised = now.get("raised")
                if raised is None or raised > row["raised"] + MORE_RAISED:
                    yield f"{name} {value}: raised {_said(raised)} of the others, {row['raised']:.3f} in use"


def _at(found: Any, *path: str) -> Any:
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _said(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def in_short(figures: Mapping[str, Any], labels: Sequence[str] = LABELS) -> dict[str, Any]:
    """The average precision of each set and label, for a line of the log."""
    sets = figures.get("sets", {})
    short = {
        name: {label: _at(found, label, "average_precision") for label in labels}
        for name, found in sets.items()
    }
    return {name: {k: v for k, v in each.items() if v is not None} for name, each in short.items()}
