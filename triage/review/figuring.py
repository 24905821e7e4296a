"""Makes the figures of a period from the journal, by their definitions. Nothing else is read: what is computed again
from the same lines is the same to the last digit.

To have what happened up to now in them, count first (triage/review/journal.py) and commit.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlmodel import Session

from triage.review.counting import Counted, Rows
from triage.review.definitions import Definitions, FigureDefinition
from triage.review.figures import BIASED, Change, Figures, Period
from triage.review.journal import NEWEST, read_journal
from triage.review.measuring import chart, chosen, figure, fits, table
from triage.review.printing import printed_before

RESTRICTED = "Cases that are restricted to some people are left out of every number."
WITH_RESTRICTED = (
    "Cases that are restricted to some people are counted here: this copy is for those who see them."
)
NOT_COUNTED, COUNTED, IN_NUMERATOR = "not counted", "counted", "counted, in the numerator"
EVER = datetime(2000, 1, 1, tzinfo=UTC)


def figures_as_of(
    session: Session,
    period: Period,
    definitions: Definitions,
    *,
    at: datetime,
    entry: int = NEWEST,
    restricted: bool = False,
) -> Figures:
    """The figures of a period as the journal stood at a moment, or at an entry of the log before it; with `restricted`
    also of cases not everybody sees."""
    rows = rows_as_of(session, definitions, at=at, entry=entry, restricted=restricted)
    changes = changes_of(session, period, definitions, rows, entry=entry)
    return figures_from(rows, period, definitions)._replace(changes=changes)


def rows_as_of(
    session: Session, definitions: Definitions, *, at: datetime, entry: int = NEWEST, restricted: bool = False
) -> Rows:
    """What can be counted as the journal stood then: for several periods, read once."""
    journal = read_journal(session, at=at, entry=entry)
    return Rows(journal, at, within_s=definitions.delivered_within_s, restricted=restricted)


def figures_from(
    rows: Rows, period: Period, definitions: Definitions, *, tables: bool = True, charts: bool = True
) -> Figures:
    """The figures of a period from rows that were read, without what changed behind earlier ones."""
    now = rows.until(period.until)
    earlier = Period(period.since - (period.until - period.since), period.since)
    then = rows.until(earlier.until)
    sampled = any(each.sample for each in definitions.figure)
    return Figures(
        period=period,
        as_of=rows.at,
        entry=rows.journal.entry,
        definitions=definitions.digest,
        figures=tuple(figure(each, now, period) for each in definitions.figure),
        tables=tuple(table(each, now, period) for each in definitions.table if tables),
        charts=tuple(chart(each, now, period) for each in definitions.figure if charts and each.chart),
        before=tuple(figure(each, then, earlier) for each in definitions.figure),
        changes=(),
        statements=(*((BIASED,) if sampled else ()), WITH_RESTRICTED if rows.restricted else RESTRICTED),
    )


def changes_of(
    session: Session, period: Period, definitions: Definitions, rows: Rows, *, entry: int = NEWEST
) -> tuple[Change, ...]:
    """What was before this period, and is counted otherwise than when the pack before this one was printed."""
    return tuple(_changes(session, period, definitions, rows, entry))


def _changes(
    session: Session, period: Period, definitions: Definitions, rows: Rows, entry: int
) -> Iterator[Change]:
    printed = printed_before(session, period, at=rows.at, entry=entry)
    if printed is None:
        return
    past = Period(EVER, period.since)
    old = rows_as_of(session, definitions, at=printed.at, entry=printed.entry, restricted=rows.restricted)
    old, new = old.until(past.until), rows.until(past.until)
    for wanted in definitions.figure:
        if wanted.follow:
            yield from _between(wanted, _standing(wanted, old, past), _standing(wanted, new, past))


def _between(
    wanted: FigureDefinition, old: dict[str, tuple[str, Counted]], new: dict[str, tuple[str, Counted]]
) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        was, before = old.get(name, (NOT_COUNTED, None))
        now, after = new.get(name, (NOT_COUNTED, None))
        counted = after or before
        if was != now and counted is not None:
            dated = counted.fields[wanted.dated or ""]
            yield Change(wanted.name, counted.row, dated, was, now, counted.at)


def _standing(wanted: FigureDefinition, rows: Rows, period: Period) -> dict[str, tuple[str, Counted]]:
    """How each row is counted, by its id."""
    return {
        each.row.id: (IN_NUMERATOR if wanted.those and fits(each, wanted.those) else COUNTED, each)
        for each in chosen(wanted, rows, period)
    }
