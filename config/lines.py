"""JSON lines: what a command reads from stdin or a file, each line that does not fit named on stderr."""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, TypeVar

import msgspec

Shape = TypeVar("Shape", bound=msgspec.Struct)


def records(stream: BinaryIO, shape: type[Shape], where: str = "") -> Iterator[Shape | None]:
    """The lines in their order; None for one that does not have the shape. Empty lines are passed over."""
    decoder = msgspec.json.Decoder(shape)
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield _read(line, decoder, f"{where}line {number}")


def batches(stream: BinaryIO, shape: type[Shape], at_once: int) -> Iterator[list[Shape | None]]:
    """The same, so many at a time."""
    lines = records(stream, shape)
    while batch := list(islice(lines, at_once)):
        yield batch


def _read(line: bytes, decoder: "msgspec.json.Decoder[Shape]", where: str) -> Shape | None:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        refused = str(error)
    try:  # json reads lone surrogates, which posts do contain
        return msgspec.convert(json.loads(line), decoder.type)
    except (ValueError, RecursionError):
        print(f"{where}: {refused}", file=sys.stderr)
        return None
