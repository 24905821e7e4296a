"""The forms of a pack: the same bytes each time, a PDF that a screen reader can read, a DOCX with a structure."""

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from docx import Document as open_docx
from pypdf import PdfReader

from config.packs import templates_of
from config.settings import Settings
from responders.packs.document import (
    Document,
    DocumentError,
    Heading,
    Listing,
    Paragraph,
    Plot,
    Run,
    Table,
    Terms,
    Tiles,
    columns_of,
    rows_of,
    words,
)
from responders.packs.extract import extract
from responders.packs.pdf import PdfError
from responders.packs.typeset import can_print
from responders.packs.writing import Form, write

DRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="80"><rect width="100" height="40"/>'
    '<text x="10" y="60">Cases</text></svg>'
)
LONG = " ".join(f"word{number}" for number in range(120))
ODD = "*bold* #heading _x_ $x$ <b>b</b> {{ x }} @ref \\ `code` <!-- x --> &amp; // ]]>"


def made(**given: Any) -> Document:
    blocks = (
        Heading(1, "Front page", "front"),
        Tiles(((words("12", "#rows"), "cases opened"), (words("3/4 (75%)"), "in time"))),
        Paragraph((Run(ODD), Run(" code", manner="code"), Run(" soft", manner="soft")), "note"),
        Paragraph(words("Somebody's own words,\non two lines: বাংলা 😀 \u202edone\u202c"), "quote"),
        Paragraph(words(LONG)),
        Table(
            "Rows",
            columns_of("Case:2 | Posts#"),
            rows_of([[words("GH-1", "#GH-1"), "3"], ["GH-2", "4"]]),
            "",
            "rows",
        ),
        Table("Nothing", columns_of("Case | Posts#"), (), "There is none."),
        Plot(DRAWN, "Three cases in July, none in June", "Cases by month", "plot"),
        Heading(1, "GH-1 A case ■ ◆ ▲ ● ○", "GH-1", new_page=True),
        Heading(2, "What was said", "said"),
        Terms(
            ("What", "As recorded"),
            (("Place", words("Lambeth")), ("Link", words("page", "https://a.example/x"))),
        ),
        Listing((words("one"), words("two", "#front"))),
    )
    known = {"title": "A paper", "subtitle": "July 2026", "mark": "RESTRICTED: members", "blocks": blocks}
    return Document(**{**known, "dated": datetime(2026, 7, 20, 11, 30, tzinfo=UTC), **given})


@pytest.fixture(scope="module")
def files() -> dict[Form, bytes]:
    return {form: write(made(), form, templates_of(Settings())) for form in Form}


@pytest.fixture(scope="module")
def pdf(files: dict[Form, bytes]) -> PdfReader:
    return PdfReader(io.BytesIO(files[Form.PDF]))


def test_another_process_writes_the_same_bytes(files: dict[Form, bytes]) -> None:
    asked = (
        "import json; from tests.responders.packs.test_forms import digests, made; "
        "from tests.responders.packs.test_forms import Form, Settings, templates_of, write; "
        "print(json.dumps(digests({form: write(made(), form, templates_of(Settings())) for form in Form})))"
    )
    root = Path(__file__).resolve().parents[3]
    env = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    ran = subprocess.run([sys.executable, "-c", asked], cwd=root, env=env, capture_output=True, check=True)
    told = json.loads(ran.stdout)
    assert told == digests(files)


def digests(files: dict[Form, bytes]) -> dict[str, str]:
    return {form: hashlib.sha256(written).hexdigest() for form, written in files.items()}


def structure(reader: PdfReader) -> list[dict[str, Any]]:
    """Every element of the structure tree."""
    found, waiting = [], [reader.trailer["/Root"]["/StructTreeRoot"]]  # type: ignore[index]
    while waiting:
        node = waiting.pop().get_object()
        kids = node.get("/K", [])
        kids = kids if isinstance(kids, list) else [kids]
        found.append(node)
        waiting += [each for each in kids if hasattr(each.get_object(), "get") and "/S" in each.get_object()]
    return found


def test_the_pdf_says_what_a_screen_reader_needs(pdf: PdfReader) -> None:
    root: Any = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata is not None
    assert pdf.metadata.title == "A paper, July 2026"
    assert b"pdfuaid" in root["/Metadata"].get_data()
    assert all(str(page["/Tabs"]) == "/S" for page in pdf.pages if "/Annots" in page)
    assert all("/StructParents" in page for page in pdf.pages)


def test_the_pdf_has_bookmarks_tags_headers_and_alternative_texts(pdf: PdfReader) -> None:
    titles = [each.title for each in pdf.outline if not isinstance(each, list)]
    assert titles == ["Front page", "GH-1 A case ■ ◆ ▲ ● ○"]
    nodes = structure(pdf)
    tags = [str(each.get("/S")) for each in nodes]
    for tag in (
        "/H1",
        "/H2",
        "/P",
        "/Table",
        "/TR",
        "/TH",
        "/TD",
        "/Figure",
        "/L",
        "/LI",
        "/Link",
        "/Caption",
    ):
        assert tag in tags, tag
    figures = [each for each in nodes if each.get("/S") == "/Figure"]
    assert all(each["/Alt"] == "Three cases in July, none in June" for each in figures)
    tables = [each for each in nodes if each.get("/S") == "/Table"]
    assert len(tables) == 2
    assert all("/TH" in str([str(kid.get("/S")) for kid in structure_of(each)]) for each in tables)


