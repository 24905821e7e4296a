"""A version: a trained model in a folder of its own beside others, with a manifest that proves it is whole.

`<models>/<version>/` holds the model as trained, and `manifest.json` the SHA-256 of each of its files. The one that
ships with Golden Hour is always among them, where it is installed.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

SHIPPED = Path(__file__).parent / "shipped"
MANIFEST = "manifest.json"
CARD = "golden-hour.json"
PARTIAL = ".partial"
LEARNT = ("texts", "tuned_on", "labels", "data")  # how many, and a digest over all of them
_NAMED = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}")


class ModelError(Exception):
    """A model cannot be loaded; the message says which, why, and what to do."""


class Version(NamedTuple):
    """One model on this machine. `sha256` is that of its manifest, `figures` what its card says it was measured at,
    and what it `learnt` from."""

    name: str
    folder: Path
    sha256: bytes
    figures: dict[str, Any]

    @property
    def shipped(self) -> bool:
        return self.folder == SHIPPED


def shipped() -> Version:
    """The version that ships with Golden Hour."""
    return _version(SHIPPED, digests(SHIPPED))


def version_at(folder: Path) -> str:
    """The name of the model in a folder. Raises ModelError."""
    return _version(folder, {}).name


def versions(models: Path) -> list[Version]:
    """All versions on this machine, the shipped one first. Raises ModelError for one that is not whole."""
    folders = sorted(path.parent for path in models.glob(f"*/{MANIFEST}"))
    return [shipped(), *(_whole(each) for each in folders if not each.name.endswith(PARTIAL))]


def version_of(models: Path, name: str) -> Version:
    """The version of this name. Raises ModelError when it is not here, or not as it was added."""
    ours = shipped()
    if name == ours.name:
        return ours
    if not _NAMED.fullmatch(name) or not (models / name / MANIFEST).is_file():
        raise ModelError(
            f"there is no model {name!r} in {models}: `goldenhour model list` names those that are here, "
            "`goldenhour model add FOLDER` adds one"
        )
    return _whole(models / name)


def add(folder: Path, models: Path) -> Version:
    """Copy a trained model in, whole or not at all. Raises ModelError."""
    found = _version(folder, digests(folder))
    if found.name == shipped().name:
        raise ModelError(f"{folder} is {found.name}, the version that ships; there is nothing to add")
    home = models / found.name
    if home.exists():
        there = version_of(models, found.name)
        if there.sha256 == found.sha256:
            return there
        raise ModelError(f"another model is called {found.name} already, in {home}; remove that folder first")
    partial = models / (found.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(folder, partial, ignore=shutil.ignore_patterns(MANIFEST))
    kept = digests(partial)
    if _digest(kept) != found.sha256:
        raise ModelError(f"{folder} changed while it was copied; add it again")
    (partial / MANIFEST).write_text(json.dumps(kept, indent=1, sort_keys=True), encoding="utf-8")
    partial.rename(home)
    return found._replace(folder=home)


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file by its place in the folder. Raises ModelError for links, and for an empty folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise ModelError(f"{path} is a link; a model is plain files")
        if path.is_file() and path.name != MANIFEST:
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    if CARD not in found:
        raise ModelError(f"{folder} holds no model: {CARD} is missing; `goldenhour train` makes one")
    return found


def _whole(folder: Path) -> Version:
    """The version in a folder of ours, when it is what its manifest says."""
    try:
        kept: dict[str, str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / MANIFEST} cannot be read: {error}; add the model again") from error
    there = digests(folder)
    amiss = sorted(name for name in kept.keys() | there.keys() if kept.get(name) != there.get(name))
    if amiss:
        raise ModelError(
            f"the model in {folder} is not as it was added: {', '.join(amiss[:3])} changed; "
            "remove the folder and add the model again"
        )
    return _version(folder, there)


def _version(folder: Path, files: Mapping[str, str]) -> Version:
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        name, record = str(card["version"]), dict(card["record"])
        figures = dict(record.get("figures", {})) | {"learnt": {each: record.get(each) for each in LEARNT}}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{folder / CARD} cannot be read: {error}; `goldenhour train` makes a model"
        ) from error
    if not _NAMED.fullmatch(name):
        raise ModelError(f"{folder / CARD}: version is {name!r}; small letters, digits, dots and dashes only")
    return Version(name, folder, _digest(files), figures)


def _digest(files: Mapping[str, str]) -> bytes:
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).digest()
