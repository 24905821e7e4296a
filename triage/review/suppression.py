"""Small numbers taken out of figures for a panel or the public, so that no sum and no difference gives one away.

Under the floor (5) nothing is shown: not n, not what is left of N, not a middle of so few. Where one number of a line,
a column or a row of months would follow from its total, the next smallest goes with it, and the total when there is
none. Rows, changes and everything of single cases are left out. Zero is shown: it is of nobody; but not where what it
leaves is withheld altogether, and "all of them" is not said of what was found of people.

Two outputs of periods that overlap but do not contain one another are not guarded against each other.
"""

from collections.abc import Sequence
from statistics import median

from triage.review.definitions import Definitions
from triage.review.figures import (
    WITHHELD,
    Cell,
    Figure,
    Figures,
    Point,
    RunChart,
    Table,
    TableRow,
    Unit,
)
from triage.review.run_rules import run_notes

FEW = "withheld: fewer than {floor}"
SUMMED = "withheld: beside what was published of its parts it would tell a number under {floor}"
OTHERS = "Others"
NEARLY = "withheld: fewer than {floor}, or all but so few, of {of:,}"


def suppressed(figures: Figures, definitions: Definitions, parts: Sequence[Figures] = ()) -> Figures:
    """The figures as a panel or the public may see them. `parts` are those of the shorter periods they are the sum of,
    as they were published: nothing that these withhold follows from the sum."""
    floor = definitions.floor
    personal = {each.name for each in definitions.figure if each.personal}
    public = {each.name for each in (*definitions.figure, *definitions.table) if each.public}
    whole = {each.name for each in definitions.table if each.all_lines}

    def shown(figure: Figure) -> Figure:
        return figure if figure.name in public else _figure(figure, floor, personal)

    def summed(figure: Figure) -> Figure:
        return with_parts(shown(figure), [each.figure(figure.name) for each in parts], floor)

    return figures._replace(
        figures=tuple(summed(each) for each in figures.figures),
        before=tuple(shown(each) for each in figures.before),
        tables=tuple(
            each
            if each.name in public
            else _table(each, _tables_of(parts, each.name), floor, fold=each.name not in whole)
            for each in figures.tables
        ),
        charts=tuple(
            each if each.name in public else _chart(each, floor, each.name in personal)
            for each in figures.charts
        ),
        changes=(),
        statements=(*figures.statements, WITHHELD),
    )


def with_parts(whole: Figure, parts: Sequence[Figure], floor: int) -> Figure:
    """A figure of a longer period, withheld where the shorter ones that were published would give a number away: all
    suppressed before."""
    follows = whole.n is not None and _follows(whole.n, [each.n for each in parts], floor)
    if whole.of is not None and not follows:
        follows = _follows(whole.of, [each.of for each in parts], floor)
    return _withheld(_bare(whole), SUMMED.format(floor=floor)) if follows else whole


def _follows(whole: int, parts: Sequence[int | None], floor: int) -> bool:
    """Whether a part that is withheld follows from the whole and the parts that are not, or all such come to few."""
    gone = sum(each is None for each in parts)
    left = whole - sum(each for each in parts if each is not None)
    return gone == 1 or (gone > 1 and left < floor)


def _tables_of(parts: Sequence[Figures], name: str) -> list[Table]:
    return [table for each in parts for table in each.tables if table.name == name]


def _cell(table: Table, label: str, column: int) -> int | None:
    """The number of a line; none in a line that is not there, unless such lines are withheld."""
    found = {line.label: line.cells[column].n for line in (*table.lines, table.total)}
    return found.get(label, None if OTHERS in found else 0)


def _bare(figure: Figure) -> Figure:
    return figure._replace(numerator=(), denominator=())


def _figure(figure: Figure, floor: int, personal: set[str]) -> Figure:
    bare = _bare(figure)
    if figure.unit is Unit.COUNT:
        return bare if not _small(figure.n, floor) else _withheld(bare, FEW.format(floor=floor))
    if figure.of is not None and 0 < figure.of < floor:
        return _withheld(bare, FEW.format(floor=floor))
    if figure.unit is Unit.MINUTES:
        if (figure.n or 0) < floor and figure.of:
            return _withheld(bare, FEW.format(floor=floor))
        return bare._replace(of=None) if _small((figure.of or 0) - (figure.n or 0), floor) else bare
    if _tells(figure.n, figure.of, floor, figure.name in personal):
        return _withheld(bare, NEARLY.format(floor=floor, of=figure.of))._replace(of=figure.of)
    return bare


def _withheld(figure: Figure, why: str) -> Figure:
    return figure._replace(n=None, of=None, value=None, low=None, high=None, hidden=why)


def _small(number: int | None, floor: int) -> bool:
    return number is not None and 0 < number < floor


