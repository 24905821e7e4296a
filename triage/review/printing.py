"""What was printed: an entry of the log for each time figures went into a pack or report, so that the next one can say
what changed behind it."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from triage.log import Line, note
from triage.review.figures import Figures, Period
from triage.review.journal import NEWEST

PRINTED = "figures printed"

_BEFORE = text("""
    SELECT seq, at, detail FROM log_entries
    WHERE what = 'figures printed' AND at <= :at AND seq <= :entry ORDER BY seq DESC
""")


class Printed(NamedTuple):
    """That the figures of a period were printed at a moment, as the journal stood at `entry`."""

    period: Period
    at: datetime
    entry: int


def note_printed(session: Session, figures: Figures, *, into: str, who: str, now: datetime) -> None:
    """Enter that figures are printed `into` something, such as "pack"; not again when the last entry of this period
    says the same. The caller commits."""
    detail = {
        "into": into,
        "since": figures.period.since.isoformat(),
        "until": figures.period.until.isoformat(),
        "entry": figures.entry,
        "definitions": figures.definitions,
    }
    last = next(
        (
            each
            for _, _, each in session.execute(_BEFORE, {"at": now, "entry": NEWEST})
            if (each["since"], each["until"], each["into"]) == (detail["since"], detail["until"], into)
        ),
        None,
    )
    if last is None or detail.items() - last.items():
        detail["as_of"] = figures.as_of.isoformat()
        note(session, [Line(PRINTED, None, None, detail)], who=who, now=now)


def printed_before(session: Session, period: Period, *, at: datetime, entry: int) -> Printed | None:
    """The last printing, known at a moment, of a period that was over when this one begins."""
    for _seq, _at, detail in session.execute(_BEFORE, {"at": at, "entry": entry}):
        since, until, as_of = (datetime.fromisoformat(detail[name]) for name in ("since", "until", "as_of"))
        if until <= period.since:
            return Printed(Period(since, until), as_of, int(detail["entry"]))
    return None
