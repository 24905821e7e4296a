"""A document as DOCX: real headings, header rows that repeat, alternative texts, and no time but the records' own."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC
from functools import lru_cache
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
BESIDE = "57"  # twips on each side of a cell
SHORT = 14  # rows; a table of no more stands on one page
MOST_WIDE = 9  # columns; more of them, such as twelve months, are set smaller
LONGEST_BOOKMARK = 40
ABOUT = (  # instead of what the library's own template says of the program it was once made with
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns="http://schemas.openxmlformats.org/'
    'officeDocument/2006/extended-properties"><Application>Golden Hour</Application></Properties>'
)
SPACE = qn("xml:space")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a zip file can hold


def write_docx(document: Document) -> bytes:
    """Needs no template: the styles are those every reader of DOCX has."""
    return _Writing(document).made()


class _Writing:
    """One document on its way."""

    def __init__(self, document: Document) -> None:
        self.document, self.file, self.bookmarks = document, new_document(), 0
        self.last = self.file.element.body.sectPr  # the properties of the section stay the last of the body
        self.styles: dict[str, str] = {}  # ids by name: the library searches for each anew
        self.links: dict[str, str] = {}
        svgs = [each.svg for each in document.blocks if isinstance(each, Plot)]
        self.pictures = iter([self._picture(each) for each in draw(svgs)])

    def made(self) -> bytes:
        self._styled()
        self._marked()
        self._named()
        self._paragraph("Title", self.document.title)
        self._paragraph("Subtitle", self.document.subtitle)
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
                broken = ("w:pageBreakBefore",) if block.new_page else ()
                self._anchor(self._paragraph(f"Heading {block.level}", block.text, *broken), block.anchor)
            case Paragraph():
                style = {"quote": "Quote", "note": "Intense Quote"}.get(block.manner, "Normal")
                self._runs(self._paragraph(style), block.runs, soft=block.manner == SOFT)
            case Tiles():
                rows = tuple((about, runs) for runs, about in block.tiles)
                self._terms(("Figure", "Value"), rows, widths=(1.9, 2.0))
            case Terms():
                self._terms(block.heads, block.rows)
            case Table():
                self._table(block)
            case Listing():
                number = self._numbering()
                for runs in block.items:
                    self._runs(self._numbered(number), runs)
            case Plot():
                self._plot(block)

    def _paragraph(self, style: str, text: str = "", *properties: str) -> Any:
        """A paragraph at the end of the body."""
        made = OxmlElement("w:p")
        if style not in self.styles:
            self.styles[style] = self.file.styles[style].style_id
        about = _in(made, "w:pPr")
        _in(about, "w:pStyle", val=self.styles[style])
        for each in properties:
            _in(about, each)
        if text:
            _write(_in(made, "w:r"), text)
        self.last.addprevious(made)
        return made

    def _numbering(self) -> str:
        """Numbers from 1: those of the style alone would go on from the list before."""
        known = self.file.part.numbering_part.element
        style = self.file.styles["List Number"].element.pPr.numPr.numId.val
        made = known.add_num(known.num_having_numId(style).abstractNumId.val)
        made.add_lvlOverride(ilvl=0).add_startOverride(1)
        return str(made.numId)

    def _numbered(self, number: str) -> Any:
        made = self._paragraph("List Number")
        about = _in(made.pPr, "w:numPr")
        _in(about, "w:ilvl", val="0")
        _in(about, "w:numId", val=number)
        return made

    def _terms(
        self, heads: tuple[str, str], rows: Sequence[tuple[str, Runs]], widths: Sequence[float] = (1.0, 2.9)
    ) -> None:
        grid = self._grid(widths, heads, (False, False))
        self._rows(grid, [(words(name), runs) for name, runs in rows], (False, False))

    def _table(self, block: Table) -> None:
        if block.caption or block.anchor:
            self._anchor(self._paragraph("Caption", block.caption, "w:keepNext"), block.anchor)
        if not block.rows:
            self._paragraph("Normal", block.empty)
            return
        numbers = tuple(each.number for each in block.columns)
        grid = self._grid(
            tuple(each.width for each in block.columns), tuple(each.name for each in block.columns), numbers
        )
        self._rows(grid, block.rows, numbers)

    def _grid(self, widths: Sequence[float], heads: Sequence[str], numbers: Sequence[bool]) -> Any:
        made, whole = OxmlElement("w:tbl"), sum(widths)
        about = _in(made, "w:tblPr")
        _in(about, "w:tblW", type="auto", w="0")
        about.append(_ruled())
        _in(about, "w:tblLayout", type="fixed")
        beside = _in(about, "w:tblCellMar")
        for side in ("left", "right"):
            _in(beside, f"w:{side}", w=BESIDE, type="dxa")
        _in(
            about,
            "w:tblLook",
            firstColumn="1",
            firstRow="1",
            lastColumn="0",
            lastRow="0",
            noHBand="0",
            noVBand="1",
            val="04A0",
        )
        columns = _in(made, "w:tblGrid")
        for width in widths:
            _in(columns, "w:gridCol", w=str(round(LINE_CM * width / whole * TWIPS_A_CM)))
        self.last.addprevious(made)
        self._row(made, [words(head) for head in heads], numbers, head=True, keep=True)
        return made

    def _rows(self, grid: Any, rows: Sequence[Sequence[Runs]], numbers: Sequence[bool]) -> None:
        for nth, row in enumerate(rows, 1):
            self._row(grid, row, numbers, keep=len(rows) <= SHORT and nth < len(rows))
        self.last.addprevious(_gap())

    def _row(
        self,
        grid: Any,
        cells: Sequence[Runs],
        numbers: Sequence[bool],
        *,
        head: bool = False,
        keep: bool = False,
    ) -> None:
        """`keep` puts it on one page with the next."""
        row = _in(grid, "w:tr")
        properties = _in(row, "w:trPr")
        _in(properties, "w:cantSplit")
        if head:
            _in(properties, "w:tblHeader")
        for place, (runs, number) in enumerate(zip(cells, numbers, strict=True)):
            paragraph = _in(_in(row, "w:tc"), "w:p")
            _tight(paragraph, right=number, keep=keep)
            self._runs(paragraph, runs, strong=head or place == 0, small=len(cells) > MOST_WIDE)

    def _plot(self, block: Plot) -> None:
        self._anchor(self._paragraph("Caption", block.caption, "w:keepNext"), block.anchor)
        shape = next(self.pictures)
        shape.docPr.set("descr", block.alt)
        shape.docPr.set("title", block.caption)
        self.last.addprevious(shape.getparent().getparent().getparent())

    def _picture(self, png: bytes) -> Any:
        """A drawing in a paragraph that is moved to its place: for each the library searches all there is already."""
        made = self.file.add_paragraph().add_run().add_picture(io.BytesIO(png), width=Cm(LINE_CM))
        return made._inline

    def _anchor(self, paragraph: Any, anchor: str) -> None:
        if not anchor:
            return
        self.bookmarks += 1
        _in(paragraph, "w:bookmarkStart", id=str(self.bookmarks), name=_bookmark(anchor))
        _in(paragraph, "w:bookmarkEnd", id=str(self.bookmarks))

    def _runs(
        self, paragraph: Any, runs: Runs, *, strong: bool = False, soft: bool = False, small: bool = False
    ) -> None:
        for run in runs:
            text, to, manner = run
            holder = self._link(paragraph, to) if to else paragraph
            colour = BLUE if to else GREY if soft or manner == SOFT else ""
            _run(
                holder,
                text,
                strong=strong or manner == STRONG,
                colour=colour,
                code=manner == CODE,
                small=small,
            )

    def _link(self, paragraph: Any, to: str) -> Any:
        link = _in(paragraph, "w:hyperlink")
        if to.startswith("#"):
            link.set(qn("w:anchor"), _bookmark(to[1:]))
        elif urlsplit(to).scheme in ("http", "https"):
            if to not in self.links:
                self.links[to] = self.file.part.relate_to(to, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
            link.set(qn("r:id"), self.links[to])
        return link


def _in(parent: Any, name: str, /, **given: str) -> Any:
    """A new element at the end of another, with attributes of Word's."""
    made = parent.makeelement(_tag(name), {_tag(f"w:{each}"): value for each, value in given.items()})
    parent.append(made)
    return made


