"""The forms a document is written in, and what each is written by."""

from enum import StrEnum
from typing import NamedTuple

from responders.packs.document import Document, must_hold
from responders.packs.docx import write_docx
from responders.packs.html import write_html
from responders.packs.pdf import write_pdf


class Form(StrEnum):
    """The ending of the file's name."""

    PDF = "pdf"
    HTML = "html"
    DOCX = "docx"


MEDIA_TYPES = {
    Form.PDF: "application/pdf",
    Form.HTML: "text/html; charset=utf-8",
    Form.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


class Templates(NamedTuple):
    """The texts of `config/review/pack.typ` and `config/review/pack.html`."""

    typ: str
    html: str


def write(document: Document, form: Form, templates: Templates) -> bytes:
    """The same document gives the same bytes. Raises DocumentError and PdfError."""
    must_hold(document)
    if form is Form.PDF:
        return write_pdf(document, templates.typ)
    if form is Form.HTML:
        return write_html(document, templates.html)
    return write_docx(document)
