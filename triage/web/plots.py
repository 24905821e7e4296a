"""A plot: numbers in a row as bars, drawn on the server as plain figures that a template turns into SVG.

Items seen and stored differ a thousandfold, so each has a panel and a scale of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from collector.days import Day
from triage.web.words import count

HEIGHT = 132
LEFT, BOTTOM = 64, 104  # where the axes cross
TOP, RIGHT = 14, 612
EVERY = 7  # days between two dates on the axis
SPARK_WIDTH, SPARK_HEIGHT = 96, 24


class Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float


class Label(NamedTuple):
    x: float
    y: float
    text: str


class Panel(NamedTuple):
    """One row of bars with its axes. `says` is the same in a sentence."""

    name: str
    says: str
    bars: list[Bar]
    across: list[Label]
    up: list[Label]


def panels(days: Sequence[Day]) -> list[Panel]:
    """What was seen, and below it what was stored."""
    return [
        _panel("Items seen", days, [day.seen for day in days]),
        _panel("Items stored", days, [day.stored for day in days]),
    ]


def spark(days: Sequence[Day]) -> list[Bar]:
    """Items seen, in a drawing of 96 by 24; a day with one item is never blank."""
    return _bars([day.seen for day in days], 0, SPARK_WIDTH, 2, SPARK_HEIGHT, max(day.seen for day in days))


def panel(name: str, says: str, numbers: Sequence[int], marks: Mapping[int, str]) -> Panel:
    """One row of bars. `marks` are what stands below some of them, by their place."""
    most = _round_up(max(numbers))
    step = (RIGHT - LEFT) / len(numbers)
    across = [Label(round(LEFT + step * (at + 0.5), 1), HEIGHT - 6, said) for at, said in marks.items()]
    scale = [Label(LEFT - 6, BOTTOM + 2, "0"), Label(LEFT - 6, TOP + 4, _brief(most))] if most else []
    return Panel(name, says, _bars(numbers, LEFT, RIGHT, TOP, BOTTOM, most), across, scale)


def _panel(name: str, days: Sequence[Day], numbers: Sequence[int]) -> Panel:
    marks = {at: short(day.on) for at, day in enumerate(days) if (len(days) - 1 - at) % EVERY == 0}
    return panel(name, _says(name, days, numbers), numbers, marks)


def _bars(numbers: Sequence[int], left: int, right: int, top: int, bottom: int, most: int) -> list[Bar]:
    step = (right - left) / len(numbers)
    return [
        Bar(round(left + step * (at + 0.1), 1), round(bottom - high, 1), round(step * 0.8, 1), round(high, 1))
        for at, number in enumerate(numbers)
        if number and (high := max((bottom - top) * number / most, 2))
    ]


def _says(name: str, days: Sequence[Day], numbers: Sequence[int]) -> str:
    total = sum(numbers)
    if not total:
        return f"{name}: none in {count(len(days), 'day')}"
    busiest = max(range(len(numbers)), key=lambda at: numbers[at])
    return (
        f"{name}: {total:,} in {count(len(days), 'day')}, most on {short(days[busiest].on)} "
        f"({numbers[busiest]:,}), {numbers[-1]:,} today so far"
    )


def _round_up(number: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50 ...: where an axis may end."""
    size = 10 ** (len(str(number)) - 1) if number else 0
    return next((size * each for each in (1, 2, 5, 10) if size * each >= number), 0)


def _brief(number: int) -> str:
    """`500`, `20k`, `5m`: what fits beside an axis."""
    for size, mark in ((1_000_000, "m"), (1_000, "k")):
        if number >= 10 * size or number == size * (number // size) >= size:
            return f"{number // size}{mark}"
    return str(number)


def short(day: date) -> str:
    """`4 Jul`."""
    return f"{day.day} {day:%b}"
