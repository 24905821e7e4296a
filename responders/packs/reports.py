"""Reports: the figures of a month, a quarter or a year as data and words. The month is for the Stop and Search Gold
Group, the quarter for MOPAC and the London Policing Board, the year for the public."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlmodel import Session

from responders.packs.beside import beside_blocks
from responders.packs.document import Block, Document, Heading, Paragraph, Table, columns_of, rows_of, words
from responders.packs.figured import (
    change_blocks,
    chart_blocks,
    definition_blocks,
    number_blocks,
    source_paragraph,
    table_blocks,
    tiles,
)
from responders.packs.saying import LONDON, month
from triage.review.counting import Rows
from triage.review.definitions import Definitions
from triage.review.figures import Figures, Period
from triage.review.figuring import figures_as_of, figures_from, rows_as_of
from triage.review.journal import NEWEST
from triage.review.official import Official
from triage.review.suppression import suppressed


class Span(StrEnum):
    """How long a report is for; each has one usual reader."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Wording(NamedTuple):
    """What stands on a report: its title, who it is for, and whether small numbers are withheld."""

    title: str
    mark: str
    withheld: bool


class Reported(NamedTuple):
    """The figures of a report, and those of its parts with their names."""

    figures: Figures
    parts: list[tuple[str, Figures]]


WORDINGS = {
    Span.MONTH: Wording(
        "Monthly roll-up for the Stop and Search Gold Group",
        "RESTRICTED: for the Stop and Search Gold Group",
        False,
    ),
    Span.QUARTER: Wording(
        "Quarterly report to MOPAC and the London Policing Board",
        "For MOPAC and the London Policing Board",
        True,
    ),
    Span.YEAR: Wording("Yearly public report on posts about police encounters", "Public", True),
}
MONTHS = {Span.MONTH: 1, Span.QUARTER: 3, Span.YEAR: 12}
WHAT = (
    "Golden Hour reads public posts about police encounters, says which are likely incidents, and tells the people "
    "whose task it is. An oversight group reviews cases every fortnight. It looks at incidents, never at people: "
    "nobody is searched for, no account is watched, and nothing is decided by the machine."
)


def span_of(span: Span, begins: date) -> Period:
    """The calendar month, quarter or year that begins on a day, in London."""
    first = begins.year * 12 + begins.month - 1
    return Period(_month(first), _month(first + MONTHS[span]))


def parts_of(span: Span, period: Period) -> list[tuple[str, Period]]:
    """What a longer report is made of: months of a quarter, quarters of a year. Their numbers were published too."""
    if span is Span.MONTH:
        return []
    local = period.since.astimezone(LONDON)
    first, step = local.year * 12 + local.month - 1, 1 if span is Span.QUARTER else 3
    starts = range(first, first + MONTHS[span], step)
    return [
        (_named(Period(_month(at), _month(at + step))), Period(_month(at), _month(at + step)))
        for at in starts
    ]


def reported(
    session: Session,
    span: Span,
    period: Period,
    definitions: Definitions,
    *,
    at: datetime,
    entry: int = NEWEST,
) -> Reported:
    """The figures of a report and of its parts, as its reader may see them."""
    whole = figures_as_of(session, period, definitions, at=at, entry=entry)
    parts = _parts(rows_as_of(session, definitions, at=at, entry=entry), span, period, definitions)
    if not WORDINGS[span].withheld:
        return Reported(whole, parts)
    return Reported(suppressed(whole, definitions, [each for _, each in parts]), parts)


def _parts(rows: Rows, span: Span, period: Period, definitions: Definitions) -> list[tuple[str, Figures]]:
    """Those of what was published before: of a year its quarters, which withhold what their months would give away."""
    found = []
    for name, part in parts_of(span, period):
        made = figures_from(rows, part, definitions, tables=span is Span.YEAR, charts=False)
        smaller = _parts(rows, Span.QUARTER, part, definitions) if span is Span.YEAR else []
        found.append((name, suppressed(made, definitions, [each for _, each in smaller])))
    return found


def report(span: Span, made: Reported, official: Official | None = None) -> Document:
    """The report as a document, beside the official record if that is given."""
    wording, (figures, parts) = WORDINGS[span], made
    blocks = (*_summary(figures, parts), *_numbers(figures, wording, official), *_meanings(figures))
    return Document(wording.title, _named(figures.period), wording.mark, figures.period.until, blocks)


def _summary(figures: Figures, parts: Sequence[tuple[str, Figures]]) -> Iterator[Block]:
    yield Heading(1, "Summary", "summary")
    yield Paragraph(words(WHAT))
    yield tiles(figures, rows=False)
    yield Paragraph(words(in_words(figures)))
    if parts:
        names = columns_of(" | ".join(("Figure:2", *(f"{name}:1.2" for name, _ in parts), "All:1.2")))
        told = [
            (each.definition.words, *(part.figure(each.name).brief for _, part in parts), each.brief)
            for each in figures.figures
            if each.definition.front
        ]
        yield Table("Part by part", names, rows_of(told), "None.", "parts")


def in_words(figures: Figures) -> str:
    """The few sentences that say what the numbers come to."""
    of = figures.figure
    return (
        f"Cases opened: {of('cases_new').shown}. Open at the end: {of('cases_open').shown}. False alarms among those "
        f"decided: {of('false_alarms').brief}. Cases reviewed by the oversight group: {of('reviewed').shown}; with "
        f"potential conduct or referral: {of('reviewed_concern').shown}. First lines approved in time: "
        f"{of('first_line_in_time').brief}. From the first post to our first line, median: {of('silence').shown}. "
        f"Actions closed that worked: {of('actions_worked').brief}."
    )


def _numbers(figures: Figures, wording: Wording, official: Official | None) -> Iterator[Block]:
    yield Heading(1, "Figures", "figures", new_page=True)
    yield from number_blocks(figures, rows=False)
    if not wording.withheld:
        yield from change_blocks(figures)
    yield source_paragraph(figures)
    yield Heading(1, "Tables", "tables", new_page=True)
    yield from table_blocks(figures)
    if official is not None:
        yield from beside_blocks(figures, official)
    yield Heading(1, "Month by month", "months", new_page=True)
    yield from chart_blocks(figures)


def _meanings(figures: Figures) -> Iterator[Block]:
    yield Heading(1, "What each figure means", "meanings", new_page=True)
    yield from definition_blocks(figures)


def _named(period: Period) -> str:
    local, last = period.since.astimezone(LONDON), (period.until - timedelta(days=1)).astimezone(LONDON)
    if (local.year, local.month) == (last.year, last.month):
        return month(period.since)
    return f"{month(period.since)} to {month(last)}"


def _month(number: int) -> datetime:
    return datetime.combine(date(number // 12, number % 12 + 1, 1), time(), LONDON)