def structure_of(node: Any) -> list[Any]:
    kids = node.get("/K", [])
    kids = [each.get_object() for each in (kids if isinstance(kids, list) else [kids])]
    kids = [each for each in kids if hasattr(each, "get")]
    return [*kids, *(below for each in kids for below in structure_of(each))]


def test_every_font_of_the_pdf_is_in_it_and_every_link_says_where_it_goes(pdf: PdfReader) -> None:
    pages: list[Any] = list(pdf.pages)
    for page in pages:
        for font in page["/Resources"].get("/Font", {}).values():
            below = font.get_object()["/DescendantFonts"][0].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(below["/FontDescriptor"]), font
            assert "/ToUnicode" in font.get_object()
    notes = [each.get_object() for page in pdf.pages for each in page.get("/Annots", [])]
    assert notes
    assert all(each.get("/Contents") for each in notes)


def test_each_page_is_marked_and_numbered(pdf: PdfReader) -> None:
    whole = len(pdf.pages)
    assert whole > 1
    for number, page in enumerate(pdf.pages, 1):
        told = page.extract_text()
        assert "RESTRICTED: members" in told
        assert f"Page {number} of {whole}" in told


def test_no_words_become_markup_in_any_form(files: dict[Form, bytes]) -> None:
    for form, written in files.items():
        told = [each.text for each in extract(form, written).chunks]
        assert any(ODD in each for each in told), form
    assert b"<b>b</b>" not in files[Form.HTML]


def test_words_over_several_lines_are_read_as_one_paragraph(files: dict[Form, bytes]) -> None:
    for form, written in files.items():
        assert LONG in [each.text for each in extract(form, written).chunks], form


def test_what_no_font_can_print_is_said_in_words() -> None:
    assert (can_print("é"), can_print("Ж"), can_print("বা"[0]), can_print("😀")) == (True, True, False, False)
    told = write(
        made(blocks=(Heading(1, "A", "a"), Paragraph(words("বাংলা 😀")))), Form.PDF, templates_of(Settings())
    )
    read = PdfReader(io.BytesIO(told)).pages[0].extract_text()
    assert "[bengali letters: not printed here] [grinning face: not printed here]" in read


def test_a_template_that_cannot_be_compiled_is_refused_in_words() -> None:
    with pytest.raises(PdfError, match="the PDF cannot be made: unclosed"):
        write(made(), Form.PDF, templates_of(Settings())._replace(typ="#let x = ("))


def test_the_docx_has_headings_header_rows_alternative_texts_and_no_time_of_its_own(
    files: dict[Form, bytes],
) -> None:
    read = open_docx(io.BytesIO(files[Form.DOCX]))
    headed = [each.text for each in read.paragraphs if each.style and each.style.name == "Heading 1"]
    assert headed == ["Front page", "GH-1 A case ■ ◆ ▲ ● ○"]
    written = read.element.xml
    assert written.count("w:tblHeader") == len(read.tables) == 3
    assert 'descr="Three cases in July, none in June"' in written
    about = read.core_properties
    assert (about.title, about.author, about.language) == ("A paper, July 2026", "Golden Hour", "en-GB")
    assert about.created == about.modified == datetime(2026, 7, 20, 11, 30, tzinfo=UTC)
    with zipfile.ZipFile(io.BytesIO(files[Form.DOCX])) as file:
        assert {each.date_time for each in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert "RESTRICTED: members" in read.sections[0].header.paragraphs[0].text


def test_each_list_of_a_docx_counts_from_one() -> None:
    lists = (Listing((words("a"), words("b"))), Listing((words("c"),)))
    read = open_docx(io.BytesIO(write(made(blocks=lists), Form.DOCX, templates_of(Settings()))))
    numbers = [int(each) for each in read.element.xpath("//w:body//w:numId/@w:val")]
    assert numbers[0] == numbers[1] != numbers[2]
    counted = {each.numId: each for each in read.part.numbering_part.element.num_lst}
    assert all(counted[each].lvlOverride_lst[0].startOverride.val == 1 for each in numbers)


def test_the_html_loads_nothing(files: dict[Form, bytes]) -> None:
    page = files[Form.HTML].decode()
    assert not any(each in page for each in ("<script", "<link", "<img", "@import", "url("))


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ((Paragraph(words("x", "#nowhere")),), "#nowhere"),
        ((Heading(1, "A", "a"), Heading(1, "B", "a")), "#a"),
        ((Heading(1, "A", "a"), Heading(3, "B", "b")), "#b is of level 3"),
    ],
)
def test_a_document_whose_links_lead_nowhere_is_refused(blocks: Any, told: str) -> None:
    with pytest.raises(DocumentError, match=told):
        write(made(blocks=blocks), Form.HTML, templates_of(Settings()))
