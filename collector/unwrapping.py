"""Files as people hand them over: packed or not, and in one of the formats that can be read."""

import bz2
import gzip
import io
import lzma
from typing import BinaryIO, cast

import zstandard

HEAD = 65_536


class NotReadable(ValueError):
    """A file whose format is not recognised; the text says what to do."""


def unpacked(stream: BinaryIO) -> io.BufferedReader:
    """The stream without gzip, xz, bzip2 or zstd around it, known by its first bytes, not by its name."""
    buffered = (
        stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
    )
    head = buffered.peek(8)[:8]
    packed: object = None
    if head.startswith(b"\x1f\x8b"):
        packed = gzip.GzipFile(fileobj=buffered)
    elif head.startswith(b"\xfd7zXZ\x00"):
        packed = lzma.LZMAFile(buffered)  # noqa: SIM115  # closed with the stream it reads
    elif head.startswith(b"BZh"):
        packed = bz2.BZ2File(buffered)
    elif head.startswith(b"\x28\xb5\x2f\xfd"):
        packed = zstandard.ZstdDecompressor().stream_reader(buffered)
    return io.BufferedReader(cast("io.RawIOBase", packed), HEAD) if packed is not None else buffered


# What the readers of packed files raise when a file is damaged or ends too early.
DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zstandard.ZstdError, OSError)
