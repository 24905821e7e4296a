"""A document: what a pack says, whatever form it is written in. Made once, then written as PDF, HTML or DOCX.

Words are runs, and a run may lead somewhere: `#anchor` inside the document, or an address outside it. Nothing in a run
is markup, in no form.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

PLAIN, STRONG, SOFT, CODE = "plain", "strong", "soft", "code"


class DocumentError(ValueError):
    """The document does not hold together; the message names the anchor."""


class Run(NamedTuple):
    """Some words in one manner, which lead to `to`."""

    text: str
    to: str = ""
    manner: str = PLAIN


Runs = tuple[Run, ...]


class Heading(NamedTuple):
    """The beginning of a section, of level 1 to 3; `new_page` where pages are."""

    level: int
    text: str
    anchor: str
    new_page: bool = False


class Paragraph(NamedTuple):
    """`manner` is plain, note (set apart), quote (somebody's own words) or soft (small)."""

    runs: Runs
    manner: str = PLAIN


class Tiles(NamedTuple):
    """The few figures of a front page: each with what it counts."""

    tiles: tuple[tuple[Runs, str], ...]


class Terms(NamedTuple):
    """What is known of one thing: names and values."""

    heads: tuple[str, str]
    rows: tuple[tuple[str, Runs], ...]


class Column(NamedTuple):
    """`width` is its share of the line, against the other columns."""

    name: str
    width: float = 1.0
    number: bool = False


class Table(NamedTuple):
    """Rows under heads, with a caption; `empty` says that there are none."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Runs, ...], ...]
    empty: str
    anchor: str = ""


class Listing(NamedTuple):
    items: tuple[Runs, ...]


class Plot(NamedTuple):
    """A drawing as SVG, with what it shows in words for who does not see it."""

    svg: str
    alt: str
    caption: str
    anchor: str = ""


Block = Heading | Paragraph | Tiles | Terms | Table | Listing | Plot


class Document(NamedTuple):
    """`mark` stands on every page: who may hold this copy. `dated` is the records' own time, never the clock's."""

    title: str
    subtitle: str
    mark: str
    dated: datetime
    blocks: tuple[Block, ...]
    author: str = "Golden Hour"
    language: str = "en-GB"


def words(text: object, to: str = "", manner: str = PLAIN) -> Runs:
    """One run."""
    return (Run(str(text), to, manner),)


def columns_of(told: str) -> tuple[Column, ...]:
    """Columns as `Case:0.8 | Title:3 | Posts:0.6#`: a name, its width unless 1, and `#` for numbers."""
    made = []
    for each in told.split(" | "):
        name, _, width = each.removesuffix("#").partition(":")
        made.append(Column(name, float(width or 1), each.endswith("#")))
    return tuple(made)


def rows_of(rows: Sequence[Sequence[Runs | str]]) -> tuple[tuple[Runs, ...], ...]:
    """Rows for a table: a string is a run."""
    return tuple(tuple(words(cell) if isinstance(cell, str) else cell for cell in row) for row in rows)


def spoken(runs: Runs) -> str:
    return "".join(run.text for run in runs)


def runs_in(document: Document) -> Iterator[Run]:
    """Every run, in the order of the document."""
    for block in document.blocks:
        match block:
            case Paragraph():
                yield from block.runs
            case Tiles():
                for runs, _ in block.tiles:
                    yield from runs
            case Terms():
                for _, runs in block.rows:
                    yield from runs
            case Table():
                for row in block.rows:
                    for runs in row:
                        yield from runs
            case Listing():
                for runs in block.items:
                    yield from runs
            case _:
                pass


def must_hold(document: Document) -> None:
    """Raises DocumentError unless each anchor is there once, each link inside leads to one, and no level of headings
    is left out: who reads by headings would miss it."""
    anchors = [
        each.anchor for each in document.blocks if isinstance(each, Heading | Table | Plot) and each.anchor
    ]
    twice = (
        {each for each in anchors if anchors.count(each) > 1} if len(set(anchors)) < len(anchors) else set()
    )
    if twice:
        raise DocumentError(f"the document has more than one anchor #{min(twice)}")
    level = 0
    for each in document.blocks:
        if isinstance(each, Heading):
            if each.level > level + 1:
                raise DocumentError(
                    f"the heading #{each.anchor} is of level {each.level}, after one of level {level}"
                )
            level = each.level
    lost = {run.to for run in runs_in(document) if run.to.startswith("#")} - {f"#{each}" for each in anchors}
    if lost:
        raise DocumentError(f"nothing in the document is at {min(lost)}")


def plain(document: Document) -> dict[str, Any]:
    """The document as names, lists and strings, each block with its kind: what a template reads."""
    return {
        **document._asdict(),
        "dated": document.dated.isoformat(),
        "blocks": [{"kind": type(each).__name__.lower(), **_plain(each)} for each in document.blocks],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
