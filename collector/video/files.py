"""Where files are kept that are evidence: each sealed under its own SHA-256, beside two pictures made of it.

All processes that look at files or show them need the same folder; on several machines it is a shared one.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from collector.video.probed import Stills

FORGOTTEN_AFTER_S = 24 * 3600.0


class Digested(NamedTuple):
    sha256: bytes
    size_bytes: int


class Files:
    """The folder. It is made when the first file comes."""

    def __init__(self, folder: Path, most_bytes: int = 100_000_000) -> None:
        """`most_bytes` is what one uploaded file may have."""
        self.folder = folder
        self.most_bytes = most_bytes

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A place for a file that is not sealed yet; what is left there afterwards goes."""
        folder = self.folder / "incoming"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def place(self, sha256: bytes) -> Path:
        name = sha256.hex()
        return self.folder / name[:2] / name

    def sheet(self, sha256: bytes) -> Path:
        return self.place(sha256).with_suffix(".sheet.jpg")

    def blurred(self, sha256: bytes) -> Path:
        return self.place(sha256).with_suffix(".blurred.jpg")

    def seal(self, path: Path, sha256: bytes) -> None:
        """Move a file to its place, to be read and not written. The same file again changes nothing."""
        place = self.place(sha256)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not place.exists():
            path.chmod(0o400)
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.replace(place)

    def picture(self, sha256: bytes, stills: Stills) -> None:
        """Put the pictures made of a file beside it."""
        self.place(sha256).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.sheet(sha256).write_bytes(stills.sheet)
        self.blurred(sha256).write_bytes(stills.blurred)

    def drop(self, sha256: bytes) -> None:
        """Let a file go, and its pictures. What is gone already is no fault."""
        for path in (self.place(sha256), self.sheet(sha256), self.blurred(sha256)):
            path.unlink(missing_ok=True)

    def forget_incoming(self) -> int:
        """Take away what a process left behind that was killed. Returns how many files."""
        before = time.time() - FORGOTTEN_AFTER_S
        left = [each for each in (self.folder / "incoming").glob("*") if each.stat().st_mtime < before]
        for each in left:
            each.unlink(missing_ok=True)
        return len(left)


def digest(path: Path) -> Digested:
    """The SHA-256 and size of a file, read in pieces."""
    with path.open("rb") as file:
        return Digested(hashlib.file_digest(file, "sha256").digest(), os.fstat(file.fileno()).st_size)
