"""A document as PDF/UA-1: tagged, bookmarked, with its own fonts. It needs no network and no font of the machine."""

import json
import unicodedata
from datetime import UTC
from functools import lru_cache
from typing import Final

import typst

from responders.packs.document import Document, plain

STANDARD: Final = "ua-1"  # ISO 14289-1, as the compiler checks it
ALWAYS = frozenset(map(chr, range(0x20, 0x7F))) | frozenset(map(chr, range(0xA1, 0x100))) | set("–—‘’“”•…\n")
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # control and format characters, and no characters
PROBE = b'#set document(title: "x")\n#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"))\n#text(sys.inputs.asked)'


class PdfError(RuntimeError):
    """The PDF cannot be made; the message says why."""


def write_pdf(document: Document, template: str) -> bytes:
    """By `config/review/pack.typ`. Raises PdfError."""
    told = _printable(plain(document))
    compiler = typst.Compiler(
        template.encode(),
        font_paths=_fonts(),
        sys_inputs={"document": json.dumps(told, ensure_ascii=False, sort_keys=True)},
    )
    try:
        made = compiler.compile(
            format="pdf", pdf_standards=[STANDARD], timestamp=document.dated.astimezone(UTC)
        )
    except typst.TypstError as error:
        raise PdfError(f"the PDF cannot be made: {error.message}") from error
    if not isinstance(made, bytes):
        raise PdfError("the PDF cannot be made: the compiler gave no single file")
    return made


def draw(svg: str, *, ppi: float = 144) -> bytes:
    """A drawing as PNG, for what cannot take SVG. Raises PdfError."""
    source = (
        b'#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.svg), format: "svg")'
    )
    compiler = typst.Compiler(source, font_paths=_fonts(), sys_inputs={"svg": svg})
    try:
        made = compiler.compile(format="png", ppi=ppi)
    except typst.TypstError as error:
        raise PdfError(f"a drawing cannot be made: {error.message}") from error
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
