"""The words of a finished file, whatever its form: what it shows, and what it carries unseen.

The linter reads these, not what the file was made of: what a writer adds is read too.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from responders.packs.chunks import Chunk, Extract
from responders.packs.extract_pdf import read_pdf
from responders.packs.writing import Form

INLINE = {"a", "strong", "span", "code", "em", "bdi"}
TOLD_BY = {"aria-label", "alt", "title", "content", "href", "src", "value", "placeholder"}
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NAMES = ("descr", "title", "name", f"{WORD}name", f"{WORD}anchor", f"{WORD}author", f"{WORD}tooltip")


def extract(form: Form, made: bytes) -> Extract:
    """All words of a file."""
    if form is Form.HTML:
        return _html(made)
    return _docx(made) if form is Form.DOCX else read_pdf(made)


def _html(made: bytes) -> Extract:
    page = _Page()
    page.feed(made.decode())
    page.close()
    page.cut()
    return Extract(page.chunks, page.pictures)


class _Page(HTMLParser):
    """Chunks by the elements that are blocks; comments and what attributes say are words too."""

    def __init__(self) -> None:
        super().__init__()
        self.chunks: list[Chunk] = []
        self.said: list[str] = []
        self.at, self.pictures = "page", 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in INLINE:
            self.cut()
            self.at = tag
        self.pictures += tag in ("img", "image", "picture", "object", "embed", "video")
        for name, value in attrs:
            if name in TOLD_BY and value and not value.startswith("width="):
                self.chunks.append(Chunk(f"{tag} {name}", value.removeprefix("#")))

    def handle_endtag(self, tag: str) -> None:
        if tag not in INLINE:
            self.cut()

    def handle_data(self, data: str) -> None:
        if self.at != "style":
            self.said.append(data)
        elif '"' in data:
            self.chunks += (Chunk("style", each) for each in re.findall(r'content: "([^"]*)"', data))

    def handle_comment(self, data: str) -> None:
        self.chunks.append(Chunk("comment", data))

    def cut(self) -> None:
        text = "".join(self.said).strip()
        self.said = []
        if text:
            self.chunks.append(Chunk(self.at, text))


def _docx(made: bytes) -> Extract:
    chunks: list[Chunk] = []
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        names = sorted(file.namelist())
        drawn = sum(each.startswith("word/media/") for each in names)
        for name in names:
            if not name.endswith((".xml", ".rels")):
                continue
            tree = ElementTree.fromstring(file.read(name))  # noqa: S314  our own file, just made
            chunks += _part(name, tree)
    plots = sum(1 for each in chunks if each.where.endswith(" descr"))
    return Extract(chunks, max(0, drawn - plots))


def _part(name: str, tree: Any) -> Iterator[Chunk]:
    """The paragraphs of one part, what its elements are called, and where it leads outside."""
    if name.endswith(".rels"):
        outside = (each for each in tree if each.get("TargetMode") == "External")
        yield from (Chunk(f"{name} link", each.get("Target", "")) for each in outside)
        return
    paragraphs = list(tree.iter(f"{WORD}p"))
    for paragraph in paragraphs:
        said = "".join(
            "\n" if each.tag == f"{WORD}br" else each.text or ""
            for each in paragraph.iter()
            if each.tag in (f"{WORD}t", f"{WORD}br", f"{WORD}instrText")
        )
        if said.strip():
            yield Chunk(name, said)
    if name.startswith("word/") and name not in ("word/document.xml",):
        return
    for each in tree.iter():
        if not paragraphs and each.text and each.text.strip():
            yield Chunk(name, each.text)
        for key in NAMES:
            if value := each.get(key):
                yield Chunk(f"{name} {key.removeprefix(WORD)}", value)
