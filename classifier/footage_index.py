"""The index of frame hashes: which stored frames lie within a few bits of any of many thousand keys.

The first 64 bits of a hash are four words of 16. Two keys within a few bits of each other nearly always
agree in one word, so each word has a table from its value to the frames that hold it (multi-index
hashing; Norouzi, Punjani and Fleet 2012). All frames asked about are looked up in one pass of arrays.
"""

from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

TABLES = 4
KEYS_AT_ONCE = 16_384


class Hits(NamedTuple):
    """Pairs of a key asked about (`asked`, its place) and a stored frame (`frame`), with the bits between."""

    asked: NDArray[np.int64]
    frame: NDArray[np.int64]
    bits: NDArray[np.uint8]


class _Table(NamedTuple):
    """For each of 65,536 values of one word: `begin[value]` to `begin[value + 1]` in `frames`."""

    begin: NDArray[np.int64]
    frames: NDArray[np.int32]


class FootageIndex:
    """Every stored frame hash in memory: about 60 bytes a frame. One thread at a time."""

    def __init__(self) -> None:
        self._hashes: NDArray[np.uint64] = np.zeros((0, 4), np.uint64)
        self._at_s: NDArray[np.float32] = np.zeros(0, np.float32)
        self._owner: NDArray[np.int32] = np.zeros(0, np.int32)
        self._footage: list[UUID | None] = []
        self._place: dict[UUID, int] = {}
        self._fresh: list[tuple[NDArray[np.uint64], NDArray[np.float32], NDArray[np.int32]]] = []
        self._tables: list[_Table] = []

    def __len__(self) -> int:
        """How many frames are held."""
        return len(self._at_s) + sum(len(at_s) for _, at_s, _ in self._fresh)

    def __contains__(self, footage: UUID) -> bool:
        return footage in self._place

    def add(self, footage: UUID, hashes: NDArray[np.uint64], at_s: NDArray[np.float32]) -> None:
        """Hold the frames of one footage, in order of time. Adding the same footage again changes nothing."""
        if footage in self._place:
            return
        self._place[footage] = place = len(self._footage)
        self._footage.append(footage)
        self._fresh.append((hashes.reshape(-1, 4), at_s, np.full(len(at_s), place, np.int32)))

    def forget(self, footage: UUID) -> None:
        """Find this footage no more. Its frames leave memory when the index is next read afresh."""
        place = self._place.pop(footage, None)
        if place is not None:
            self._footage[place] = None

    def settle(self) -> None:
        """Build the tables over what was added. Lookups do so themselves; this does it ahead of them."""
        if not self._fresh:
            return
        self._hashes = np.concatenate([self._hashes, *(hashes for hashes, _, _ in self._fresh)])
        self._at_s = np.concatenate([self._at_s, *(at_s for _, at_s, _ in self._fresh)])
        self._owner = np.concatenate([self._owner, *(owner for _, _, owner in self._fresh)])
        self._fresh = []
        words = np.ascontiguousarray(self._hashes[:, 0]).view("<u2").reshape(-1, TABLES)
        self._tables = [_table(words[:, number]) for number in range(TABLES)]

    def near(self, keys: NDArray[np.uint64], within: int) -> Hits:
        """All stored frames within so many of 64 bits of each key that share a word with it."""
        self.settle()
        parts = [
            _shifted(self._near(keys[begin : begin + KEYS_AT_ONCE], within), begin)
            for begin in range(0, len(keys) if self._tables else 0, KEYS_AT_ONCE)
        ]
        return Hits(*(np.concatenate(column) for column in zip(*parts, strict=True))) if parts else NONE

    def owner(self, frames: NDArray[np.int64]) -> NDArray[np.int32]:
        """The place of the footage each frame belongs to."""
        owners: NDArray[np.int32] = self._owner[frames]
        return owners

    def footage(self, place: int) -> UUID | None:
        """The footage at a place; None when it was forgotten."""
        return self._footage[place]

    def hash_of(self, frame: int) -> NDArray[np.uint64]:
        """The whole hash of one frame."""
        code: NDArray[np.uint64] = self._hashes[frame]
        return code

    def frames_of(self, place: int) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """The hashes and moments of one footage, in order of time."""
        begin, end = np.searchsorted(self._owner, [place, place + 1])
        return self._hashes[begin:end], self._at_s[begin:end]

    def _near(self, keys: NDArray[np.uint64], within: int) -> Hits:
        words = np.ascontiguousarray(keys).view("<u2").reshape(-1, TABLES)
        stored = self._hashes[:, 0]
        parts = []
        for number, table in enumerate(self._tables):
            asked, frames = _in_same_bucket(table, words[:, number])
            bits = np.bitwise_count(stored[frames] ^ keys[asked])
            close = np.flatnonzero(bits <= within)
            parts.append(Hits(asked[close], frames[close].astype(np.int64), bits[close]))
        return _once(Hits(*(np.concatenate(column) for column in zip(*parts, strict=True))), len(stored))


NONE = Hits(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8))


def _table(words: NDArray[np.uint16]) -> _Table:
    counts = np.bincount(words, minlength=1 << 16)
    return _Table(np.concatenate([[0], np.cumsum(counts)]), np.argsort(words, kind="stable").astype(np.int32))


def _in_same_bucket(table: _Table, words: NDArray[np.uint16]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    begin = table.begin[words]
    counts = table.begin[words.astype(np.int64) + 1] - begin
    asked = np.repeat(np.arange(len(words)), counts)
    offset = begin - np.cumsum(counts) + counts
    return asked, table.frames[np.arange(len(asked)) + np.repeat(offset, counts)]


def _once(hits: Hits, stored: int) -> Hits:
    """Each pair once, though it may share several words."""
    _, first = np.unique(hits.asked * stored + hits.frame, return_index=True)
    return Hits(hits.asked[first], hits.frame[first], hits.bits[first])


def _shifted(hits: Hits, by: int) -> Hits:
    return hits._replace(asked=hits.asked + by)
