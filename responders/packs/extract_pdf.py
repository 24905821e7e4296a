"""The words of a finished PDF: by its tags, so that a paragraph is whole across lines and pages, and what is unseen.

A tagged PDF marks each piece of text with a number on its page; its structure tree says which pieces make one
paragraph, cell or heading (ISO 32000-1, 14.7 and 14.8). What no tag claims, such as page heads, is read by itself.
"""

import io
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader

from responders.packs.chunks import WHOLE, Chunk, Extract

XML_TAG = re.compile(rb"<[^>]+>")
XMP_IDS = re.compile(rb"<xmpMM:(DocumentID|InstanceID)>[^<]*</xmpMM:\1>")  # digests of the file itself
WITHIN = {"/Span", "/Link", "/Reference", "/Quote", "/Code", "/Em", "/Strong", "/Annot", "/Private"}
UNSEEN = ("/Alt", "/ActualText", "/T", "/E")

Pieces = dict[tuple[int, int | None], list[str]]


def read_pdf(made: bytes) -> Extract:
    """All words of a PDF."""
    reader = PdfReader(io.BytesIO(made))
    root: Any = reader.trailer["/Root"]
    chunks = [Chunk(f"metadata {name}", str(value)) for name, value in (reader.metadata or {}).items()]
    if "/Metadata" in root:
        packet = XMP_IDS.sub(b"", root["/Metadata"].get_data())
        plain = XML_TAG.sub(b"\n", packet).decode("utf-8", "replace")
        chunks += (Chunk("metadata", line) for line in plain.splitlines() if line.strip())
    chunks += (Chunk("bookmark", title) for title in _bookmarks(reader.outline))
    pieces: Pieces = {}
    pages: dict[int, int] = {}
    pictures = 0
    for number, page in enumerate(reader.pages, 1):
        pages[page.indirect_reference.idnum if page.indirect_reference else 0] = number
        chunks.append(Chunk(f"page {number}{WHOLE}", _hear(page, number, pieces)))
        chunks += _links(page, f"page {number}")
        pictures += sum(1 for _ in _pictures(page))
    if "/StructTreeRoot" in root:
        chunks += _Tree(pieces, pages).read(root["/StructTreeRoot"])
    chunks += (
        Chunk(f"page {page}", "".join(told)) for (page, _), told in pieces.items() if "".join(told).strip()
    )
    return Extract(chunks, pictures)


def _bookmarks(outline: Any) -> Iterator[str]:
    for each in outline:
        if isinstance(each, list):
            yield from _bookmarks(each)
        else:
            yield str(each.title)


def _hear(page: Any, number: int, pieces: Pieces) -> str:
    """Keep the words of a page by the numbers of their marks, and return them in one piece."""
    marks: list[int | None] = []

    def mark(operator: bytes, operands: Any, *_: Any) -> None:
        if operator in (b"BDC", b"BMC"):
            told = operands[1] if len(operands) > 1 else None
            marks.append(told.get("/MCID") if isinstance(told, dict) else None)
        elif operator == b"EMC" and marks:
            marks.pop()

    def hear(text: str, *_: Any) -> None:
        current = next((each for each in reversed(marks) if each is not None), None)
        pieces.setdefault((number, current), []).append(text)

    whole: str = page.extract_text(visitor_text=hear, visitor_operand_before=mark)
    return whole


class _Tree:
    """The structure tree, read from its root; what it claims is taken out of the pieces."""

    def __init__(self, pieces: Pieces, pages: dict[int, int]) -> None:
        self.pieces, self.pages = pieces, pages

    def read(self, root: Any) -> list[Chunk]:
        found: list[Chunk] = []
        waiting: list[tuple[Any, int]] = [(root, 1)]
        while waiting:
            node, page = waiting.pop()
            page = self._page(node, page)
            found += self._unseen(node, page)
            said: list[tuple[int, str]] = []
            waiting += reversed(self._within(node, page, said, found))
            if text := " ".join(words for _, words in said).strip():
                found.append(Chunk(f"page {said[0][0]}", text))
        return found

    def _within(
        self, node: Any, page: int, said: list[tuple[int, str]], found: list[Chunk]
    ) -> list[tuple[Any, int]]:
        """Gather what one block says, also inside its links and the like, with the page; return the blocks within."""
        blocks: list[tuple[Any, int]] = []
        for kid in _kids(node):
            if isinstance(kid, int):
                said.append((page, self._piece(page, kid)))
            elif "/MCID" in kid:
                there = self._page(kid, page)
                said.append((there, self._piece(there, int(kid["/MCID"]))))
            elif kid.get("/S") in WITHIN:
                found += self._unseen(kid, page)
                blocks += self._within(kid, self._page(kid, page), said, found)
            elif "/S" in kid:
                blocks.append((kid, page))
        return blocks

    def _piece(self, page: int, mark: int) -> str:
        return "".join(self.pieces.pop((page, mark), ())).strip()

    def _page(self, node: Any, page: int) -> int:
        told = node.raw_get("/Pg") if "/Pg" in node else None
        return self.pages.get(getattr(told, "idnum", 0), page)

    def _unseen(self, node: Any, page: int) -> Iterator[Chunk]:
        yield from (Chunk(f"page {page} {name}", str(node[name])) for name in UNSEEN if name in node)


def _kids(node: Any) -> list[Any]:
    """What stands in a node of the tree: numbers of marks, marks on other pages, nodes."""
    kids = node.get("/K")
    kids = kids.get_object() if hasattr(kids, "get_object") else kids
    several = kids if isinstance(kids, list) else [] if kids is None else [kids]
    return [each.get_object() if hasattr(each, "get_object") else each for each in several]


def _links(page: Any, where: str) -> Iterator[Chunk]:
    """Where a page's links lead outside, and what they are called."""
    for each in page.get("/Annots") or ():
        note = each.get_object()
        action = note.get("/A", {})
        if "/URI" in action:
            yield Chunk(f"{where} link", str(action["/URI"]))
        if "/Contents" in note:
            yield Chunk(f"{where} note", str(note["/Contents"]))


def _pictures(page: Any) -> Iterator[str]:
    resources = page.get("/Resources", {}).get_object()
    for name, each in resources.get("/XObject", {}).items():
        if each.get_object().get("/Subtype") == "/Image":
            yield name
