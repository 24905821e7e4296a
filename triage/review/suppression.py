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
    Figure,
    Figures,
    Point,
    RunChart,
    Table,
    Unit,
)
from triage.review.run_rules import run_notes
from triage.review.suppression_tables import Rows, follows, hidden_cells, hidden_rows, shown_table, small

FEW = "withheld: fewer than {floor}"
SUMMED = "withheld: beside what was published of its parts it would tell a number under {floor}"
ELSEWHERE = "withheld: it would tell a number that is withheld elsewhere"
NEARLY = "withheld: fewer than {floor}, or all but so few, of {of:,}"


def suppressed(figures: Figures, definitions: Definitions, parts: Sequence[Figures] = ()) -> Figures:
    """The figures as a panel or the public may see them. `parts` are those of the shorter periods they are the sum of,
    as they were published: nothing that these withhold follows from the sum.

    The same rows may be counted in several places: what is withheld in one is withheld in all.
    """
    floor = definitions.floor
    public = {each.name for each in (*definitions.figure, *definitions.table) if each.public}
    personal = {each.name for each in definitions.figure if each.personal}
    whole = {each.name for each in definitions.table if each.all_lines}
    told = [each for each in figures.figures if each.name not in public]
    tables = [each for each in figures.tables if each.name not in public]
    taken: set[Rows] = set()
    while True:
        shown = {each.name: _summed(each, parts, taken, floor, personal) for each in told}
        hidden = {
            each.name: hidden_cells(each, _tables_of(parts, each.name), taken, floor) for each in tables
        }
        found = {rows for each in told for rows in _taken(each, shown[each.name])}
        found |= {rows for each in tables for rows in hidden_rows(each, hidden[each.name])}
        if found <= taken:
            break
        taken |= found
    return figures._replace(
        figures=tuple(shown.get(each.name, each) for each in figures.figures),
        before=tuple(
            each if each.name in public else _figure(each, floor, personal) for each in figures.before
        ),
        tables=tuple(
            shown_table(each, hidden[each.name], fold=each.name not in whole) if each.name in hidden else each
            for each in figures.tables
        ),
        charts=tuple(
            each if each.name in public else _chart(each, floor, each.name in personal)
            for each in figures.charts
        ),
        changes=(),
        statements=(*figures.statements, WITHHELD),
    )


def _summed(
    figure: Figure, parts: Sequence[Figures], taken: set[Rows], floor: int, personal: set[str]
) -> Figure:
    made = with_parts(_figure(figure, floor, personal), [each.figure(figure.name) for each in parts], floor)
    if made.n is not None and any(rows in taken for rows in _counted(figure)):
        of = None if frozenset(figure.denominator) in taken else made.of
        return _withheld(made, ELSEWHERE)._replace(of=of)
    return made


def _counted(figure: Figure) -> list[Rows]:
    """Those in the numerator, those who are not, and all of them."""
    those, every = frozenset(figure.numerator), frozenset(figure.denominator)
    return [rows for rows in (those, every - those, every) if rows]


def _taken(figure: Figure, shown: Figure) -> list[Rows]:
    if shown.n is not None:
        return []
    return [rows for rows in _counted(figure) if shown.of is None or rows != frozenset(figure.denominator)]


def with_parts(whole: Figure, parts: Sequence[Figure], floor: int) -> Figure:
    """A figure of a longer period, withheld where the shorter ones that were published would give a number away: all
    suppressed before."""
    gives = whole.n is not None and follows(whole.n, [each.n for each in parts], floor)
    if whole.of is not None and not gives:
        gives = follows(whole.of, [each.of for each in parts], floor)
    return _withheld(_bare(whole), SUMMED.format(floor=floor)) if gives else whole


def _tables_of(parts: Sequence[Figures], name: str) -> list[Table]:
    return [table for each in parts for table in each.tables if table.name == name]


def _bare(figure: Figure) -> Figure:
    return figure._replace(numerator=(), denominator=())


def _figure(figure: Figure, floor: int, personal: set[str]) -> Figure:
    bare = _bare(figure)
    if figure.unit is Unit.COUNT:
        return bare if not small(figure.n, floor) else _withheld(bare, FEW.format(floor=floor))
    if figure.of is not None and 0 < figure.of < floor:
        return _withheld(bare, FEW.format(floor=floor))
    if figure.unit is Unit.MINUTES:
        if (figure.n or 0) < floor and figure.of:
            return _withheld(bare, FEW.format(floor=floor))
        return bare._replace(of=None) if small((figure.of or 0) - (figure.n or 0), floor) else bare
    if _tells(figure.n, figure.of, floor, figure.name in personal):
        return _withheld(bare, NEARLY.format(floor=floor, of=figure.of))._replace(of=figure.of)
    return bare


def _withheld(figure: Figure, why: str) -> Figure:
    return figure._replace(n=None, of=None, value=None, low=None, high=None, hidden=why)


def _tells(n: int | None, of: int | None, floor: int, personal: bool) -> bool:
    """Whether n of N says too much: of few, of all but few, or the same of everybody."""
    if n is None or not of:
        return False
    return small(n, floor) or small(of - n, floor) or (personal and n == of)


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
        return small(point.n, floor)
    if small(point.of, floor):
        return True
    if unit is Unit.MINUTES:
        return small(point.n, floor) or small((point.of or 0) - (point.n or 0), floor)
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
