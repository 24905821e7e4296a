"""Labels of our own readers, by row id, laid over the sets they belong to; never with a text.

`labels/<set>.csv` has id, code (the guide's letter and flags) and reader. A row without a label in its
own set gains one, a row with another one takes ours.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from classifier.training.sets import TYPES, Row, incident_truth

FOLDER = Path(__file__).parent / "labels"


def relabelled(rows: Sequence[Row]) -> list[Row]:
    """The rows with our own labels laid over them."""
    if not rows:
        return []
    path = FOLDER / f"{rows[0].set}.csv"
    if not path.exists():
        return list(rows)
    with path.open(encoding="utf-8", newline="") as file:
        codes = {row["id"]: row["code"] for row in csv.DictReader(file)}
    return [laid_over(row, codes[row.id]) if row.id in codes else row for row in rows]


def laid_over(row: Row, code: str) -> Row:
    """A row as the guide's code says it: the type letter, then o r x flags."""
    kind = TYPES[code[0]]
    truth = row.truth | incident_truth(kind)
    truth |= {"reaction": int("r" in code[1:]), "followup": int("o" in code[1:])}
    return row._replace(type=kind, truth=truth, strict="r" not in code[1:], weight=1.0)
