"""The shelf: the folder in which backups lie. What is on it without a proven manifest is no backup."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from config.backups.manifest import DATABASE, NAME, UNFINISHED, BackupError, Manifest, read_manifest
from config.backups.proving import check_files

LOCK = "lock"


class Found(NamedTuple):
    """A backup on the shelf: its manifest, or why it is none."""

    folder: Path
    manifest: Manifest | None
    wrong: str = ""


@contextmanager
def claimed_folder(folder: Path) -> Iterator[list[str]]:
    """The shelf is ours alone for as long as this lasts; gives what earlier backups that broke off had left on it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(f"another backup is being made in {folder}: wait until it is done") from error
        left = sorted(folder.glob(f"goldenhour-*{UNFINISHED}"))
        for each in left:
            shutil.rmtree(each)
        yield [each.name.removesuffix(UNFINISHED) for each in left]


def look(folder: Path, key: bytes, *, thorough: bool = False) -> list[Found]:
    """What lies on the shelf, the newest first. `thorough` reads every file, and finds what has rotted since."""
    if not folder.is_dir():
        return []
    found = sorted((each for each in folder.glob("goldenhour-*") if each.is_dir()), reverse=True)
    return [_look_at(each, key, thorough) for each in found]


def newest(folder: Path, key: bytes) -> tuple[Path, Manifest] | None:
    """The newest good one."""
    return next(((each.folder, each.manifest) for each in look(folder, key) if each.manifest), None)


def let_old_go(folder: Path, keep: int, key: bytes) -> list[str]:
    """Delete all good ones but the newest few. What is no good stays to be looked at."""
    good = [each for each in look(folder, key) if each.manifest is not None]
    for each in good[keep:]:
        going = each.folder.with_name(each.folder.name + UNFINISHED)  # so that half a backup is never listed
        each.folder.rename(going)
        shutil.rmtree(going)
    return [each.folder.name for each in good[keep:]]


def _look_at(folder: Path, key: bytes, thorough: bool) -> Found:
    if folder.name.endswith(UNFINISHED):
        return Found(folder, None, "it broke off, or is being made just now")
    try:
        manifest = read_manifest(folder, key)
        if manifest.proof is None:
            raise BackupError(f"{folder / NAME} says that it was never proven")
        if thorough:
            check_files(folder, manifest)
        else:
            _check_sizes(folder, manifest)
    except BackupError as error:
        return Found(folder, None, str(error))
    return Found(folder, manifest)


def _check_sizes(folder: Path, manifest: Manifest) -> None:
    """The quick look: everything is there and as long as it was."""
    if not any(each.path == DATABASE for each in manifest.kept):
        raise BackupError(f"{folder} holds no database")
    for each in manifest.kept:
        try:
            size = (folder / each.path).stat().st_size
        except OSError as error:
            raise BackupError(f"{folder / each.path} cannot be read: {error.strerror}") from error
        if size != each.size:
            raise BackupError(f"{folder / each.path} is not as it was written")
