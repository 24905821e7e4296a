"""The files of a backup: what the snapshot refers to, and what else of the data folder nobody could make again."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from psycopg import Connection

from collector.video.files import Files
from config.backups.manifest import KEYS, BackupError, Kept, Manifest
from config.backups.sealing import Writing, copy, pieces, print_of_seal
from config.settings import Settings

MEDIA, DATA, STAFF = "media", "data", "config"  # folders of a backup
REFERRED = """
SELECT DISTINCT sha256 FROM looks WHERE sha256 IS NOT NULL AND file_at IS NOT NULL AND gone_at IS NULL
"""
# of the data folder: the database, which is dumped; the keys; what can be made again, or belongs to one run
LEFT_OUT = {
    "postgres",
    "postgres.log",
    "postgres.password",
    "secret",
    "vault",
    "media",
    "exercise",
    "backups",
    "scratch",
    "lock",
    "users",
    "starting",
    "parts",
}


class Source(NamedTuple):
    """A file to be kept, and its path in the backup. What was `sealed` by its digest never changes."""

    path: Path
    kept_as: str
    sealed: bool = False


def write_file(
    path: Path, seal: bytes | None, fill: Callable[[Callable[[bytes], None]], None]
) -> tuple[int, str]:
    """Write a file of a backup; gives its size and digest on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Writing(path, seal) as writing:
        fill(writing.write)
    return writing.size, writing.sha256


def copy_files(
    settings: Settings,
    connection: Connection,
    part: Path,
    *,
    seal: bytes | None,
    before: tuple[Path, Manifest] | None,
) -> tuple[list[Kept], list[str]]:
    """Copy what belongs to the snapshot; gives what was kept, and the digests that the media folder had no file for.

    Evidence that the backup before has already is shared with it: a link, not a second copy.
    """
    known: dict[str, Kept] = {}
    if before and before[1].sealed == print_of_seal(seal):
        known = {each.path: each for each in before[1].kept}
    kept, missing = [], []
    for each in (*_media(settings, connection), *_rest(settings), *_staff(settings)):
        try:
            has = known.get(each.kept_as) if each.sealed else None
            shared = _share(before[0], part, has) if before and has else None
            kept.append(shared or _copy(each, part, seal))
        except FileNotFoundError:
            if each.sealed and "." not in each.path.name:  # its pictures can be made again
                missing.append(each.path.name)
    return kept, missing


def seal_keys(settings: Settings, path: Path, under: bytes) -> Kept:
    """The key file and the vault's, sealed under a key of their own."""
    held = {
        "secret": (settings.secret_file or settings.data / "secret").read_text(encoding="ascii"),
        "vault": settings.vault.read_text(encoding="ascii") if settings.vault.exists() else "",
    }
    size, sha256 = write_file(path, under, lambda write: write(json.dumps(held).encode()))
    return Kept(path.name, size, sha256)


def open_keys(folder: Path, under: bytes) -> dict[str, str]:
    """The key files that a backup holds, by `secret` and `vault`. Raises SealError with another key."""
    if not (folder / KEYS).exists():
        raise BackupError(f"{folder} holds no keys: put the key files in place yourself")
    found: dict[str, str] = json.loads(b"".join(pieces(folder / KEYS, under)))
    return found


def _media(settings: Settings, connection: Connection) -> Iterator[Source]:
    files = Files(settings.media)
    for (digest,) in connection.execute(REFERRED).fetchall():
        sha256 = bytes(digest)
        for path in (files.place(sha256), files.sheet(sha256), files.blurred(sha256)):
            yield Source(path, f"{MEDIA}/{path.relative_to(settings.media).as_posix()}", sealed=True)


def _rest(settings: Settings) -> Iterator[Source]:
    """Whatever else lies in the data folder: heads of the log, models, packs, certificates, and what comes to be."""
    data = settings.data.resolve()
    apart = {
        each.resolve()
        for each in (settings.secret_file, settings.vault, settings.backup.folder, settings.backup.key_file)
        if each
    }
    for top in sorted(data.iterdir()):
        if top.name not in LEFT_OUT and top.resolve() not in apart:
            yield from _under(top, data, DATA, apart)


def _staff(settings: Settings) -> Iterator[Source]:
    """The files staff laid over ours, as they were."""
    if settings.config is not None and settings.config.is_dir():
        yield from _under(settings.config, settings.config, STAFF, set())


def _under(top: Path, root: Path, into: str, apart: set[Path]) -> Iterator[Source]:
    found = [top] if top.is_file() else sorted(each for each in top.rglob("*") if each.is_file())
    for path in found:
        if path.resolve() not in apart and not path.is_symlink():
            yield Source(path, f"{into}/{path.relative_to(root).as_posix()}")


def _copy(source: Source, part: Path, seal: bytes | None) -> Kept:
    if not source.path.exists():
        raise FileNotFoundError(source.path)
    target = part / source.kept_as
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Writing(target, seal) as writing:
        copy(source.path, writing)
    return Kept(source.kept_as, writing.size, writing.sha256)


def _share(before: Path, part: Path, known: Kept) -> Kept | None:
    """The file of the backup before, once more; None where that is not possible. The proof reads it anew."""
    target = part / known.path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(OSError):
        os.link(before / known.path, target)
        return known
    return None
