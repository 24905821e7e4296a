"""The figures of the oversight review on the desk: each number with its words, n of N, period, definition and rows.

Read from the journal as it was counted last, and by the same definitions as a pack: the same period gives the same
numbers. A case that is hidden from who looks is counted, where everybody's figures count it, and never named.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from sqlalchemy import select
from sqlmodel import Session, col

from triage.locked import LONDON
from triage.records import Case
from triage.review.counting import Rows
from triage.review.definitions import Definitions
from triage.review.drawing import bars, run_chart
from triage.review.figures import Definition, Figure, Figures, Period, Row, RunChart, Table
from triage.review.figuring import changes_of, figures_from, rows_as_of
from triage.review.measuring import chart, table
from triage.web.visit import Visit, Visiting

router = APIRouter()

SPANS = {"14 days": 14, "4 weeks": 28, "12 months": 364}
LONGEST = timedelta(days=3 * 366)
ROWS = 200  # named behind one number
Section = list[tuple[Figure, Figure]]


class Named(NamedTuple):
    """The rows behind a number, as one person may read them: a link where a row is of a case, and how many more."""

    rows: Sequence[Row]
    more: int
    unseen: int


class Shown(NamedTuple):
    """One figure or table opened: its definition, what is drawn, and the rows it counts."""

    definition: Definition
    figure: Figure | None
    chart: RunChart | None
    table: Table | None
    drawn: Markup
    counted: Named
    besides: Named


@router.get("/figures")
def figures_page(visit: Visiting, since: str = "", until: str = "", show: str = "") -> HTMLResponse:
    """Of the days from the first to the last; the last fortnight where none are given, or ones that make no sense."""
    definitions = visit.room.policies.figures
    today = visit.now.astimezone(LONDON).date()
    first, last, wrong = _days(since, until, today)
    spans = [(name, today - timedelta(days=days - 1), today) for name, days in SPANS.items()]
    given: dict[str, Any] = {"first": first, "last": last, "wrong": wrong, "spans": spans, "show": show}
    if definitions is None:
        return visit.page("figures.html", found=None, **given)
    period = Period(_midnight(first), _midnight(last + timedelta(days=1)))
    rows = rows_as_of(visit.session, definitions, at=visit.now)
    found = figures_from(rows, period, definitions, tables=False, charts=False)
    found = found._replace(changes=changes_of(visit.session, period, definitions, rows))
    seen = _seen(visit.session, [each.row for each in found.changes])
    return visit.page(
        "figures.html",
        found=found,
        counted_at=rows.journal.at,
        sections=_sections(found),
        tables=[(each.name, each.words) for each in definitions.table],
        changes=[each for each in found.changes if each.row.case is None or each.row.case in seen],
        words={each.name: each.definition.words for each in found.figures},
        shown=_shown(visit, show, found, rows, definitions),
        **given,
    )


def _days(since: str, until: str, today: date) -> tuple[date, date, str]:
    """The first and the last day, and what was wrong with those that were asked for."""
    usual = today - timedelta(days=SPANS["14 days"] - 1), today
    if not since and not until:
        return *usual, ""
    try:
        first, last = date.fromisoformat(since), date.fromisoformat(until)
    except ValueError:
        return *usual, "Give both days, such as 2026-07-01."
    if not timedelta(0) <= last - first <= LONGEST or first.year < 2000 or last > today + LONGEST:
        return *usual, "The first day is before the last, and at most three years before it."
    return first, last, ""


def _sections(found: Figures) -> list[tuple[str, Section]]:
    """The figures by section, each beside itself in the period before."""
    made: dict[str, Section] = {}
    for each, before in zip(found.figures, found.before, strict=True):
        made.setdefault(each.definition.section, []).append((each, before))
    return list(made.items())


def _shown(visit: Visit, name: str, found: Figures, rows: Rows, definitions: Definitions) -> Shown | None:
    """What was opened; None where nothing was, or nothing is called so."""
    nobody = Named((), 0, 0)
    until = rows.until(found.period.until)
    for wanted in definitions.table:
        if wanted.name == name:
            made = table(wanted, until, found.period)
            drawn = Markup(bars(made)) if made.lines else Markup()  # noqa: S704  drawing.py escapes every word
            cells = [row for line in made.lines for row in line.cells[0].rows]
            named = _named(visit.session, list(dict.fromkeys(cells)))
            return Shown(made.definition, None, None, made, drawn, named, nobody)
    for each, figure in zip(definitions.figure, found.figures, strict=True):
        if each.name == name:
            months = chart(each, until, found.period) if each.chart else None
            drawn = Markup(run_chart(months)) if months else Markup()  # noqa: S704  drawing.py escapes every word
            counted, others = list(figure.numerator), set(figure.numerator)
            rest = [row for row in figure.denominator if row not in others]
            named, besides = _named(visit.session, counted), _named(visit.session, rest)
            return Shown(figure.definition, figure, months, None, drawn, named, besides)
    return None


def _named(session: Session, rows: Sequence[Row]) -> Named:
    """Rows of cases this person sees, and those of no case."""
    seen = _seen(session, rows)
    told = [each for each in rows if each.case is None or each.case in seen]
    return Named(
        [each._replace(id=_readable(each.id)) for each in told[:ROWS]],
        max(0, len(told) - ROWS),
        len(rows) - len(told),
    )


def _seen(session: Session, rows: Sequence[Row]) -> set[int | None]:
    numbers = {each.case for each in rows if each.case is not None}
    return set(session.scalars(select(col(Case.number)).where(col(Case.number).in_(numbers))))


def _readable(row: str) -> str:
    return row.removesuffix("/0").replace("_", " ")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)
