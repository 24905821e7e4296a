"""Names of people in a draft: which words look like one, and which only name a place, a body or a post."""

import csv
from collections.abc import Iterable
from pathlib import Path


def read_place_names(paths: Iterable[Path]) -> frozenset[str]:
    """Every name in the files of the gazetteer, in small letters."""
    names: set[str] = set()
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            names |= {row["name"].lower() for row in csv.DictReader(file) if row.get("name")}
    return frozenset(names)
