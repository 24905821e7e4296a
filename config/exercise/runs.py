"""A run: one exercise as it was played, with its score and what the players noted; kept as a file to compare with."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

SHOWN = 10


class Run:
    """The file of one run, written whole each time it changes."""

    def __init__(self, folder: Path, name: str, begun_at: datetime, **about: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{begun_at:%Y%m%d-%H%M%S}-{name}.json"
        self.held: dict[str, Any] = {
            "name": name, "played_at": begun_at.isoformat(), **about, "points": None, "marks": [], "notes": [],
        }  # fmt: skip

    def scored(self, score: Mapping[str, Any], **more: Any) -> None:
        self.held |= {**score, **more}
        self._write()

    def note(self, who: str, words: str, at: datetime) -> None:
        """Keep what a player says of the exercise."""
        self.held["notes"].append({"who": who, "words": words, "at": at.isoformat()})
        self._write()

    def _write(self) -> None:
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(self.held, indent=1), encoding="utf-8")
        os.replace(beside, self.path)


def runs(folder: Path, name: str = "") -> list[dict[str, Any]]:
    """Runs that were played to the end, the last one first; of one exercise, when it is named."""
    found = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if held.get("points") is not None and name in ("", held["name"]):
            found.append(held)
    return found[:SHOWN]
