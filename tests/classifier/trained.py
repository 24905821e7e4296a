"""Models for tests: small folders that look like one, and a copy of the shipped one under another name."""

import json
import shutil
from pathlib import Path
from typing import Any

from classifier.versions import CARD, SHIPPED


def make_folder(folder: Path, version: str, figures: dict[str, Any] | None = None) -> Path:
    """A folder that can be added, though nobody could load it."""
    folder.mkdir(parents=True)
    card = {"version": version, "record": {"version": version, "figures": figures or {}}}
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
    (folder / "weights.bin").write_bytes(version.encode())
    return folder


def make_twin(folder: Path, version: str, figures: dict[str, Any] | None = None) -> Path:
    """The shipped model under another name; the large files are linked, as they are only read."""
    shutil.copytree(SHIPPED, folder, copy_function=_link)
    card = json.loads((SHIPPED / CARD).read_text(encoding="utf-8"))
    card["version"] = version
    if figures is not None:
        card["record"]["figures"] = figures
    (folder / CARD).unlink()
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
    return folder


def _link(here: str, there: str) -> None:
    try:
        Path(there).hardlink_to(here)
    except OSError:
        shutil.copy2(here, there)
