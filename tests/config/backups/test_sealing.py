"""A seal opens to what was sealed, under its key, and to nothing that was changed since."""

import os
from pathlib import Path

import pytest

from config.backups.sealing import PIECE, SealError, Writing, pieces


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 5])
def test_a_seal_opens_to_what_was_sealed(tmp_path: Path, size: int) -> None:
    body = os.urandom(size)
    with Writing(tmp_path / "file", b"a key of some length") as writing:
        for start in range(0, size, 70_000):
            writing.write(body[start : start + 70_000])
    assert b"".join(pieces(tmp_path / "file", b"a key of some length")) == body
    sealed = (tmp_path / "file").read_bytes()
    assert writing.size == len(sealed)
    for spoilt in (
        sealed[:-1],
        sealed[: len(sealed) - 17 - PIECE] if size > PIECE else sealed[:-3],
        sealed + b"x",
    ):
        (tmp_path / "file").write_bytes(spoilt)
        with pytest.raises(SealError):
            list(pieces(tmp_path / "file", b"a key of some length"))
