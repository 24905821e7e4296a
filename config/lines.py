"""JSON lines: what a command reads from stdin or a file, a few hundred at a time, each bad line named."""

import json
import sys
from collections.abc import Iterator
from typing import BinaryIO, TypeVar

import msgspec

Shape = TypeVar("Shape", bound=msgspec.Struct)


def batches(
    stream: BinaryIO, shape: type[Shape], at_once: int, where: str = ""
) -> Iterator[list[Shape | None]]:
    """Lines in their order; None for one that does not have the shape, which is named on stderr."""
    batch: list[Shape | None] = []
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        batch.append(_read(line, shape, f"{where}line {number}"))
        if len(batch) == at_once:
            yield batch
            batch = []
    if batch:
        yield batch


def _read(line: bytes, shape: type[Shape], where: str) -> Shape | None:
    try:
        return msgspec.json.decode(line, type=shape)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        refused = str(error)
    try:  # json reads lone surrogates, which posts do contain
        return msgspec.convert(json.loads(line), shape)
    except (ValueError, RecursionError):
        print(f"{where}: {refused}", file=sys.stderr)
        return None