@lru_cache(maxsize=100)
def _tag(name: str) -> str:
    return str(qn(name))


def _run(holder: Any, text: str, *, strong: bool, colour: str, code: bool, small: bool) -> None:
    run = _in(holder, "w:r")
    properties = _in(run, "w:rPr")
    if code:
        _in(properties, "w:rFonts", ascii="Courier New", hAnsi="Courier New")
    if strong:
        _in(properties, "w:b")
    if colour:
        _in(properties, "w:color", val=colour)
    _in(properties, "w:sz", val="16" if code or small else "19")
    _write(run, text)


def _write(run: Any, text: str) -> None:
    for place, line in enumerate(_storable(text).split("\n")):
        if place:
            _in(run, "w:br")
        said = _in(run, "w:t")
        said.text = line
        said.set(SPACE, "preserve")


def _storable(text: str) -> str:
    """XML holds no control characters."""
    return "".join(char for char in text if char in "\t\n" or ord(char) >= 0x20)


def _tight(paragraph: Any, *, right: bool, keep: bool) -> None:
    """As in a cell."""
    properties = _in(paragraph, "w:pPr")
    _in(properties, "w:pStyle", val="NoSpacing")
    if keep:
        _in(properties, "w:keepNext")
    if right:
        _in(properties, "w:jc", val="right")


def _ruled() -> Any:
    """Thin lines between rows, and none between columns."""
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "bottom", "insideH"):
        _in(borders, f"w:{side}", val="single", sz="4", space="0", color="B1B4B6")
    return borders


def _gap() -> Any:
    paragraph = OxmlElement("w:p")
    _in(_in(paragraph, "w:pPr"), "w:spacing", after="60")
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
