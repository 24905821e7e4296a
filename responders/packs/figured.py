"""Figures as parts of a document: each with its words and n of N, a drawing beside its table, its definition, and the
rows it counts."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from responders.packs.document import (
    CODE,
    Block,
    Heading,
    Paragraph,
    Plot,
    Run,
    Runs,
    Table,
    Terms,
    Tiles,
    columns_of,
    rows_of,
    words,
)
from responders.packs.saying import day, moment, month
from triage.review.drawing import bars, bars_in_words, chart_in_words, run_chart
from triage.review.figures import HIDDEN, Definition, Figure, Figures, Row, RunChart, Unit
from triage.review.figures import Table as Counts

Shown = TypeVar("Shown", Figure, Counts)
LinkTo = Callable[[int | None], str]  # where a case's number leads; "" where nowhere
NONE = "None."
IN_NUMBERS = "The same in numbers"
AGAIN = "The same as a table"
AT_MOST = 400  # rows named behind one figure


def tiles(figures: Figures, *, rows: bool) -> Tiles:
    """The few figures of the front page. With `rows` each leads to what it counts."""
    return Tiles(
        tuple(
            (
                words("withheld" if each.n is None else each.brief, _anchor(each.name, rows)),
                each.definition.words,
            )
            for each in figures.figures
            if each.definition.front
        )
    )


def number_blocks(figures: Figures, *, rows: bool) -> Iterator[Block]:
    """Every figure by section, beside what it was in the period before; and what must be said with them."""
    for said in figures.statements:
        yield Paragraph(words(said), "note")
    earlier = {each.name: each for each in figures.before}
    columns = columns_of("Figure:2.4 | This period:1.8 | The period before:1.4")
    for section, group in _by_section(figures.figures):
        told = [
            (
                words(each.definition.words, f"#means-{each.name}"),
                words(each.shown, _anchor(each.name, rows)),
                words(earlier[each.name].brief if each.name in earlier else "–"),
            )
            for each in group
        ]
        yield Table(section, columns, rows_of(told), NONE)


def table_blocks(figures: Figures) -> Iterator[Block]:
    """The tables by section, each with its drawing."""
    for section, group in _by_section(figures.tables):
        yield Heading(2, section, f"tables-{section.lower().replace(' ', '-').replace(',', '')}")
        for each in group:
            yield from _table(each)


def chart_blocks(figures: Figures) -> Iterator[Block]:
    """The run charts, each above its table and what the run rules find."""
    for each in figures.charts:
        yield from _chart(each)


def change_blocks(figures: Figures) -> Iterator[Block]:
    """What was entered or corrected behind the pack before this one."""
    named = {each.name: each.definition.words for each in figures.figures}
    told = [
        (
            each.row.id,
            named.get(each.figure, each.figure),
            day(each.dated),
            f"{each.was} → {each.now}",
            moment(each.counted_at),
        )
        for each in figures.changes
    ]
    columns = columns_of("Row:1.4 | Figure:2 | Of:1 | Was, and is now:1.6 | Known since:1.2")
    none = "Nothing was entered or corrected behind the pack before this one."
    yield Table("Changes to earlier periods since they were printed", columns, rows_of(told), none, "changes")


def definition_blocks(figures: Figures) -> Iterator[Block]:
    """What each figure, table and chart means."""
    shown: list[Figure | Counts] = [*figures.figures, *figures.tables]
    for each in shown:
        yield Heading(2, each.definition.words, f"means-{each.name}")
        yield Terms(("Part", "Meaning"), tuple(_meaning(each.definition)))


def row_blocks(figures: Figures, link_to: LinkTo) -> Iterator[Block]:
    """The rows behind each figure: those in the numerator, then the others."""
    for each in figures.figures:
        yield Heading(2, f"{each.definition.words}: {each.brief}", f"rows-{each.name}")
        counted = set(each.numerator)
        others = [row for row in each.denominator if row not in counted]
        yield Paragraph((Run("Counted: "), *_named(each.numerator, link_to)))
        if each.unit is not Unit.COUNT:
            yield Paragraph((Run("Of, besides: "), *_named(others, link_to)))


def source_paragraph(figures: Figures) -> Paragraph:
    """From what the figures are computed, so that they can be computed again."""
    asked = f"goldenhour review figures --since {_first(figures)} --until {_last(figures)} --entry {figures.entry}"
    return Paragraph(
        (
            Run(f"Computed from the log up to its entry {figures.entry:,}, by the definitions "),
            Run(figures.definitions[:16], manner=CODE),
            Run(". The same again, at any time: "),
            Run(asked, manner=CODE),
        ),
        "soft",
    )


def _by_section(shown: Sequence[Shown]) -> list[tuple[str, list[Shown]]]:
    """In the order in which sections are first named."""
    found: dict[str, list[Shown]] = {}
    for each in shown:
        found.setdefault(each.definition.section, []).append(each)
    return list(found.items())


def _table(table: Counts) -> Iterator[Block]:
    drawn = any(cell.n for line in table.lines for cell in line.cells)
    if drawn:
        yield Plot(bars(table), bars_in_words(table), table.definition.words, f"plot-{table.name}")
    which = ["Which:3"] if table.definition.public else []
    columns = columns_of(" | ".join(("Of:2", *(f"{name}#" for name in table.columns), *which)))
    lines = [*table.lines, table.total] if table.lines else []
    told = [
        (
            each.label,
            *(cell.shown for cell in each.cells),
            *(
                [", ".join(row.id for row in each.cells[0].rows) if each is not table.total else ""]
                if which
                else []
            ),
        )
        for each in lines
    ]
    caption = AGAIN if drawn else table.definition.words
    yield Table(caption, columns, rows_of(told), NONE, f"table-{table.name}")


def _chart(chart: RunChart) -> Iterator[Block]:
    drawn = any(each.value is not None for each in chart.points)
    if drawn:
        yield Plot(run_chart(chart), chart_in_words(chart), chart.definition.words, f"plot-run-{chart.name}")
    caption, named = AGAIN if drawn else chart.definition.words, f"table-run-{chart.name}"
    lines = [("n", [_number(each.n) for each in chart.points])]
    if chart.unit is not Unit.COUNT:
        lines.append(("of N", [_number(each.of) for each in chart.points]))
        lines.append(("Value", [_value(each.value, chart.unit) for each in chart.points]))
    months = " | ".join(f"{month(each.since)[:3]} {each.since:%y}#" for each in chart.points)
    yield Table(
        caption,
        columns_of(f"Month:0.9 | {months}"),
        rows_of([(what, *told) for what, told in lines]),
        NONE,
        named,
    )
    yield Paragraph(words(" ".join(chart.notes)), "soft")


def _number(number: int | None) -> str:
    return HIDDEN if number is None else f"{number:,}"


def _value(value: float | None, unit: Unit) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if unit is Unit.SHARE else f"{value:.0f} min"


def _meaning(definition: Definition) -> Iterator[tuple[str, Runs]]:
    yield "Counted", words(definition.numerator)
    if definition.denominator:
        yield "Of", words(definition.denominator)
    yield "Period", words(definition.period)
    yield "Means", words(definition.text)
    for each in definition.caveats:
        yield "Beware", words(each)


def _named(rows: Sequence[Row], link_to: LinkTo) -> Runs:
    if not rows:
        return words("none")
    told = [Run(f"{_readable(each.id)}; ", link_to(each.case)) for each in rows[:AT_MOST]]
    more = [Run(f"and {len(rows) - AT_MOST:,} more")] if len(rows) > AT_MOST else []
    last = told[-1]._replace(text=told[-1].text.removesuffix("; "))
    return tuple(told + more if more else [*told[:-1], last])


def _readable(row: str) -> str:
    """The key of a row as people read it: `GH-5 alert comms/0` is the first alert to a desk."""
    return row.removesuffix("/0").replace("_", " ")


def _anchor(name: str, rows: bool) -> str:
    return f"#rows-{name}" if rows else f"#means-{name}"


def _first(figures: Figures) -> str:
    return figures.period.since.date().isoformat()


def _last(figures: Figures) -> str:
    return (figures.period.until - timedelta(days=1)).date().isoformat()
