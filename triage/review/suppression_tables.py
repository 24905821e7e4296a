"""Which cells of a table are withheld: small ones, and those by which a small one would follow from the rest."""

from collections.abc import Iterator, Sequence

from triage.review.figures import Cell, Row, Table, TableRow

OTHERS = "Others"
Rows = frozenset[Row]


def hidden_cells(table: Table, parts: Sequence[Table], taken: set[Rows], floor: int) -> list[list[bool]]:
    """For each line, and last for the total, which cells are withheld. `parts` are the same table of shorter periods,
    as published; `taken` are the rows of what is withheld elsewhere."""
    lines = (*table.lines, table.total)
    numbers = [[cell.n or 0 for cell in line.cells] for line in lines]
    hidden = [
        [
            small(n, floor)
            or small(numbers[at][0] - n, floor)
            or frozenset(line.cells[column].rows) in taken
            or follows(n, [_cell(part, line.label, column) for part in parts], floor)
            for column, n in enumerate(numbers[at])
        ]
        for at, line in enumerate(lines)
    ]
    while True:
        before = [list(line) for line in hidden]
        for column in range(len(table.columns)):
            _guard_column(numbers, hidden, column, floor)
        for at in range(len(numbers)):
            _guard_line(numbers[at], hidden[at], floor)
        if hidden == before:
            return hidden


def hidden_rows(table: Table, hidden: Sequence[Sequence[bool]]) -> Iterator[Rows]:
    """The rows of the cells that are withheld."""
    for line, gone in zip((*table.lines, table.total), hidden, strict=True):
        yield from (
            frozenset(cell.rows)
            for cell, is_gone in zip(line.cells, gone, strict=True)
            if is_gone and cell.rows
        )


def shown_table(table: Table, hidden: Sequence[Sequence[bool]], *, fold: bool) -> Table:
    """The table without its rows and what is withheld; with `fold`, lines that are withheld are not even named."""
    lines = [
        TableRow(
            each.label,
            tuple(Cell(None if is_gone else cell.n) for cell, is_gone in zip(each.cells, gone, strict=True)),
        )
        for each, gone in zip((*table.lines, table.total), hidden, strict=True)
    ]
    kept = [each for each, gone in zip(lines[:-1], hidden, strict=False) if not (fold and gone[0])]
    others = [TableRow(OTHERS, (Cell(None),) * len(table.columns))] if len(kept) < len(lines) - 1 else []
    return table._replace(lines=(*kept, *others), total=lines[-1])


def follows(whole: int, parts: Sequence[int | None], floor: int) -> bool:
    """Whether a part that is withheld follows from the whole and the parts that are not, or all such come to few."""
    gone = sum(each is None for each in parts)
    left = whole - sum(each for each in parts if each is not None)
    return gone == 1 or (gone > 1 and left < floor)


def _cells(line: TableRow, gone: Sequence[bool]) -> tuple[Cell, ...]:
    return tuple(Cell(None if hidden else cell.n) for cell, hidden in zip(line.cells, gone, strict=True))


def _cell(table: Table, label: str, column: int) -> int | None:
    """The number of a line; none in a line that is not there, unless such lines are withheld."""
    found = {line.label: line.cells[column].n for line in (*table.lines, table.total)}
    return found.get(label, None if OTHERS in found else 0)


def small(number: int | None, floor: int) -> bool:
    return number is not None and 0 < number < floor


def _guard_column(numbers: list[list[int]], hidden: list[list[bool]], column: int, floor: int) -> None:
    """The last line is the total. When it is withheld, so is all of its column."""
    at = range(len(numbers) - 1)
    if hidden[-1][column]:
        for line in at:
            hidden[line][column] = True
        return
    while gone := [line for line in at if hidden[line][column]]:
        left = numbers[-1][column] - sum(numbers[line][column] for line in at if not hidden[line][column])
        if len(gone) > 1 and sum(numbers[line][column] for line in gone) >= floor and not small(left, floor):
            return
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
    if shown and (gone == 1 or (gone == 0 and small(left, floor))):
        hidden[min(shown, key=lambda at: numbers[at])] = True
