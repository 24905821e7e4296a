"""Measures: rows and a definition in, a figure, a table or a run chart out. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time
from statistics import median
from typing import Any

from triage.review.counting import LONDON, Counted, Rows
from triage.review.definitions import Counting, FigureDefinition, Measure, TableDefinition, Where
from triage.review.figures import Cell, Figure, Period, Point, Row, RunChart, Table, TableRow, Unit
from triage.review.run_rules import run_notes
from triage.sampling import wilson

MONTHS = 12
NOT_KNOWN = "not known"
UNITS = {
    Measure.COUNT: Unit.COUNT,
    Measure.MEDIAN: Unit.MINUTES,
    Measure.SHARE: Unit.SHARE,
    Measure.SUMS: Unit.SHARE,
}


def figure(wanted: FigureDefinition, rows: Rows, period: Period) -> Figure:
    """One figure of a period. What has not happened at the rows' own moment is not counted."""
    counted = chosen(wanted, rows, period)
    if wanted.measure is Measure.MEDIAN:
        return _median(wanted, counted, period)
    if wanted.measure is Measure.SUMS:
        return _sums(wanted, counted, period)
    every = _ids(counted, by_case=wanted.by_case)
    if wanted.measure is Measure.COUNT:
        return Figure(wanted.definition, period, Unit.COUNT, len(every), None, len(every), numerator=every)
    those = _ids((each for each in counted if fits(each, wanted.those)), by_case=wanted.by_case)
    return _share(wanted, period, len(those), len(every), those, every)


def table(wanted: TableDefinition, rows: Rows, period: Period) -> Table:
    """One table of a period: how many rows of each value, in each column."""
    counted = chosen(wanted, rows, period)
    by_value: dict[str, list[Counted]] = {value: [] for value in wanted.lines} if wanted.all_lines else {}
    for each in counted:
        for value in _values(each.fields.get(wanted.by)):
            by_value.setdefault(value, []).append(each)
    order = {value: at for at, value in enumerate(wanted.lines)}
    placed = sorted(by_value, key=lambda value: (order.get(value, len(order)), -len(by_value[value]), value))
    lines = [TableRow(_words(wanted, value), _cells(wanted, by_value[value])) for value in placed]
    columns = tuple(each.words for each in wanted.columns)
    total = TableRow("All", _cells(wanted, counted))
    return Table(wanted.definition, period, columns, tuple(lines), total)


def chart(wanted: FigureDefinition, rows: Rows, period: Period) -> RunChart:
    """A figure in each of the twelve whole months up to the period's end."""
    points = [_point(figure(wanted, rows, each)) for each in months(min(period.until, rows.at))]
    values = [each.value for each in points if each.value is not None]
    middle = median(values) if values else None
    notes = run_notes([each.value for each in points], middle)
    return RunChart(wanted.definition, UNITS[wanted.measure], tuple(points), middle, notes)


def months(until: datetime) -> list[Period]:
    """The twelve months of London's calendar that were over by a moment, the oldest first."""
    local = until.astimezone(LONDON)
    ends = local.year * 12 + local.month - 1
    return [Period(_month(ends - back), _month(ends - back + 1)) for back in range(MONTHS, 0, -1)]


def chosen(wanted: Counting, rows: Rows, period: Period) -> list[Counted]:
    """The rows a definition counts in a period."""
    until = min(period.until, rows.at)
    return [
        each
        for each in rows.of(wanted.kind)
        if _falls(each.fields, wanted, period.since, until) and fits(each, wanted.where)  # most fall outside
    ]


def fits(counted: Counted, where: Where) -> bool:
    """Whether a row has the values asked for."""
    return all(_has(counted.fields.get(name), value) for name, value in where.items())


def _has(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool):
        return bool(found) is wanted
    every = wanted if isinstance(wanted, tuple) else (wanted,)
    return any(each in every for each in found) if isinstance(found, list) else found in every


def _falls(fields: Mapping[str, Any], wanted: Counting, since: datetime, until: datetime) -> bool:
    if wanted.dated is not None:
        at = fields.get(wanted.dated)
        return at is not None and since <= at < until
    if wanted.standing is not None:
        begins, ends = (fields.get(name) for name in wanted.standing)
        return begins is not None and begins < until and (ends is None or ends >= until)
    return True


def _share(
    wanted: FigureDefinition, period: Period, n: int, of: int, those: tuple[Row, ...], every: tuple[Row, ...]
) -> Figure:
    low, high = wilson(n, of) if of and wanted.interval else (None, None)
    value = n / of if of else None
    return Figure(wanted.definition, period, Unit.SHARE, n, of, value, low, high, those, every)


def _sums(wanted: FigureDefinition, counted: Sequence[Counted], period: Period) -> Figure:
    upper, lower = wanted.sums or ("", "")
    n, of = (sum(int(each.fields.get(name) or 0) for each in counted) for name in (upper, lower))
    those, every = (_ids(each for each in counted if each.fields.get(name)) for name in (upper, lower))
    return _share(wanted, period, n, of, those, every)


def _median(wanted: FigureDefinition, counted: Sequence[Counted], period: Period) -> Figure:
    known = [each for each in counted if each.fields.get(wanted.minutes or "") is not None]
    lengths = [float(each.fields[wanted.minutes or ""]) for each in known]
    value = median(lengths) if lengths else None
    those, every = _ids(known), _ids(counted)
    return Figure(
        wanted.definition, period, Unit.MINUTES, len(those), len(every), value, None, None, those, every
    )


def _ids(counted: Iterable[Counted], *, by_case: bool = False) -> tuple[Row, ...]:
    if not by_case:
        return tuple(each.row for each in counted)
    return tuple(dict.fromkeys(Row(f"GH-{each.row.case}", each.row.case) for each in counted))


def _cells(wanted: TableDefinition, counted: Sequence[Counted]) -> tuple[Cell, ...]:
    found = []
    for column in wanted.columns:
        rows = _ids((each for each in counted if fits(each, column.where)), by_case=wanted.by_case)
        found.append(Cell(len(rows), rows))
    return tuple(found)


def _values(found: Any) -> Iterator[str]:
    if isinstance(found, list):
        yield from (str(each) for each in dict.fromkeys(found)) if found else (NOT_KNOWN,)
    else:
        yield NOT_KNOWN if found is None else str(found)


def _words(wanted: TableDefinition, value: str) -> str:
    return wanted.lines.get(value, value.replace("_", " "))


def _point(made: Figure) -> Point:
    value = made.n if made.unit is Unit.COUNT else made.value
    return Point(made.period.since, made.period.until, made.n, made.of, value)


def _month(number: int) -> datetime:
    return datetime.combine(datetime(number // 12, number % 12 + 1, 1, tzinfo=LONDON).date(), time(), LONDON)
