"""A seal: AES-256-GCM over a file in pieces, so that a file of any size is sealed and opened in little memory.

A sealed file is a mark, a salt and seven random bytes, then pieces of one mebibyte with their tags. The nonce of a
piece counts, and says which is the last: a piece that was changed, moved, or cut off does not open.
"""

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = b"GHSEAL1\n"
PIECE = 1 << 20
TAG = 16
SALT = 16
PREFIX = 7
SHORTEST_KEY = 20  # characters of a key file


class SealError(Exception):
    """What is sealed does not open, or the key cannot be used; the message says which and what to do."""


def read_key(path: Path) -> bytes:
    """The content of a key file. Raises SealError when it cannot be read, is short, or others can read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise SealError(f"{path}: others can read this key file; run `chmod 600 {path}`")
        key = path.read_bytes().strip()
    except OSError as error:
        raise SealError(f"{path}: the key file cannot be read: {error.strerror}") from error
    if len(key) < SHORTEST_KEY:
        raise SealError(
            f"{path}: a key of {SHORTEST_KEY} characters at least; make one: openssl rand -hex 32"
        )
    return key


@lru_cache(maxsize=8)
def _stretched(key: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(key, salt=salt, n=2**15, r=8, p=1, maxmem=64 << 20, dklen=32)


def print_of_seal(key: bytes | None) -> str:
    """By what a key is known again; empty for none."""
    return _stretched(key, b"fingerprint of a").hex()[:16] if key else ""


class Writing:
    """A file being written, sealed when there is a key. `sha256` and `size` are of what lies on the disk."""

    def __init__(self, path: Path, key: bytes | None) -> None:
        self.file: BinaryIO = open(path, "xb", opener=_private)  # noqa: SIM115  closed in __exit__
        self.digest, self.size = hashlib.sha256(), 0
        self.waiting, self.number = bytearray(), 0
        self.prefix, self.cipher = b"", None
        if key is not None:
            salt, self.prefix = os.urandom(SALT), os.urandom(PREFIX)
            self.cipher = AESGCM(_stretched(key, salt))
            self._put(MARK + salt + self.prefix)

    def write(self, more: bytes) -> None:
        if self.cipher is None:
            self._put(more)
            return
        self.waiting += more
        while len(self.waiting) > PIECE:
            self._seal(bytes(self.waiting[:PIECE]), last=False)
            del self.waiting[:PIECE]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self.file:
            if kind is None:
                if self.cipher is not None:
                    self._seal(bytes(self.waiting), last=True)
                self.file.flush()
                os.fsync(self.file.fileno())

    @property
    def sha256(self) -> str:
        return self.digest.hexdigest()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        assert self.cipher is not None
        self._put(self.cipher.encrypt(_nonce(self.prefix, self.number, last), piece, None))
        self.number += 1

    def _put(self, more: bytes) -> None:
        self.file.write(more)
        self.digest.update(more)
        self.size += len(more)


def pieces(path: Path, key: bytes | None) -> Iterator[bytes]:
    """What a file holds, opened when it is sealed. Raises SealError where it does not open."""
    with path.open("rb") as file:
        mark = file.read(len(MARK))
        if mark != MARK:
            yield mark
            while more := file.read(PIECE):
                yield more
            return
        if key is None:
            raise SealError(f"{path.name} is sealed: give the key file it was sealed with")
        salt, prefix = file.read(SALT), file.read(PREFIX)
        cipher, number, piece = AESGCM(_stretched(key, salt)), 0, file.read(PIECE + TAG)
        while True:
            after = file.read(PIECE + TAG)
            try:
                yield cipher.decrypt(_nonce(prefix, number, not after), piece, None)
            except InvalidTag as error:
                raise SealError(
                    f"{path.name} does not open: it was changed or cut off, or this is not its key"
                ) from error
            if not after:
                return
            piece, number = after, number + 1


def copy(source: Path, target: Writing) -> None:
    """Write a file's content, in pieces."""
    with source.open("rb") as file:
        while more := file.read(PIECE):
            target.write(more)


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + (b"\1" if last else b"\0")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
