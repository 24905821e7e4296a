"""A document as PDF/UA-1: tagged, bookmarked, with its own fonts. It needs no network and no font of the machine.

The compiler runs in a process of its own (typeset.py): what a long document takes of memory is given back with it.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC

import msgspec

from responders.packs.document import Document, plain
from responders.packs.typeset import Drawings, Order, Paper, Said

WITHIN_S = 300.0  # a hundred pages take three


class PdfError(RuntimeError):
    """The PDF cannot be made; the message says why."""


def write_pdf(document: Document, template: str) -> bytes:
    """By `config/review/pack.typ`. Raises PdfError."""
    told = json.dumps(plain(document), ensure_ascii=False, sort_keys=True)
    [made] = _typeset(Paper(template, told, document.dated.astimezone(UTC)), "the PDF")
    return made


def draw(drawings: Sequence[str], *, ppi: float = 144) -> list[bytes]:
    """Drawings in SVG as PNG, for what cannot take SVG. Raises PdfError."""
    return _typeset(Drawings(list(drawings), ppi), "a drawing") if drawings else []


def _typeset(order: Order, what: str) -> list[bytes]:
    command = [sys.executable, "-P", "-m", "responders.packs.typeset"]
    try:
        ran = subprocess.run(
            command, input=msgspec.msgpack.encode(order), stdout=subprocess.PIPE, timeout=WITHIN_S, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise PdfError(f"{what} cannot be made: it takes longer than {WITHIN_S:g} s") from error
    except subprocess.CalledProcessError as error:
        why = f"the compiler ended with code {error.returncode}; is there memory enough?"
        raise PdfError(f"{what} cannot be made: {why}") from error
    said = msgspec.msgpack.decode(ran.stdout, type=Said)
    if said.refused:
        raise PdfError(f"{what} cannot be made: {said.refused}")
    return said.files
