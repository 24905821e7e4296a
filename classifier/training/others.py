"""The rest of a report: rumours of events never seen, places, disguises, claims. Each where its sets are there."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from classifier.model import SHIPPED, Assessed, Model
from classifier.training import claims
from classifier.training.blending import domain
from classifier.training.disguised import measure_disguises
from classifier.training.pairs import LIBRARY
from classifier.training.placing import measure_places
from classifier.training.rumours import unseen_events
from classifier.training.sets import Row

Say = Callable[[str], None]


def measure_others(
    model: Model, data: Path, rows: Sequence[Row], assessed: Sequence[tuple[Row, Assessed]], *, say: Say
) -> dict[str, Any]:
    """`rows` are all of the folder, `assessed` those held back, with what the model says of them."""
    report: dict[str, Any] = {"rumours": unseen_events(rows, say=say)}
    say("measuring places")
    report["places"] = measure_places(model, data)
    posts = [(row, found) for row, found in assessed if row.type and domain(row) in ("london", "posts")]
    if posts:
        plain = [found for _, found in posts]
        report["disguises"] = measure_disguises(model, [row for row, _ in posts], plain, say=say)
    if (data / "match" / LIBRARY).exists():
        say("matching claims")
        report["claims"] = claims.measure(data, SHIPPED)
    return {name: found for name, found in report.items() if found}
