"""The report on judgement: how often people overrule the machine and one another, and how long they take.

It tells of kinds of decisions, never of a person. Where nobody ever overrules, or most decide in seconds, people may be
waving through what the machine says, and a meeting should ask why.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from triage.sampling import wilson

QUICK_S = 10
ENOUGH = 20  # decisions, before anything is said of them
MOST_QUICK = 0.5
A_SITTING = timedelta(hours=1)


class Asked(NamedTuple):
    """One kind of decision: the acts that go along with what was proposed, and those that overrule it."""

    says: str
    along: tuple[str, ...]
    against: tuple[str, ...]


ASKED = (
    Asked("A case is an incident, or is none", ("confirmed",), ("dismissed",)),
    Asked("A post belongs to the case it was suggested for", ("post joined",), ("suggestion refused",)),
    Asked("How grave a case is", (), ("severity set",)),
    Asked("What type a case is", (), ("type corrected",)),
    Asked("A second person on a claim", ("claim decided",), ("claim decision refused",)),
    Asked("A second person on body-worn video", ("release decided",), ("release decision not agreed",)),
    Asked(
        "A second person on a model", ("model promoted", "went back to a model"), ("change of model refused",)
    ),
    Asked("A second person on the rules", ("rules agreed", "went back to rules"), ("rules refused",)),
    Asked("Approval of a line", ("line approved", "line approved by the first of two"), ("line sent back",)),
)


class Judged(NamedTuple):
    """What people made of one kind of proposal. `median_s` is from first opening the case within the hour before to the
    act; `unseen` acts came without its page, such as from Slack or the queue. `people` is how many different ones."""

    says: str
    along: int
    against: int
    people: int
    median_s: float | None
    quick: int
    timed: int
    unseen: int

    @property
    def decided(self) -> int:
        return self.along + self.against

    @property
    def overruled(self) -> tuple[float, float, float] | None:
        """The share overruled with its 95% interval; None below `ENOUGH`."""
        if self.decided < ENOUGH or not self.along:
            return None
        return (self.against / self.decided, *wilson(self.against, self.decided))

    @property
    def doubt(self) -> str:
        """Why a meeting should ask, if it should."""
        if self.timed >= ENOUGH and self.quick > MOST_QUICK * self.timed:
            return f"more than half decided within {QUICK_S} seconds of opening the case"
        if self.decided >= ENOUGH and self.along and not self.against:
            return "nobody ever overruled"
        return ""


_ACTS = text("""
    WITH acts AS (
        SELECT seq, at, who, what, case_id FROM log_entries
        WHERE at >= :since AND at < :until AND who <> 'golden hour' AND what = ANY(:what)
    )
    SELECT a.what, count(*) AS acts, array_agg(DISTINCT a.who) AS who,
        array_agg(extract(epoch FROM a.at - v.first)::float8) FILTER (WHERE v.first IS NOT NULL) AS took,
        count(*) FILTER (WHERE v.first IS NULL AND a.case_id IS NOT NULL) AS unseen
    FROM acts a LEFT JOIN LATERAL (
        SELECT min(l.at) AS first FROM log_entries l WHERE l.case_id = a.case_id AND l.who = a.who AND l.what = 'viewed'
            AND l.at > a.at - :sitting AND l.at <= a.at) v ON true
    GROUP BY a.what
""")


def judgement(session: Session, since: datetime, until: datetime) -> list[Judged]:
    """Every kind of decision, in a period."""
    what = [each for asked in ASKED for each in (*asked.along, *asked.against)]
    given = {"since": since, "until": until, "what": what, "sitting": A_SITTING}
    found = {row.what: row for row in session.execute(_ACTS, given)}
    return [_judged(asked, found) for asked in ASKED]


def _judged(asked: Asked, found: dict[str, Any]) -> Judged:
    rows = [found[each] for each in (*asked.along, *asked.against) if each in found]
    took = sorted(seconds for row in rows for seconds in row.took or ())
    return Judged(
        asked.says,
        _acts(asked.along, found),
        _acts(asked.against, found),
        len({who for row in rows for who in row.who}),
        took[len(took) // 2] if took else None,
        sum(seconds < QUICK_S for seconds in took),
        len(took),
        sum(row.unseen for row in rows),
    )


def _acts(names: Sequence[str], found: dict[str, Any]) -> int:
    return sum(found[each].acts for each in names if each in found)
