"""Small numbers: none is shown to a panel or the public, and none follows from what is shown."""

from datetime import UTC, datetime, timedelta
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import HERE
from triage.review.definitions import read_definitions
from triage.review.figures import (
    Cell,
    Definition,
    Figure,
    Figures,
    Period,
    Point,
    Row,
    RunChart,
    Table,
    TableRow,
    Unit,
)
from triage.review.suppression import suppressed, with_parts
from triage.review.suppression_tables import OTHERS
from triage.sampling import wilson

DEFINED = read_definitions(HERE / "review" / "figures.toml")
FLOOR = DEFINED.floor
PERIOD = Period(datetime(2026, 7, 6, tzinfo=UTC), datetime(2026, 7, 20, tzinfo=UTC))


def rows(of: str, n: int, first: int = 0) -> tuple[Row, ...]:
    return tuple(Row(f"{of} {at}", at) for at in range(first, first + n))


def defined(name: str) -> Definition:
    return DEFINED.of(name).definition


def shown(*figures: Figure, tables: tuple[Table, ...] = (), charts: tuple[RunChart, ...] = ()) -> Figures:
    made = Figures(PERIOD, PERIOD.until, 1, "d", figures, tables, charts, (), (), ())
    return suppressed(made, DEFINED)


def share(n: int, of: int, name: str = "false_alarms") -> Figure:
    low, high = wilson(n, of) if of else (None, None)
    return Figure(
        defined(name),
        PERIOD,
        Unit.SHARE,
        n,
        of,
        n / of if of else None,
        low,
        high,
        rows("GH", n),
        rows("GH", of),
    )


@given(st.integers(0, 30), st.integers(0, 30))
def test_a_share_tells_of_no_few(n: int, rest: int) -> None:
    [found] = shown(share(n, n + rest)).figures
    if found.n is not None:
        assert not 0 < n < FLOOR
        assert not 0 < rest < FLOOR
        assert found.value == (n / (n + rest) if n + rest else None)
    else:
        assert (found.value, found.low, found.high) == (None, None, None)
    assert found.of is None or not 0 < found.of < FLOOR
    assert found.numerator == found.denominator == ()


def test_what_is_shown_of_a_share_says_how_much_is_withheld() -> None:
    assert shown(share(8, 145)).figures[0].shown == "8 of 145 (5.5%; 95% interval 2.8% to 10.5%)"
    assert shown(share(3, 145)).figures[0].shown == "withheld: fewer than 5, or all but so few, of 145"
    assert shown(share(1, 3)).figures[0].shown == "withheld: fewer than 5"
    assert shown(share(0, 145)).figures[0].shown.startswith("0 of 145")


def test_all_is_not_said_of_what_was_found_of_people() -> None:
    assert shown(share(9, 9)).figures[0].n == 9
    assert shown(share(9, 9, "reviewed_concern")).figures[0].n is None


def test_numbers_of_nobody_are_shown() -> None:
    assert shown(share(2, 32, "boroughs_seen")).figures[0].n == 2


def test_a_median_of_few_is_withheld() -> None:
    def silence(n: int, of: int) -> Figure:
        return Figure(defined("silence"), PERIOD, Unit.MINUTES, n, of, 55.0)

    assert shown(silence(4, 20)).figures[0].value is None
    assert shown(silence(18, 20)).figures[0].shown == "55 min (n = 18)"
    assert shown(silence(10, 20)).figures[0].shown == "55 min (n = 10 of 20)"


def table(numbers: list[int], *parts: list[int], name: str = "theme_type") -> Table:
    """Lines that add up to their total, and columns that are parts of the first."""
    lines = [
        TableRow(
            f"line {at}", tuple(Cell(n, rows(f"{at}", n, 100 * column)) for column, n in enumerate(each))
        )
        for at, each in enumerate(zip(numbers, *parts, strict=True))
    ]
    sums = tuple(Cell(sum(each)) for each in (numbers, *parts))
    words = next(each for each in DEFINED.table if each.name == name).definition
    return Table(words, PERIOD, ("A", "B", "C")[: 1 + len(parts)], tuple(lines), TableRow("All", sums))


@given(st.lists(st.integers(0, 12), min_size=1, max_size=7))
@settings(max_examples=300)
def test_no_few_of_a_table_follow_from_its_total(numbers: list[int]) -> None:
    [found] = shown(tables=(table(numbers, name="severity_mix"),)).tables
    seen = [line.cells[0].n for line in found.lines]
    assert all(n is None or n == real for n, real in zip(seen, numbers, strict=True))
    assert not any(n is not None and 0 < n < FLOOR for n in (*seen, found.total.cells[0].n))
    if found.total.cells[0].n is None:
        assert set(seen) == {None} or not any(numbers)
        return
    gone = [real for n, real in zip(seen, numbers, strict=True) if n is None]
    left = found.total.cells[0].n - sum(n for n in seen if n is not None)
    assert left == sum(gone)
    assert not gone or (len(gone) > 1 and left >= FLOOR)
    if len(gone) in (2, 3):  # what a reader may think each withheld number is
        ways = [each for each in product(range(left + 1), repeat=len(gone)) if sum(each) == left]
        thought = [{each[at] for each in ways} for at in range(len(gone))]
        assert all(len(each) > 1 for each in thought)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=5))
