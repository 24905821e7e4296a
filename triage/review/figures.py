"""A figure: a number that is never without its words, its definition, its period, and the rows it counts.

What packs, pages and reports show. Computed by triage/review/figuring.py from the journal alone; for a panel or the
public first put through triage/review/suppression.py, which takes small numbers and all rows away.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

BIASED = (
    "Cases come from what people choose to post. They are a biased sample: no number here is a rate of misconduct, "
    "and none may be set against official counts of force or stop and search."
)


class Unit(StrEnum):
    """What the value is: rows counted, n of N, the middle of some lengths of time in minutes."""

    COUNT = "count"
    SHARE = "share"
    MINUTES = "minutes"


class Period(NamedTuple):
    """From `since` on and before `until`."""

    since: datetime
    until: datetime


class Row(NamedTuple):
    """One row a figure counts: `id` is the same in every figure, `case` the number of its case, if it has one."""

    id: str
    case: int | None


class Change(NamedTuple):
    """A row of an earlier time that a figure counts otherwise than when the pack before this one was printed. `was` and
    `now` are how it is counted; `dated` is the time it belongs to, `counted_at` when the journal learnt of it."""

    figure: str
    row: Row
    dated: datetime
    was: str
    now: str
    counted_at: datetime


class Definition(NamedTuple):
    """What a figure means, as config/review/figures.toml says it; where it stands, whether on the front page, and
    whether it is of nobody and hides nothing."""

    name: str
    words: str
    numerator: str
    denominator: str
    period: str
    text: str
    caveats: tuple[str, ...]
    section: str = ""
    front: bool = False
    public: bool = False


class Figure(NamedTuple):
    """One number. `value` is n, n/of, or minutes; `low` and `high` bound it (95%), where that makes sense. Without
    `n` it is not shown, and `hidden` says why. Rows are empty for a panel and the public."""

    definition: Definition
    period: Period
    unit: Unit
    n: int | None
    of: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    numerator: tuple[Row, ...] = ()
    denominator: tuple[Row, ...] = ()
    hidden: str = ""

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def brief(self) -> str:
        """The number without its interval: `8 of 145 (5.5%)`."""
        return self._replace(low=None, high=None).shown

    @property
    def shown(self) -> str:
        """The number as it is printed: `8 of 145 (5.5%; 95% interval 2.8% to 10.5%)`."""
        if self.n is None:
            return self.hidden
        if self.unit is Unit.COUNT:
            return f"{self.n:,}"
        if self.unit is Unit.MINUTES:
            said = "none" if self.value is None else length(self.value)
            return (
                f"{said} (n = {self.n:,})" if self.of is None else f"{said} (n = {self.n:,} of {self.of:,})"
            )
        if not self.of or self.value is None:
            return f"{self.n:,} of {self.of:,}"
        within = "" if self.low is None else f"; 95% interval {self.low:.1%} to {self.high:.1%}"
        return f"{self.n:,} of {self.of:,} ({self.value:.1%}{within})"


class Cell(NamedTuple):
    """One number in a table; without `n` it is not shown."""

    n: int | None
    rows: tuple[Row, ...] = ()

    @property
    def shown(self) -> str:
        return HIDDEN if self.n is None else f"{self.n:,}"


HIDDEN = "…"  # a number withheld; every output says below it what that means
WITHHELD = f"{HIDDEN} is a number under 5, or one that would give such a number away."


class TableRow(NamedTuple):
    """One line of a table: what it is of, and its cells in the order of the columns."""

    label: str
    cells: tuple[Cell, ...]


class Table(NamedTuple):
    """Counts by one thing across another. `total` is the line of the sums over whole rows, where rows that count in
    several lines (a case with two tactics) count once."""

    definition: Definition
    period: Period
    columns: tuple[str, ...]
    lines: tuple[TableRow, ...]
    total: TableRow

    @property
    def name(self) -> str:
        return self.definition.name


class Point(NamedTuple):
    """One month of a run chart. `value` is None where nothing can be said, or it is withheld (then also `n`)."""

    since: datetime
    until: datetime
    n: int | None
    of: int | None
    value: float | None


class RunChart(NamedTuple):
    """A figure month by month, with the median of all as its middle line, and what the run rules find."""

    definition: Definition
    unit: Unit
    points: tuple[Point, ...]
    median: float | None
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.definition.name


class Figures(NamedTuple):
    """All figures of a period, as the journal stood at `as_of`, its last line being entry `entry` of the log.
    `definitions` is the digest of the definitions they follow; `before` are the same figures of the period of this
    length before."""

    period: Period
    as_of: datetime
    entry: int
    definitions: str
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    charts: tuple[RunChart, ...]
    before: tuple[Figure, ...]
    changes: tuple[Change, ...]
    statements: tuple[str, ...]

    def figure(self, name: str) -> Figure:
        return next(each for each in self.figures if each.name == name)

    def table(self, name: str) -> Table:
        return next(each for each in self.tables if each.name == name)

    def chart(self, name: str) -> RunChart:
        return next(each for each in self.charts if each.name == name)


def length(minutes: float) -> str:
    """A stretch of time in its two largest units: `2 h 5 min`."""
    seconds = round(minutes * 60)
    units = [
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    largest = next((at for at, (count, _) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count} {unit}" for count, unit in units[largest : largest + 2] if count) or "0 s"
