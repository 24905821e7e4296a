"""A document as DOCX: real headings, header rows that repeat, alternative texts, and no time but the records' own."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from docx import Document as new_document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from responders.packs.document import (
    CODE,
    SOFT,
    STRONG,
    Document,
    Heading,
    Listing,
    Paragraph,
    Plot,
    Runs,
    Table,
    Terms,
    Tiles,
    words,
)
from responders.packs.pdf import draw

FONT, INK, GREY, BLUE = "Arial", RGBColor(0x0B, 0x0C, 0x0C), "505A5F", "1D4F8B"
LINE_CM = 17.4  # A4 less its margins
TWIPS_A_CM = 567
LONGEST_BOOKMARK = 40
ABOUT = (  # instead of what the library's own template says of the program it was once made with
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns="http://schemas.openxmlformats.org/'
    'officeDocument/2006/extended-properties"><Application>Golden Hour</Application></Properties>'
)
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a zip file can hold


def write_docx(document: Document) -> bytes:
    """Needs no template: the styles are those every reader of DOCX has."""
    return _Writing(document).made()


class _Writing:
    """One document on its way."""

    def __init__(self, document: Document) -> None:
        self.document, self.file, self.bookmarks = document, new_document(), 0
        self.body = self.file.element.body

    def made(self) -> bytes:
        self._styled()
        self._marked()
        self._named()
        self.file.add_heading(self.document.title, 0)
        self.file.add_paragraph(self.document.subtitle, style="Subtitle")
        for block in self.document.blocks:
            self._block(block)
        self._without_thumbnail()
        written = io.BytesIO()
        self.file.save(written)
        return _timeless(written.getvalue())

    def _styled(self) -> None:
        section = self.file.sections[0]
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin = section.right_margin = Cm(1.8)
        section.top_margin, section.bottom_margin = Cm(2.4), Cm(2.2)
        sizes = {"Normal": 10, "Title": 22, "Subtitle": 12, "Heading 1": 16, "Heading 2": 13, "Heading 3": 11}
        for name, size in {
            **sizes,
            "Caption": 10,
            "Intense Quote": 10,
            "Quote": 10,
            "No Spacing": 9.5,
        }.items():
            style = self.file.styles[name]
            style.font.name, style.font.size, style.font.color.rgb = FONT, Pt(size), INK
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for script in ("ascii", "hAnsi", "cs", "eastAsia"):
                fonts.set(qn(f"w:{script}"), FONT)
            for theme in ("asciiTheme", "hAnsiTheme", "cstheme", "eastAsiaTheme"):
                fonts.attrib.pop(qn(f"w:{theme}"), None)
        for name in ("Title", "Subtitle", "Intense Quote", "Quote"):
            self.file.styles[name].font.italic, self.file.styles[name].font.bold = False, name == "Title"
        for name in ("Intense Quote", "Quote"):
            self.file.styles[name].paragraph_format.left_indent = Cm(0.6)
            self.file.styles[name].paragraph_format.right_indent = Cm(0)
        self.file.styles["Normal"].paragraph_format.space_after = Pt(6)
        self.file.styles["No Spacing"].paragraph_format.space_after = Pt(2)
        language = OxmlElement("w:lang")
        language.set(qn("w:val"), self.document.language)
        self.file.styles["Normal"].element.get_or_add_rPr().append(language)

    def _marked(self) -> None:
        """On each page: who may hold this copy, and which page of how many it is."""
        section = self.file.sections[0]
        head = section.header.paragraphs[0].add_run(self.document.mark)
        head.bold, head.font.size = True, Pt(9)
        foot = section.footer.paragraphs[0]
        foot.add_run(f"{self.document.title}. Page ")
        for place, field in enumerate(("PAGE", "NUMPAGES")):
            if place:
                foot.add_run(" of ")
            counted = OxmlElement("w:fldSimple")
            counted.set(qn("w:instr"), field)
            run, text = OxmlElement("w:r"), OxmlElement("w:t")
            text.text = "1"
            run.append(text)
            counted.append(run)
            foot._p.append(counted)

    def _named(self) -> None:
        about, at = self.file.core_properties, self.document.dated.astimezone(UTC).replace(tzinfo=None)
        about.title = f"{self.document.title}, {self.document.subtitle}"
        about.author = about.last_modified_by = self.document.author
        about.subject, about.language, about.comments = self.document.mark, self.document.language, ""
        about.created = about.modified = at
        about.revision = 1

    def _without_thumbnail(self) -> None:
        """The picture of an empty page that the library's own template carries."""
        relations = self.file.part.package.rels
        for name in [name for name, each in relations.items() if each.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
            relations.pop(name)

    def _block(self, block: Any) -> None:
        match block:
            case Heading():
                made = self.file.add_heading(block.text, block.level)
                made.paragraph_format.page_break_before = block.new_page
                self._anchor(made._p, block.anchor)
            case Paragraph():
                style = {"quote": "Quote", "note": "Intense Quote"}.get(block.manner, "Normal")
                made = self.file.add_paragraph(style=style)
                self._runs(made._p, block.runs, soft=block.manner == SOFT)
            case Tiles():
                rows = tuple((about, runs) for runs, about in block.tiles)
                self._terms(("Figure", "Value"), rows, widths=(1.9, 2.0))
            case Terms():
                self._terms(block.heads, block.rows)
            case Table():
                self._table(block)
            case Listing():
                for runs in block.items:
                    self._runs(self.file.add_paragraph(style="List Number")._p, runs)
            case Plot():
                self._plot(block)

    def _terms(
        self, heads: tuple[str, str], rows: Sequence[tuple[str, Runs]], widths: Sequence[float] = (1.0, 2.9)
    ) -> None:
        grid = self._grid(widths, heads, (False, False))
        for name, runs in rows:
            self._row(grid, (words(name), runs), (False, False))
        self.body.append(_gap())
        self._before_section()

    def _table(self, block: Table) -> None:
        if block.caption or block.anchor:
            made = self.file.add_paragraph(block.caption, style="Caption")
            made.paragraph_format.keep_with_next = True
            self._anchor(made._p, block.anchor)
        if not block.rows:
            self.file.add_paragraph(block.empty)
            return
        numbers = tuple(each.number for each in block.columns)
        grid = self._grid(
            tuple(each.width for each in block.columns), tuple(each.name for each in block.columns), numbers
        )
        for row in block.rows:
            self._row(grid, row, numbers)
        self.body.append(_gap())
        self._before_section()

    def _before_section(self) -> None:
        """The properties of the section stay the last of the body."""
        properties = self.body.find(qn("w:sectPr"))
        if properties is not None:
            self.body.append(properties)

    def _grid(self, widths: Sequence[float], heads: Sequence[str], numbers: Sequence[bool]) -> Any:
        made = self.file.add_table(rows=0, cols=len(widths))
        made.autofit = False
        made._tbl.tblPr.find(qn("w:tblLayout")).addprevious(_ruled())  # the schema wants them in order
        whole = sum(widths)
        for column, width in zip(made._tbl.tblGrid.findall(qn("w:gridCol")), widths, strict=True):
            column.set(qn("w:w"), str(round(LINE_CM * width / whole * TWIPS_A_CM)))
        self._row(made._tbl, [words(head) for head in heads], numbers, head=True)
        return made._tbl

    def _row(self, grid: Any, cells: Sequence[Runs], numbers: Sequence[bool], *, head: bool = False) -> None:
        row = OxmlElement("w:tr")
        properties = OxmlElement("w:trPr")
        properties.append(OxmlElement("w:cantSplit"))
        if head:
            properties.append(OxmlElement("w:tblHeader"))
        row.append(properties)
        for place, (runs, number) in enumerate(zip(cells, numbers, strict=True)):
            cell, paragraph = OxmlElement("w:tc"), OxmlElement("w:p")
            paragraph.append(_tight(right=number))
            self._runs(paragraph, runs, strong=head or place == 0)
            cell.append(paragraph)
            row.append(cell)
        grid.append(row)

    def _plot(self, block: Plot) -> None:
        named = self.file.add_paragraph(block.caption, style="Caption")
        named.paragraph_format.keep_with_next = True
        self._anchor(named._p, block.anchor)
        made = self.file.add_paragraph()
        shape = made.add_run().add_picture(io.BytesIO(draw(block.svg)), width=Cm(LINE_CM))
        shape._inline.docPr.set("descr", block.alt)
        shape._inline.docPr.set("title", block.caption)

    def _anchor(self, paragraph: Any, anchor: str) -> None:
        if not anchor:
            return
        self.bookmarks += 1
        begin, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
        for each in (begin, end):
            each.set(qn("w:id"), str(self.bookmarks))
            paragraph.append(each)
        begin.set(qn("w:name"), _bookmark(anchor))

    def _runs(self, paragraph: Any, runs: Runs, *, strong: bool = False, soft: bool = False) -> None:
        for run in runs:
            text, to, manner = run
            holder = self._link(paragraph, to) if to else paragraph
            colour = BLUE if to else GREY if soft or manner == SOFT else ""
            holder.append(_run(text, strong=strong or manner == STRONG, colour=colour, code=manner == CODE))

    def _link(self, paragraph: Any, to: str) -> Any:
        link = OxmlElement("w:hyperlink")
        if to.startswith("#"):
            link.set(qn("w:anchor"), _bookmark(to[1:]))
        elif urlsplit(to).scheme in ("http", "https"):
            link.set(qn("r:id"), self.file.part.relate_to(to, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
        paragraph.append(link)
        return link


def _run(text: str, *, strong: bool, colour: str, code: bool) -> Any:
    run, properties = OxmlElement("w:r"), OxmlElement("w:rPr")
    if code:
        fonts = OxmlElement("w:rFonts")
        for script in ("ascii", "hAnsi"):
            fonts.set(qn(f"w:{script}"), "Courier New")
        properties.append(fonts)
    if strong:
        properties.append(OxmlElement("w:b"))
    if colour:
        shade = OxmlElement("w:color")
        shade.set(qn("w:val"), colour)
        properties.append(shade)
    size = OxmlElement("w:sz")
    size.set(qn("w:val"), "16" if code else "19")
    properties.append(size)
    run.append(properties)
    for place, line in enumerate(_storable(text).split("\n")):
        if place:
            run.append(OxmlElement("w:br"))
        said = OxmlElement("w:t")
        said.text = line
        said.set(qn("xml:space"), "preserve")
        run.append(said)
    return run


def _storable(text: str) -> str:
    """XML holds no control characters."""
    return "".join(char for char in text if char in "\t\n" or ord(char) >= 0x20)


def _tight(*, right: bool) -> Any:
    """A paragraph of a cell."""
    properties, style = OxmlElement("w:pPr"), OxmlElement("w:pStyle")
    style.set(qn("w:val"), "NoSpacing")
    properties.append(style)
    if right:
        justified = OxmlElement("w:jc")
        justified.set(qn("w:val"), "right")
        properties.append(justified)
    return properties


def _ruled() -> Any:
    """Thin lines between rows, and none between columns."""
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "bottom", "insideH"):
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", "B1B4B6")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    return borders


def _gap() -> Any:
    paragraph, properties, spacing = OxmlElement("w:p"), OxmlElement("w:pPr"), OxmlElement("w:spacing")
    spacing.set(qn("w:after"), "60")
    properties.append(spacing)
    paragraph.append(properties)
    return paragraph


def _bookmark(anchor: str) -> str:
    """A name that a bookmark may have."""
    return ("a_" + "".join(char if char.isalnum() else "_" for char in anchor))[:LONGEST_BOOKMARK]


def _timeless(made: bytes) -> bytes:
    """The same file with no time in it, its parts in the order of their names after the one that must be first."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as source, zipfile.ZipFile(written, "w") as target:
        for name in sorted(source.namelist(), key=lambda each: (each != "[Content_Types].xml", each)):
            about = zipfile.ZipInfo(name, EPOCH)
            about.compress_type, about.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            target.writestr(about, ABOUT if name == "docProps/app.xml" else source.read(name))
    return written.getvalue()
