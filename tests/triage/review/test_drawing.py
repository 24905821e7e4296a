"""Drawings of figures: the same bytes, whole without colour, and said in words."""

import re
import xml.etree.ElementTree as ET
from datetime import datetime

from triage.review.counting import LONDON
from triage.review.drawing import bars, chart_in_words, run_chart
from triage.review.figures import Cell, Definition, Period, Point, RunChart, Table, TableRow, Unit
from triage.review.run_rules import run_notes

WORDS = Definition("name", "Cases & <more>", "n", "N", "p", "t", ())
JULY = Period(datetime(2026, 7, 1, tzinfo=LONDON), datetime(2026, 8, 1, tzinfo=LONDON))
SVG = "{http://www.w3.org/2000/svg}"


def table(*numbers: tuple[int | None, ...]) -> Table:
    lines = tuple(TableRow(f"line {at}", tuple(map(Cell, each))) for at, each in enumerate(numbers))
    return Table(
        WORDS, JULY, ("Cases", "Grave")[: len(numbers[0])], lines, TableRow("All", (Cell(9), Cell(1)))
    )


def chart(*values: float | None, unit: Unit = Unit.SHARE) -> RunChart:
    points = tuple(
        Point(datetime(2025, at, 1, tzinfo=LONDON), datetime(2025, at, 28, tzinfo=LONDON),
              None if each is None else 3, None if each is None else 9, each)
        for at, each in enumerate(values, 1)
    )  # fmt: skip
    return RunChart(WORDS, unit, points, 0.5, ("A shift.",))


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_same_figures_give_the_same_bytes() -> None:
    assert bars(table((5, 2), (4, 0))) == bars(table((5, 2), (4, 0)))
    assert run_chart(chart(0.1, 0.4)) == run_chart(chart(0.1, 0.4))


def test_every_bar_has_its_name_and_its_number() -> None:
    said = texts(bars(table((5, 2), (None, None))))
    assert {"line 0", "line 1", "5", "2", "…", "Cases", "Grave"} <= set(said)
    assert "Cases, number; all: 9" in said


def test_a_long_name_stands_on_two_lines_and_is_cut_only_after_them() -> None:
    long = TableRow("Search for drugs (Misuse of Drugs Act s23)", (Cell(5),))
    said = texts(bars(table((2,))._replace(lines=(long, TableRow("word " * 30, (Cell(2),))))))
    assert {"Search for drugs (Misuse of", "Drugs Act s23)"} <= set(said)
    assert [each for each in said if each.endswith("…")] == ["word word word word word word…"]


def test_two_columns_are_told_apart_without_colour() -> None:
    fills = [each.get("fill") for each in ET.fromstring(bars(table((5, 2)))).iter(f"{SVG}rect")]
    assert "url(#stripes-name)" in fills


def test_every_month_has_n_of_n_below_and_a_marker() -> None:
    drawn = run_chart(chart(0.1, None, 0.4))
    assert len(re.findall("<circle", drawn)) == 2
    said = texts(drawn)
    assert said.count("n 3") == said.count("of 9") == 2
    assert "…" in said
    assert "median" in said


def test_no_line_is_drawn_over_a_month_without_a_value() -> None:
    assert run_chart(chart(0.1, None, 0.4)).count('stroke-width="2"') == 0
    assert run_chart(chart(0.1, 0.2, None)).count('stroke-width="2"') == 1


def test_what_is_drawn_is_said_in_words_and_is_no_markup() -> None:
    drawn = run_chart(chart(0.1, None))
    assert ET.fromstring(drawn).find(f"{SVG}desc") is not None
    said = chart_in_words(chart(0.1, None))
    assert said == (
        "Cases & <more>, by month: January 2025 10% (3 of 9); February 2025 withheld. Median 50%. A shift."
    )
    assert "Cases &amp; &lt;more&gt;" in drawn


def test_a_scale_of_nothing_is_drawn() -> None:
    assert texts(run_chart(chart(0.0, 0.0, unit=Unit.COUNT)))
    assert texts(bars(table((0, 0))))


def test_run_rules_find_a_shift_and_a_trend_and_say_when_there_is_none() -> None:
    assert "No shift" in run_notes([1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3], 2)[0]
    assert run_notes([1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3], 2)[0] == (
        "A shift: 6 months in a row on one side of the median."
    )
    assert "A trend: 5 months" in run_notes([5, 1, 2, 3, 4, 5, 1, 5, 1, 5, 1, 5], 3)[-1]
    assert "no run rule" in run_notes([1, None, 3], 2)[0]
