"""Draws figures as SVG: bars of a table, a run chart. The same figures give the same bytes.

Plain shapes and text, no script, no style sheet, no font file: it stands in HTML and in a PDF alike. Colours are told
apart by the colour-blind (Okabe and Ito 2008), and never alone: bars are filled or striped, months have markers. What
is drawn is said in words too, for who does not see it, and each drawing belongs beside its table.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from math import ceil
from textwrap import wrap

from triage.review.counting import LONDON
from triage.review.figures import HIDDEN, Point, RunChart, Table, Unit, length

BLUE, ORANGE, INK, SOFT, RULE = "#0072B2", "#D55E00", "#0b0c0c", "#505a5f", "#b1b4b6"
WIDTH = 720
LEFT, RIGHT = 210, 60  # beside bars: names, numbers
BAR, GAP = 16, 8
TOP, HIGH, UNDER, SIDE = 34, 170, 58, 64  # around and of a run chart
MOST_BARS = 16
MOST_LETTERS = 30  # of a bar's name on one line


def bars(table: Table) -> str:
    """A bar for each line of a table, two where it has two columns or more; its number stands at its end."""
    lines = table.lines[:MOST_BARS]
    shown = min(len(table.columns), 2)
    step = shown * BAR + GAP
    most = max((cell.n or 0 for line in lines for cell in line.cells), default=0) or 1
    top = 30 if shown > 1 else 10
    height = top + step * len(lines) + 30
    stripes = f"stripes-{table.name}"
    parts = [_striped(stripes), *_key(table.columns[:shown], stripes)] if shown > 1 else []
    for row, line in enumerate(lines):
        y = top + row * step
        parts += _beside(line.label, y + (shown * BAR - 2) / 2)
        for at, cell in enumerate(line.cells[:shown]):
            wide = (WIDTH - LEFT - RIGHT) * (cell.n or 0) / most
            parts.append(_bar(LEFT, y + at * BAR, wide, BAR - 2, stripes if at else ""))
            parts.append(_text(LEFT + wide + 6, y + at * BAR + 12, cell.shown))
    parts.append(_line(LEFT, top - 4, LEFT, top + step * len(lines), INK))
    left_out = len(table.lines) - len(lines)
    more = f"; {left_out} more lines in the table" if left_out else ""
    total = table.total.cells[0].shown
    parts.append(_text(LEFT, height - 8, f"{table.columns[0]}, number; all: {total}{more}", colour=SOFT))
    return _drawn(height, table.definition.words, bars_in_words(table), parts)


def run_chart(chart: RunChart) -> str:
    """Twelve months with the median of all as a dashed line; under each month its n, and N."""
    values = [each.value for each in chart.points if each.value is not None]
    most = _end(max(values, default=0.0), chart.unit)
    height = TOP + HIGH + (UNDER if chart.unit is not Unit.COUNT else UNDER - 14)
    step = (WIDTH - SIDE - 96) / max(len(chart.points), 1)
    places = [(SIDE + step * (at + 0.5), each) for at, each in enumerate(chart.points)]
    parts = [*_scale(chart.unit, most)]
    if chart.median is not None:
        y = _high(chart.median, most)
        parts.append(_line(SIDE, y, WIDTH - 92, y, ORANGE, dashed=True))
        parts.append(_text(WIDTH - 88, y - 2, "median", colour=SOFT))
        parts.append(_text(WIDTH - 88, y + 11, _value(chart.median, chart.unit), colour=SOFT))
    parts += _joined(places, most)
    for x, point in places:
        parts += _month(x, point, most, chart.unit)
    parts.append(_text(SIDE, 16, _axis(chart.unit), colour=SOFT))
    return _drawn(height, chart.definition.words, chart_in_words(chart), parts)


def bars_in_words(table: Table) -> str:
    """What the bars show."""
    said = "; ".join(f"{each.label} {each.cells[0].shown}" for each in table.lines[:MOST_BARS])
    return f"{table.definition.words}. {table.columns[0]}: {said or 'none'}."


def chart_in_words(chart: RunChart) -> str:
    """What the run chart shows."""
    months = "; ".join(f"{_name(each)} {_said(each, chart.unit)}" for each in chart.points)
    middle = "" if chart.median is None else f" Median {_value(chart.median, chart.unit)}."
    return f"{chart.definition.words}, by month: {months}.{middle} {' '.join(chart.notes)}".strip()


def _month(x: float, point: Point, most: float, unit: Unit) -> Iterator[str]:
    base = TOP + HIGH
    if point.value is not None:
        y = _high(point.value, most)
        yield f'<circle cx="{_n(x)}" cy="{_n(y)}" r="4" fill="{BLUE}" stroke="#fff"/>'
    month, year = f"{point.since.astimezone(LONDON):%b}", f"{point.since.astimezone(LONDON):%y}"
    yield _text(x, base + 16, f"{month} {year}", anchor="middle", size=11)
    yield _text(
        x, base + 31, HIDDEN if point.n is None else f"n {point.n:,}", anchor="middle", size=11, colour=SOFT
    )
    if unit is not Unit.COUNT and point.of is not None:
        yield _text(x, base + 45, f"of {point.of:,}", anchor="middle", size=11, colour=SOFT)


def _joined(places: Sequence[tuple[float, Point]], most: float) -> Iterator[str]:
    """Lines between months that follow one another and both have a value."""
    for (x, one), (after, other) in pairwise(places):
        if one.value is not None and other.value is not None:
            yield _line(x, _high(one.value, most), after, _high(other.value, most), BLUE, wide=2)


def _scale(unit: Unit, most: float) -> Iterator[str]:
    for part in (0.0, 0.5, 1.0):
        y = _high(most * part, most)
        yield _line(SIDE, y, WIDTH - 92, y, RULE if part else INK)
        yield _text(SIDE - 8, y + 4, _value(most * part, unit), anchor="end", size=11, colour=SOFT)


def _key(columns: Sequence[str], stripes: str) -> Iterator[str]:
    x = float(LEFT)
    for at, name in enumerate(columns):
        yield _bar(x, 6, 14, 12, stripes if at else "")
        yield _text(x + 20, 16, name)
        x += 40 + 7.5 * len(name)


def _axis(unit: Unit) -> str:
    return {
        Unit.COUNT: "Number in the month",
        Unit.SHARE: "Share in the month, n of N below",
        Unit.MINUTES: "Median of the month; n of N with a time below",
    }[unit]


def _value(value: float, unit: Unit) -> str:
    if unit is Unit.SHARE:
        return f"{value:.1%}".replace(".0%", "%")
    return length(value) if unit is Unit.MINUTES else f"{value:,.10g}"


def _said(point: Point, unit: Unit) -> str:
    if point.n is None:
        return "withheld"
    if unit is Unit.COUNT:
        return f"{point.n:,}"
    value = "no value" if point.value is None else _value(point.value, unit)
    return f"{value} ({point.n:,} of {point.of:,})"


def _name(point: Point) -> str:
    return f"{point.since.astimezone(LONDON):%B %Y}"


def _end(most: float, unit: Unit) -> float:
    """Where the scale ends: at a round number above all, which the axis says."""
    if unit is Unit.SHARE:
        return next(each for each in (0.1, 0.25, 0.5, 1.0) if each >= most)
    size = 10.0 ** (len(str(ceil(most))) - 1)
    return next(size * each for each in (1, 2, 4, 6, 8, 10) if size * each >= most) if most else 1.0


def _high(value: float, most: float) -> float:
    return TOP + HIGH * (1 - value / most)


def _beside(label: str, middle: float) -> Iterator[str]:
    """What stands beside a bar: on two lines where it is long, cut only where it is longer still."""
    lines = wrap(label, MOST_LETTERS, max_lines=2, placeholder="…") or [""]
    for nth, words in enumerate(lines):
        y = middle + 5 + 12 * (nth - (len(lines) - 1) / 2)
        yield _text(LEFT - 8, y, words, anchor="end", size=12 if len(lines) == 1 else 11)


def _bar(x: float, y: float, wide: float, high: float, stripes: str) -> str:
    """Filled, or striped by the pattern of that id."""
    fill, colour = (f"url(#{stripes})", ORANGE) if stripes else (BLUE, BLUE)
    where = f'x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(high)}"'
    return f'<rect {where} fill="{fill}" stroke="{colour}" stroke-width="0.75"/>'


def _striped(name: str) -> str:
    return (
        f'<defs><pattern id="{name}" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="2.5" height="5" fill="{ORANGE}"/></pattern></defs>'
    )


def _line(
    x: float, y: float, to_x: float, to_y: float, colour: str, *, wide: float = 1, dashed: bool = False
) -> str:
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    return (
        f'<line x1="{_n(x)}" y1="{_n(y)}" x2="{_n(to_x)}" y2="{_n(to_y)}" stroke="{colour}" '
        f'stroke-width="{_n(wide)}"{dash}/>'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12, colour: str = INK) -> str:
    where = f'x="{_n(x)}" y="{_n(y)}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {where} fill="{colour}">{escape(words)}</text>'


def _n(number: float) -> str:
    """A coordinate, in the fewest digits."""
    return f"{number:.1f}".removesuffix(".0")


def _drawn(height: float, title: str, says: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {_n(height)}" width="{WIDTH}" '
        f'height="{_n(height)}" role="img" font-family="Liberation Sans, Arial, Helvetica, sans-serif">'
        f"<title>{escape(title)}</title><desc>{escape(says)}</desc>"
        f'<rect width="{WIDTH}" height="{_n(height)}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
