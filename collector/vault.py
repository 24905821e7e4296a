"""The vault: who wrote a post that is in a case, sealed under a key that is kept outside the database.

Sealed with AES-256-GCM, bound to the post. The keys stand in a file of their own, `id key` a line: the last one
seals, the others only open what they sealed before. Without the file nobody can ever say whose post it was.
"""

import hmac
import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text
from sqlmodel import Session

from collector.authors import READERS, author_in
from collector.evidence_records import SealedAuthor

NONCE = 12  # bytes, as NIST SP 800-38D recommends
AT_ONCE = 1_000

_UNSEALED = text(
    "SELECT p.id, p.platform, p.payload FROM post_keys AS k"
    " JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at"
    " WHERE k.id IN (SELECT post_id FROM custody_entries WHERE act = 'collected' AND at > :since)"
    " AND p.withdrawn_at IS NULL AND p.payload IS NOT NULL AND p.platform = ANY(CAST(:platforms AS text[]))"
    " AND NOT EXISTS (SELECT FROM sealed_authors AS s WHERE s.post_id = p.id) LIMIT :most"
)


class VaultError(ValueError):
    """The key file cannot be used, or does not open what is sealed; the message says what to do."""


class Keyring:
    """The keys by their id, the one that seals last."""

    def __init__(self, keys: Mapping[str, bytes], path: Path | None = None) -> None:
        self._keys, self._path = dict(keys), path

    @classmethod
    def of(cls, path: Path) -> Self:
        """The keys of a file, made with one key when it is not there. Raises VaultError."""
        if not path.exists():
            add_key(path)
        if path.stat().st_mode & 0o077:
            raise VaultError(f"{path}: others can read this key file; run `chmod 600 {path}`")
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        try:
            keys = {name: bytes.fromhex(key) for name, key in lines}
        except ValueError as error:
            raise VaultError(f"{path}: each line must be an id and a key in hexadecimal") from error
        if not keys or any(len(key) != 32 for key in keys.values()):
            raise VaultError(f"{path}: must hold keys of 32 bytes")
        return cls(keys, path)

    def seal(self, post: UUID, author: str) -> tuple[str, bytes]:
        """The id of the key, and the author sealed with it; opens for this post only."""
        name, key = list(self._keys.items())[-1]
        nonce = secrets.token_bytes(NONCE)
        return name, nonce + AESGCM(key).encrypt(nonce, author.encode("utf-8", "replace"), post.bytes)

    def open(self, sealed: SealedAuthor) -> str:
        """Who wrote the post. Raises VaultError when its key is gone or it was tampered with."""
        if sealed.key_id not in self._keys and self._path is not None:
            self._keys = Keyring.of(self._path)._keys  # keys are added while we work
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise VaultError(
                f"the key {sealed.key_id} is not in the key file of the vault: restore it, or nobody can"
            )
        nonce, body = sealed.sealed[:NONCE], sealed.sealed[NONCE:]
        try:
            return AESGCM(key).decrypt(nonce, body, sealed.post_id.bytes).decode()
        except InvalidTag as error:
            raise VaultError("what is sealed does not open: it was changed in the database") from error

    def mark(self, author: str) -> bytes:
        """By what an author is known again, under the oldest key: it says nothing of who it is without that."""
        oldest = next(iter(self._keys.values()))
        return hmac.digest(oldest, b"mark\0" + author.encode("utf-8", "replace"), "sha256")


def add_key(path: Path) -> None:
    """Add a new key, which seals from now on; makes the file, which only we can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(made, "a", encoding="ascii") as file:
        file.write(f"{secrets.token_hex(4)} {secrets.token_hex(32)}\n")


def seal_authors(session: Session, keyring: Keyring, *, since: datetime, now: datetime) -> int:
    """Seal the authors of posts taken into custody since then, at most 1,000 at once. Returns how many.

    Of other posts nothing is sealed. The caller commits.
    """
    values = {"since": since, "platforms": list(READERS), "most": AT_ONCE}
    sealed = 0
    for each in session.execute(_UNSEALED, values).all():
        author = author_in(each.platform, bytes(each.payload))
        if author is not None:
            key_id, body = keyring.seal(each.id, author)
            session.add(SealedAuthor(post_id=each.id, key_id=key_id, sealed=body, sealed_at=now))
            sealed += 1
    return sealed
