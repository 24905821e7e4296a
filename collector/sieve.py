"""A sieve: frames of the stream are poured in, one batch of what could be ours comes out.

Most frames are let through by looking for a few bytes; only posts are decoded, and only those that the
prefilter lets in are kept.
"""

from collections.abc import Sequence
from functools import partial

import zstandard

from collector.batch import Batch, CursorPosition, Deletion, Item, Malformed, Missed, Wish
from collector.bluesky import COLLECTION, PLATFORM, asks_not_to_be_shown, words
from collector.errors import Unreadable
from collector.prefilter import Prefilter
from collector.reservoir import Urn
from collector.sources.jetstream import (
    COMMITS,
    POST,
    PROFILE,
    PROFILES,
    Change,
    Place,
    item_of,
    place_of,
    read_frame,
)

LARGEST_FRAME = 8_000_000
_PACKED = b"\x28\xb5\x2f\xfd"  # how every zstd frame begins (RFC 8878, 3.1.1)
_V1_COMMIT, _V2_COMMIT = COMMITS[1], COMMITS[0]
_NAMED = b'"collection":"app.bsky.'
_POST, _PROFILE = POST.removeprefix(b'"app.bsky.'), PROFILE.removeprefix(b'"app.bsky.')


class Sieve:
    """Holds what was kept since it was last emptied. `events` counts every frame ever poured in."""

    def __init__(self, prefilter: Prefilter, dictionary: bytes | None = None) -> None:
        """`dictionary` is the server's own for packed frames; without it plain zstd frames are read."""
        self._prefilter = prefilter
        self._urn = Urn(prefilter.sample)
        known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        self._unpack = zstandard.ZstdDecompressor(dict_data=known)
        self.events = 0
        self.first: bytes | None = None
        self.last: bytes | None = None
        self.errors: list[str] = []
        self.notices: list[str] = []
        self.empty()

    def empty(self) -> None:
        """Forget what was kept, because it is stored now."""
        self.moved = False  # whether frames came since
        self.edits = False  # whether what is kept holds edits
        self.kept: dict[str, Item] = {}
        self.deletions: dict[str, Deletion] = {}
        self.wishes: dict[str, Wish] = {}
        self.malformed: list[Malformed] = []
        self.dropped = 0

    def __len__(self) -> int:
        """How much there is to store, deletions included."""
        return len(self.kept) + len(self.deletions) + len(self.malformed)

    def pour(self, frames: Sequence[bytes]) -> None:
        """Take in frames in their order. Raises Unreadable for packed frames that cannot be unpacked."""
        posts: list[tuple[Change, bytes]] = []
        taken_back: list[Change] = []
        last = None
        for frame in frames:
            if frame[:4] == _PACKED:
                frame = self._unpacked(frame)
            kind = _collection(frame)
            if kind == POST:
                last = frame
                self._look(frame, posts, taken_back)
            elif kind == PROFILE:
                last = frame
                self._ask(frame, taken_back)
            elif kind or _V2_COMMIT in frame or _V1_COMMIT in frame or self._told(frame, taken_back):
                last = frame
            if self.first is None:
                self.first = last
        self.events += len(frames)
        self.last = last or self.last
        self.moved = self.moved or last is not None
        if posts:
            self._keep(posts)
        for change in taken_back:  # after what came before them in the same breath
            self._take_back(change)

    def first_place(self, host: str) -> Place | None:
        """Where the first frame stands; None as long as none has come that can be read."""
        try:
            return place_of(self.first, host) if self.first else None
        except ValueError:
            self.first = None
            return None

    def place(self, host: str) -> Place | None:
        """Where the last frame stands; None before the first, and where it cannot be read."""
        try:
            return place_of(self.last, host) if self.last else None
        except ValueError:
            return None

    def batch(self, place: Place | None, gaps: list[Missed]) -> Batch:
        """What is to be stored, with the place to go on from."""
        return Batch(
            items=list(self.kept.values()),
            cursor=CursorPosition(position=str(place)) if place else None,
            gaps=gaps,
            deletions=list(self.deletions.values()),
            wishes=list(self.wishes.values()),
            malformed=self.malformed,
            dropped=self.dropped,
            refused=self._urn.empty(),
        )

    def _unpacked(self, frame: bytes) -> bytes:
        try:
            return self._unpack.decompress(frame, max_output_size=LARGEST_FRAME)
        except zstandard.ZstdError as error:
            raise Unreadable("its packed frames cannot be unpacked") from error

    def _look(self, frame: bytes, posts: list[tuple[Change, bytes]], taken_back: list[Change]) -> None:
        try:
            change = read_frame(frame)
        except ValueError as error:
            self._bad("a frame", error)
            return
        if change.collection != COLLECTION:
            return
        if change.operation == "delete":
            taken_back.append(change)
        elif change.record is not None:
            posts.append((change, frame))
        else:
            self._bad(change.uri[:200], ValueError("a post without a record"))

    def _ask(self, frame: bytes, taken_back: list[Change]) -> None:
        """Hear what an account asks for all it writes. Of its profile nothing else is read."""
        try:
            change = read_frame(frame)
        except ValueError as error:
            self._bad("a profile", error)
            return
        if change.collection == PROFILES and change.did:
            hidden = asks_not_to_be_shown(change.record)
            self.wishes[change.did] = Wish(PLATFORM, change.did, hidden)
            if hidden:
                taken_back.append(change._replace(operation="hidden"))

    def _keep(self, posts: list[tuple[Change, bytes]]) -> None:
        rules = self._prefilter.lets_in([words(change.record) for change, _ in posts if change.record])
        for (change, frame), rule in zip(posts, rules, strict=True):
            edit = change.operation == "update"
            if rule is None and not edit:  # an edit may take the words away by which it was ours
                self.dropped += 1
                self._urn.offer(partial(item_of, change, frame, let_in_by=None))
                continue
            try:
                item = item_of(change, frame, let_in_by=rule)
            except ValueError as error:
                self._bad(change.uri[:200], error)
                continue
            self.edits = self.edits or edit
            self.kept[f"{change.uri}#{change.rev}" if edit else change.uri] = item

    def _told(self, frame: bytes, taken_back: list[Change]) -> bool:
        """Hear what is not a commit; whether the frame stands in the stream and so moves the place."""
        try:
            change = read_frame(frame)
        except ValueError as error:
            self._bad("a frame", error)
            return False
        if change.operation == "gone" and change.did:
            taken_back.append(change)
        elif change.operation == "error":
            self.errors.append(change.words)
        elif change.operation == "info":
            self.notices.append(change.words)
        return bool(change.time)

    def _take_back(self, change: Change) -> None:
        if change.operation == "delete":
            self._withdraw(change, "deleted by its author")
            return
        prefix = f"at://{change.did}/"
        self._unkeep(prefix)
        hidden = change.operation == "hidden"
        because = "its author asks not to be shown" if hidden else f"its account is {change.words}"
        self.deletions[prefix] = Deletion(PLATFORM, because, prefix=prefix)

    def _withdraw(self, change: Change, because: str) -> None:
        uri = change.uri
        self._unkeep(uri)
        self.deletions[uri] = Deletion(PLATFORM, because, external_id=uri)

    def _unkeep(self, start: str) -> None:
        """Drop what is not stored yet: a post with its edits, or all that an account wrote."""
        gone = [start] if start in self.kept else []
        if start.endswith("/") or self.edits:
            ours = start if start.endswith("/") else f"{start}#"
            gone += [each for each in self.kept if each.startswith(ours)]
        for each in gone:
            del self.kept[each]
        self.dropped += len(gone)

    def _bad(self, which: str, error: ValueError) -> None:
        self.malformed.append(Malformed(which, str(error)[:200]))


def _collection(frame: bytes) -> bytes:
    """Which collection a frame is about, `POST` or `PROFILE` if one of these; empty when it does not say so early on,
    as servers write it. Most frames are let by on this one look."""
    at = frame.find(_NAMED)
    if at >= 0:
        start = at + len(_NAMED)
        if frame.startswith(_POST, start):
            return POST
        return PROFILE if frame.startswith(_PROFILE, start) else _NAMED
    if POST in frame:
        return POST
    return PROFILE if PROFILE in frame else b""
