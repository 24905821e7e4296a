"""A sheet: what is told about the service on one page, made from configuration and records. A page, or text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple


class Table(NamedTuple):
    """Rows under headings. `says` is its caption; an empty one says `none`."""

    says: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    none: str = "None."


class Section(NamedTuple):
    """One part: facts as (what, says), then tables."""

    title: str
    facts: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()


class Sheet(NamedTuple):
    """`made_from` names the files and tables it rests on, so that anybody can check it."""

    name: str
    title: str
    says: str
    made_at: datetime
    made_from: str
    sections: Sequence[Section]


def as_markdown(sheet: Sheet) -> str:
    """The sheet as text for a repository, a letter or a screen."""
    lines = [
        f"# {sheet.title}",
        "",
        sheet.says,
        "",
        f"Made {sheet.made_at:%Y-%m-%d %H:%M} UTC from {sheet.made_from}.",
    ]
    for section in sheet.sections:
        lines += ["", f"## {section.title}", ""]
        lines += [f"- **{what}**: {says}" for what, says in section.facts]
        for table in section.tables:
            lines += ["", f"{table.says}:", "", *(_rows(table) if table.rows else [table.none])]
    return "\n".join(lines) + "\n"


def _rows(table: Table) -> list[str]:
    ruled = "| " + " | ".join("---" for _heading in table.headings) + " |"
    return [_row(table.headings), ruled, *(_row(each) for each in table.rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|").replace("\n", " ") for each in cells) + " |"


def as_plain(sheet: Sheet) -> dict[str, Any]:
    """The sheet for a program."""
    return {
        "name": sheet.name,
        "title": sheet.title,
        "says": sheet.says,
        "made_at": sheet.made_at.isoformat(),
        "made_from": sheet.made_from,
        "sections": [
            {
                "title": section.title,
                "facts": dict(section.facts),
                "tables": [
                    {
                        "says": each.says,
                        "rows": [dict(zip(each.headings, row, strict=True)) for row in each.rows],
                    }
                    for each in section.tables
                ],
            }
            for section in sheet.sections
        ],
    }
