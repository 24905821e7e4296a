"""A response body as it comes off the wire, unpacked within a limit: a small bomb must not become a large one."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO, cast

import zstandard

from collector.errors import BROKEN, PACKED, TooLarge, Unreadable

PIECE = 64 * 1024
LAYERS = 2
_WINDOW = 8 * 1024 * 1024  # RFC 9659: what a zstd sender on the web may ask a reader to keep

OFFERED = "gzip, deflate, zstd"


def unpack(chunks: Iterable[bytes], encodings: str, *, largest: int, where: str) -> Iterator[bytes]:
    """A body after unpacking `encodings` (the Content-Encoding header, last applied last), piece by piece.

    Raises TooLarge as soon as more than `largest` bytes came in or out, Unreadable for a body that is
    cut short, damaged, or packed in a way we did not offer. `where` names the address in messages.
    """
    stream = _counted(chunks, largest, where)
    layers = [each.strip().lower() for each in encodings.split(",") if each.strip()]
    layers = [each for each in layers if each != "identity"]
    if len(layers) > LAYERS:
        raise Unreadable(f"{where}: packed {len(layers)} times over", remedy=PACKED)
    for layer in reversed(layers):
        if layer not in _UNPACKERS:
            raise Unreadable(f"{where}: packed as {layer[:20]!r}, which was not offered", remedy=PACKED)
        stream = _counted(_checked(_UNPACKERS[layer](stream), where), largest, where)
    return stream


def _counted(chunks: Iterable[bytes], largest: int, where: str) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > largest:
            raise TooLarge(f"{where}: more than {largest / 1e6:.0f} MB")
        yield chunk


def _checked(pieces: Iterator[bytes], where: str) -> Iterator[bytes]:
    try:
        yield from pieces
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise Unreadable(f"{where}: the packed body is damaged ({error})", remedy=BROKEN) from error


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Gzip members one after another (RFC 1952); bytes after the last that are not gzip are ignored."""
    unpacker = zlib.decompressobj(wbits=31)
    empty = True
    for chunk in chunks:
        left = chunk
        while left:
            empty = False
            piece = unpacker.decompress(left, PIECE)
            if piece:
                yield piece
            left = unpacker.unconsumed_tail
            if unpacker.eof:
                left = unpacker.unused_data
                if not left.startswith(b"\x1f\x8b"):
                    return
                unpacker = zlib.decompressobj(wbits=31)
    yield from _drain(unpacker, empty)


def _inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Deflate, wrapped in zlib as RFC 9110 says or bare as many servers send it."""
    unpacker = None
    for chunk in chunks:
        if unpacker is None:
            wrapped = len(chunk) > 0 and chunk[0] & 0x0F == 8
            unpacker = zlib.decompressobj(wbits=15 if wrapped else -15)
        left = chunk
        while left:
            piece = unpacker.decompress(left, PIECE)
            if piece:
                yield piece
            left = unpacker.unconsumed_tail
    if unpacker is not None:
        yield from _drain(unpacker, False)


def _drain(unpacker: "zlib._Decompress", empty: bool) -> Iterator[bytes]:
    while piece := unpacker.decompress(unpacker.unconsumed_tail, PIECE):
        yield piece
    if not unpacker.eof and not empty:
        raise EOFError("it is cut short")


def _unzstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    source = cast("IO[bytes]", _Readable(chunks))  # it only ever calls `read`
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(
        source, read_across_frames=True
    )
    while piece := reader.read(PIECE):
        yield piece


class _Readable:
    """Chunks as a file to read from, which is what zstandard asks for."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._left = chunk
        size = len(self._left) if size < 0 else size
        piece, self._left = self._left[:size], self._left[size:]
        return piece


_UNPACKERS: dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "zstd": _unzstd,
}
