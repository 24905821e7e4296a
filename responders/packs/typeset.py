"""The process that typesets: reads one order from standard input, writes what came of it to standard output."""

import json
import os
import resource
import unicodedata
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec
import typst

STANDARD: Final = "ua-1"  # ISO 14289-1, as the compiler checks it
ALWAYS = frozenset(map(chr, range(0x20, 0x7F))) | frozenset(map(chr, range(0xA1, 0x100))) | set("–—‘’“”•…\n")
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # control and format characters, and no characters
PROBE = b'#set document(title: "x")\n#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"))\n#text(sys.inputs.asked)'
DRAWING = b'#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.svg), format: "svg")'


class Paper(msgspec.Struct, tag=True):
    """A document in JSON, to be a PDF by a template."""

    template: str
    document: str
    dated: datetime


class Drawings(msgspec.Struct, tag=True):
    """Drawings in SVG, to be PNG."""

    svgs: list[str]
    ppi: float


Order = Paper | Drawings


class Said(msgspec.Struct):
    """The files asked for, or why there are none."""

    files: list[bytes] = []
    refused: str = ""


def main() -> None:
    """The words of a document are not for a core dump, nor what a library prints for an answer."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(0, "rb") as orders, os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        order = msgspec.msgpack.decode(orders.read(), type=Order)
        out.write(msgspec.msgpack.encode(_made(order)))


def _made(order: Order) -> Said:
    try:
        if isinstance(order, Paper):
            return Said([_pdf(order)])
        return Said([_png(svg, order.ppi) for svg in order.svgs])
    except typst.TypstError as error:
        return Said(refused=error.message)


def _pdf(paper: Paper) -> bytes:
    told = json.dumps(_printable(json.loads(paper.document)), ensure_ascii=False, sort_keys=True)
    compiler = typst.Compiler(paper.template.encode(), font_paths=_fonts(), sys_inputs={"document": told})
    return _one(compiler.compile(format="pdf", pdf_standards=[STANDARD], timestamp=paper.dated))


def _png(svg: str, ppi: float) -> bytes:
    compiler = typst.Compiler(DRAWING, font_paths=_fonts(), sys_inputs={"svg": svg})
    return _one(compiler.compile(format="png", ppi=ppi))


def _one(made: bytes | list[bytes] | None) -> bytes:
    return made[0] if isinstance(made, list) else made or b""


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """Those inside the compiler, and no others: the same on each machine."""
    return typst.Fonts(include_system_fonts=False)


def _printable(value: object) -> object:
    """What no font can print is said in words: a reader must know that something stood there."""
    if isinstance(value, str):
        return value if ALWAYS.issuperset(value) else _said(value)
    if isinstance(value, dict):
        return {name: each if name == "svg" else _printable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(each) for each in value]
    return value


def _said(text: str) -> str:
    made: list[str] = []
    for char in text:
        if unicodedata.category(char) in UNSEEN:
            continue
        if char in ALWAYS or can_print(char):
            made.append(char)
            continue
        name = f"[{_name(char)}: not printed here]"
        if not (made and made[-1] == name):  # a run of one script is said once
            made.append(name)
    return "".join(made)


def _name(char: str) -> str:
    """The script of a letter, else the name of the sign."""
    name = unicodedata.name(char, f"U+{ord(char):04X}").lower()
    letter = unicodedata.category(char)[0] in "LM"
    return f"{name.split(' ')[0]} letters" if letter and " " in name else name


@lru_cache(maxsize=4096)
def can_print(char: str) -> bool:
    """Whether the fonts have a character. Asked of the compiler, which refuses what they lack."""
    try:
        typst.Compiler(PROBE, font_paths=_fonts(), sys_inputs={"asked": char}).compile(
            format="pdf", pdf_standards=[STANDARD]
        )
    except typst.TypstError:
        return False
    return True


if __name__ == "__main__":
    main()
