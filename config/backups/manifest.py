"""A manifest: what a backup holds, with the digests that prove it. A folder without a whole one is no backup."""

import hashlib
import hmac
import os
from datetime import datetime
from pathlib import Path

import msgspec

FORMAT = 1
NAME = "manifest.json"
DATABASE = "database.dump"
KEYS = "keys.sealed"
UNFINISHED = ".part"


class BackupError(Exception):
    """A backup cannot be made, or is not to be used; the message says which, why, and what to do."""


class Held(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table as it was in the snapshot: how many rows, and a digest of them in whatever order."""

    rows: int
    digest: str


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the backup, by its path in it, as it lies on the disk."""

    path: str
    size: int
    sha256: str


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it was restored into a scratch database, how long that took, and what was looked at."""

    at: datetime
    took_s: float
    checks: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds. `head` is where the log ended in it, `key_print` a fingerprint of the key file
    in use, `sealed` one of the key that seals the backup, empty when none does; `missing` names files that the database
    knows and the media folder had not. `digest` and `mac` prove the rest.
    """

    format: int
    name: str
    made_at: datetime
    why: str
    release: str
    revision: str
    server: str
    head: str
    sealed: str
    has_keys: bool
    key_print: str
    tables: dict[str, Held]
    kept: tuple[Kept, ...]
    missing: tuple[str, ...]
    proof: Proof | None = None
    digest: str = ""
    mac: str = ""

    @property
    def size(self) -> int:
        return sum(each.size for each in self.kept)

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.tables.values())


def write_manifest(folder: Path, manifest: Manifest, key: bytes) -> None:
    """Put the manifest into its folder, whole or not at all. `key` is that of backups, from the key file."""
    bare = _bare(manifest)
    sealed = msgspec.structs.replace(
        manifest, digest=hashlib.sha256(bare).hexdigest(), mac=hmac.digest(key, bare, "sha256").hex()
    )
    path = folder / (NAME + UNFINISHED)
    with path.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(sealed)))
        file.flush()
        os.fsync(file.fileno())
    path.replace(folder / NAME)
    sync_folder(folder)


def read_manifest(folder: Path, key: bytes | None) -> Manifest:
    """The manifest of a backup, proven to be as it was written. Raises BackupError.

    Without the key, or with another one, only that it is whole can be known, not who wrote it.
    """
    path = folder / NAME
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise BackupError(f"{folder} is no backup: there is no {NAME} in it") from error
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupError(f"{path} cannot be read: {error}. Use another backup") from error
    if found.format != FORMAT:
        raise BackupError(
            f"{folder} has format {found.format}, this release reads {FORMAT}: "
            f"restore it with release {found.release}"
        )
    bare = _bare(found)
    whole = hmac.compare_digest(found.digest, hashlib.sha256(bare).hexdigest())
    same_key = key is not None and hmac.compare_digest(found.key_print, print_of(key))
    if same_key and key is not None:
        whole = whole and hmac.compare_digest(found.mac, hmac.digest(key, bare, "sha256").hex())
    if not whole:
        raise BackupError(f"{path} was changed after it was written. Use another backup")
    return found


def print_of(key: bytes) -> str:
    """A fingerprint by which a key is known again; nothing can be opened with it."""
    return hmac.digest(key, b"fingerprint", "sha256").hex()[:16]


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _bare(manifest: Manifest) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(manifest, digest="", mac=""), order="deterministic")
