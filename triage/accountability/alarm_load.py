"""Alarm load: how often the duty desk is interrupted, held against what EEMUA 191 and ISA 18.2 call bearable.

An alarm is whatever makes a desk look: an alert raised, a growth update, a case that got graver or came back, a
clock that ran out. What comes for one case in the same minute is one.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from triage.breaches import BREACHED
from triage.escalation import REARMED
from triage.spreading import GREW

ALARMS = (
    "alert raised",
    "severity raised",
    "new harm",
    "alerts raised again for a claim",
    BREACHED,
    REARMED,
    GREW,
)
WINDOW = timedelta(minutes=10)
FLOOD = 10  # alarms in one window that nobody works through
STANDING = timedelta(hours=24)
CHATTER = 3  # alarms of one case in an hour
A_DAY = (150, 300)  # likely bearable, and the most that can be managed (ISA 18.2, one operator)
LEAST_FLOOD = 0.01
FEWEST_STANDING = 5
TOP = 10

_ALARMS = text("""
    SELECT case_id, date_trunc('minute', at) AS at, min(coalesce(detail ->> 'rule', what)) AS why
    FROM log_entries WHERE (what = ANY(:what) OR what = 'reopened' AND detail ? 'rule')
        AND at >= :since AND at < :until AND case_id IS NOT NULL
    GROUP BY 1, 2 ORDER BY 2, 1
""")
_STANDING = text(
    "SELECT count(*) FROM alerts WHERE state = 'open' AND manner = 'page' AND raised_at <= :before"
)
_BY_LEVEL = text("""
    SELECT c.severity, count(*) AS alerts FROM alerts a JOIN cases c ON c.id = a.case_id
    WHERE a.raised_at >= :since AND a.raised_at < :until AND a.manner = 'page' GROUP BY 1 ORDER BY 1
""")


class Measure(NamedTuple):
    """One figure beside what is called bearable; `well` is None where there is too little to say."""

    says: str
    seen: str
    bearable: str
    well: bool | None


class AlarmLoad(NamedTuple):
    """`often` are the rules that raised most, with how many; `levels` pages by severity."""

    measures: list[Measure]
    often: list[tuple[str, int]]
    levels: list[tuple[int, int]]
    alarms: int


def alarm_load(session: Session, since: datetime, until: datetime) -> AlarmLoad:
    """The load in a period; what stands open is counted at its end."""
    given = {"since": since, "until": until}
    rows = session.execute(_ALARMS, given | {"what": list(ALARMS)}).all()
    standing = int(session.execute(_STANDING, {"before": until - STANDING}).scalar_one())
    why = Counter(row.why for row in rows)
    levels = [(row.severity, row.alerts) for row in session.execute(_BY_LEVEL, given)]
    moments = [row.at for row in rows]
    measures = [
        *_pace(moments, until - since),
        Measure("Open for more than a day", f"{standing:,}", f"under {FEWEST_STANDING}", standing < FEWEST_STANDING),
        _chatter([(row.case_id, row.at) for row in rows]),
        _top(why),
    ]  # fmt: skip
    return AlarmLoad(measures, why.most_common(TOP), levels, len(rows))


def _pace(moments: Sequence[datetime], span: timedelta) -> list[Measure]:
    days = span / timedelta(days=1)
    a_day = len(moments) / days
    windows = Counter(int(each.timestamp() // WINDOW.total_seconds()) for each in moments)
    flooded = sum(count > FLOOD for count in windows.values()) / (span / WINDOW)
    peak = max(windows.values(), default=0)
    return [
        Measure(
            "Alarms a day", f"{a_day:.1f}", f"up to {A_DAY[0]}, never over {A_DAY[1]}", a_day <= A_DAY[0]
        ),
        Measure("Most in ten minutes", f"{peak}", f"at most {FLOOD}", peak <= FLOOD),
        Measure("Time in flood", f"{flooded:.2%}", f"under {LEAST_FLOOD:.0%}", flooded < LEAST_FLOOD),
    ]


def _chatter(alarms: Sequence[tuple[object, datetime]]) -> Measure:
    by_hour = Counter((case, at.replace(minute=0)) for case, at in alarms)
    cases = len({case for (case, _hour), count in by_hour.items() if count > CHATTER})
    return Measure(f"Cases that alarmed more than {CHATTER} times in an hour", f"{cases}", "none", cases == 0)


def _top(why: Counter[str]) -> Measure:
    total = why.total()
    if total < FLOOD:
        return Measure("Share of the rule that raised most", "too few to tell", "-", None)
    [(name, most)] = why.most_common(1)
    says = f"{most / total:.0%} ({name})"
    return Measure(
        "Share of the rule that raised most", says, "no fixed bound: ask whether each needs a person", None
    )