@settings(max_examples=300)
def test_no_few_of_a_table_follow_from_the_columns_beside_them(told: list[tuple[int, int, int]]) -> None:
    whole, some, others = [a + b + c for a, b, c in told], [a for a, _, _ in told], [b for _, b, _ in told]
    [found] = shown(tables=(table(whole, some, others, name="severity_mix"),)).tables
    for line, (a, b, rest) in zip(found.lines, told, strict=True):
        first, *parts = (cell.n for cell in line.cells)
        if first is None:
            assert parts == [None, None]
            continue
        for n, real in zip(parts, (a, b), strict=True):
            if n is not None:
                assert not 0 < real < FLOOR
                assert not 0 < first - real < FLOOR
        if None not in parts:
            assert not 0 < rest < FLOOR
        if parts.count(None) == 1:  # the rest is nobody, or nothing is known of how it is divided
            assert [n for n in parts if n is not None] == [0]


def test_what_is_withheld_is_not_even_named() -> None:
    [found] = shown(tables=(table([20, 3, 2, 9]),)).tables
    assert [line.label for line in found.lines] == ["line 0", "line 3", OTHERS]
    assert found.lines[-1].cells[0].shown == "…"


@given(st.lists(st.integers(0, 12), min_size=12, max_size=12))
def test_no_month_follows_from_the_sum_of_all(numbers: list[int]) -> None:
    months = [Period(PERIOD.since + timedelta(days=30 * at), PERIOD.since + timedelta(days=30 * (at + 1)))
              for at in range(12)]  # fmt: skip
    points = tuple(Point(*month, n, None, n) for month, n in zip(months, numbers, strict=True))
    chart = RunChart(defined("cases_new"), Unit.COUNT, points, 1.0, ())
    [found] = shown(charts=(chart,)).charts
    gone = [real for point, real in zip(found.points, numbers, strict=True) if point.n is None]
    assert not any(point.n is not None and 0 < point.n < FLOOR for point in found.points)
    assert not gone or (len(gone) > 1 and sum(gone) >= FLOOR) or len(gone) == 12


def each_shown(*figures: Figure) -> list[Figure]:
    return [shown(each).figures[0] for each in figures]


def released(yes: int, no: int, later: int) -> tuple[Figure, Table]:
    """Decisions on video, as a figure and as a table of the same rows."""
    every = rows("BWV", yes + no + later)
    cut = (every[:yes], every[yes : yes + no], every[yes + no :])
    lines = tuple(
        TableRow(name, (Cell(len(each), each),))
        for name, each in zip(("released", "not", "later"), cut, strict=True)
    )
    words = next(each for each in DEFINED.table if each.name == "releases").definition
    made = Table(words, PERIOD, ("Decisions",), lines, TableRow("All", (Cell(len(every), every),)))
    one = Figure(
        defined("video_released"), PERIOD, Unit.SHARE, yes, len(every), 0.5, None, None, cut[0], every
    )
    return one, made


def test_what_a_table_withholds_is_not_told_by_a_figure_of_the_same_rows() -> None:
    one, made = released(7, 2, 11)
    found = shown(one, tables=(made,))
    assert [line.cells[0].n for line in found.tables[0].lines] == [None, None, 11]
    assert found.figures[0].n is None
    one, made = released(7, 6, 11)
    assert shown(one, tables=(made,)).figures[0].n == 7


def test_lines_that_share_cases_do_not_hide_how_few_are_left() -> None:
    known, few = rows("GH", 21), rows("GH", 4, 21)
    lines = (
        TableRow("not known", (Cell(21, known),)),
        TableRow("Baton", (Cell(3, few[:3]),)),
        TableRow("Dog", (Cell(3, few[1:]),)),
    )
    words = next(each for each in DEFINED.table if each.name == "theme_power").definition
    made = Table(words, PERIOD, ("Cases",), lines, TableRow("All", (Cell(25, known + few),)))
    [found] = shown(tables=(made,)).tables
    assert [line.label for line in found.lines] == [OTHERS]


def test_a_year_does_not_give_a_quarter_away() -> None:
    quarters = each_shown(share(20, 60), share(3, 50), share(30, 70), share(9, 40))
    [year] = shown(share(62, 220)).figures
    assert with_parts(year, quarters, FLOOR).n is None
    assert with_parts(year, [quarters[0], quarters[2]], FLOOR).n == 62
    two = each_shown(share(20, 60), share(4, 50), share(2, 70), share(9, 40))
    assert with_parts(shown(share(35, 220)).figures[0], two, FLOOR).n == 35


def test_an_output_with_withheld_numbers_says_what_that_means() -> None:
    assert "under 5" in shown(share(1, 3)).statements[-1]