def _tells(n: int | None, of: int | None, floor: int, personal: bool) -> bool:
    """Whether n of N says too much: of few, of all but few, or the same of everybody."""
    if n is None or not of:
        return False
    return _small(n, floor) or _small(of - n, floor) or (personal and n == of)


def _table(table: Table, parts: Sequence[Table], floor: int, *, fold: bool) -> Table:
    """Cells by column, then by line, until nothing follows from anything. With `fold`, what is withheld is not even
    named."""
    numbers = [[cell.n or 0 for cell in line.cells] for line in (*table.lines, table.total)]
    width = len(table.columns)
    hidden = [
        [
            _small(n, floor)
            or _small(numbers[at][0] - n, floor)
            or _follows(n, [_cell(part, line.label, column) for part in parts], floor)
            for column, n in enumerate(numbers[at])
        ]
        for at, line in enumerate((*table.lines, table.total))
    ]
    while True:
        before = [list(line) for line in hidden]
        for column in range(width):
            _guard_column(numbers, hidden, column, floor)
        for line in range(len(numbers)):
            _guard_line(numbers[line], hidden[line], floor)
        if hidden == before:
            break
    lines = [
        TableRow(each.label, _cells(numbers[at], hidden[at]))
        for at, each in enumerate((*table.lines, table.total))
    ]
    kept = [each for at, each in enumerate(lines[:-1]) if not (fold and hidden[at][0])]
    others = [TableRow(OTHERS, (Cell(None),) * width)] if len(kept) < len(lines) - 1 else []
    return table._replace(lines=(*kept, *others), total=lines[-1])


def _guard_column(numbers: list[list[int]], hidden: list[list[bool]], column: int, floor: int) -> None:
    """The last line is the total. When it is withheld, so is all of its column."""
    at = range(len(numbers) - 1)
    if hidden[-1][column]:
        for line in at:
            hidden[line][column] = True
        return
    while (gone := [line for line in at if hidden[line][column]]) and (
        len(gone) == 1 or sum(numbers[line][column] for line in gone) < floor
    ):
        shown = [line for line in at if not hidden[line][column] and numbers[line][column]]
        if not shown:
            hidden[-1][column] = True
            for line in at:
                hidden[line][column] = True
            return
        hidden[min(shown, key=lambda line: numbers[line][column])][column] = True


def _guard_line(numbers: list[int], hidden: list[bool], floor: int) -> None:
    """The first column is what the others are parts of: one part that is withheld would follow from the rest, and few
    that are in no part from all."""
    if hidden[0]:
        hidden[:] = [True] * len(hidden)
        return
    parts = range(1, len(numbers))
    gone = sum(hidden[at] for at in parts)
    shown = [at for at in parts if not hidden[at] and numbers[at]]
    left = numbers[0] - sum(numbers[at] for at in parts)
    if shown and (gone == 1 or (gone == 0 and _small(left, floor))):
        hidden[min(shown, key=lambda at: numbers[at])] = True


def _cells(numbers: Sequence[int], hidden: Sequence[bool]) -> tuple[Cell, ...]:
    return tuple(Cell(None if gone else n) for n, gone in zip(numbers, hidden, strict=True))


def _chart(chart: RunChart, floor: int, personal: bool) -> RunChart:
    """Months as the cells of one column whose sum is published elsewhere. The median is of those that are shown."""
    points = list(chart.points)
    hidden = [_hides(each, chart.unit, floor, personal) for each in points]
    for field in ("n", "of"):
        _guard_months([getattr(each, field) or 0 for each in points], hidden, floor)
    kept = tuple(
        Point(each.since, each.until, None, None, None) if gone else each
        for each, gone in zip(points, hidden, strict=True)
    )
    values = [each.value for each in kept]
    known = [each for each in values if each is not None]
    middle = median(known) if known else None
    return chart._replace(points=kept, median=middle, notes=run_notes(values, middle))


def _hides(point: Point, unit: Unit, floor: int, personal: bool) -> bool:
    if unit is Unit.COUNT:
        return _small(point.n, floor)
    if _small(point.of, floor):
        return True
    if unit is Unit.MINUTES:
        return _small(point.n, floor) or _small((point.of or 0) - (point.n or 0), floor)
    return _tells(point.n, point.of, floor, personal)


def _guard_months(numbers: list[int], hidden: list[bool], floor: int) -> None:
    while (gone := [at for at in range(len(numbers)) if hidden[at]]) and (
        len(gone) == 1 or sum(numbers[at] for at in gone) < floor
    ):
        shown = [at for at in range(len(numbers)) if not hidden[at] and numbers[at]]
        if not shown:
            hidden[:] = [True] * len(hidden)
            return
        hidden[min(shown, key=lambda at: numbers[at])] = True
