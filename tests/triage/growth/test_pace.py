"""A pace is held against the case's own, and against the hour's."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from tests.make import NOON
from tests.triage.growth.coming import (
    MINUTE,
    RULES,
    come,
    only_case,
)
from triage.growth import forget_paces
from triage.growth_records import StreamPace
from triage.memory import Memory
from triage.pace import Pace, Usual, against_itself, against_the_hour, same_hours, spikes
from triage.paces import paces_of
from triage.rules import Rules

HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("pace", "spike"),
    [
        (Pace(now=19, before=6, looked_back=6 * HOURS), False),  # too few, however much faster
        (Pace(now=40, before=36, looked_back=6 * HOURS), True),  # forty times its own one in ten minutes
        (Pace(now=40, before=720, looked_back=6 * HOURS), False),  # only twice its own twenty
        (Pace(now=40, before=9, looked_back=5 * MINUTE), False),  # too young to compare, and not that many
        (Pace(now=50, before=9, looked_back=5 * MINUTE), True),
        (
            Pace(40, 216, 6 * HOURS, others=900, usual=Usual(100, 4)),
            False,
        ),  # everything is nine times as much
        (Pace(40, 216, 6 * HOURS, others=900, usual=Usual(100, 1)), True),  # one week is no baseline
        (Pace(400, 36, 6 * HOURS, others=900, usual=Usual(100, 4)), True),
    ],
)
def test_a_spike_is_faster_than_the_case_was_and_than_the_stream_grew(pace: Pace, spike: bool) -> None:
    assert spikes(pace, RULES.spike) is spike


def test_a_pace_is_said_with_what_it_is_compared_with() -> None:
    pace = Pace(now=40, before=36, looked_back=6 * HOURS, others=320, usual=Usual(100, 3))
    assert against_itself(pace) == (
        "Over the 6 hours before, there were about 1 in ten minutes, now 40 times as many."
    )
    assert against_the_hour(pace, NOON) == (
        "All other posts: 320 in the last ten minutes, usually about 100 at this hour "
        "(Tuesday, 13:00, mean of 3 weeks)."
    )
    young = Pace(now=4, looked_back=5 * MINUTE)
    assert "too young to compare: it was first told of 15 minutes ago" in against_itself(young)
    assert "not known yet: no week of it is on record" in against_the_hour(young, NOON)
    assert "none in the 2 hours before" in against_itself(Pace(3, 0, 2 * HOURS))


def test_the_same_hour_is_londons_also_when_the_clocks_change() -> None:
    winter = datetime.fromisoformat("2026-10-27T13:20:00+00:00")  # two days after summer time ended
    week_before = same_hours(winter)[0]
    assert week_before.isoformat() == "2026-10-20T13:00:00+01:00"


def test_paces_come_from_the_ledger(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 3, at=NOON)
    come(session, rules, memory, 5, at=NOON + 58 * MINUTE)
    for week in (1, 2):
        session.add(StreamPace(at=NOON - timedelta(weeks=week), posts=60 * week))
    session.commit()
    case, now = only_case(session).id, NOON + 59 * MINUTE
    pace = paces_of(session, [case], now=now)[case]
    assert (pace.now, pace.before, pace.looked_back) == (5, 3, 49 * MINUTE)
    assert pace.usual == Usual(15.0, 2)  # 60 and 120 in an hour


def test_the_old_pace_of_the_stream_is_let_go(session: Session) -> None:
    for days in (1, 59, 61):
        session.add(StreamPace(at=NOON - timedelta(days=days), posts=1))
    session.flush()
    forget_paces(session, now=NOON)
    assert len(session.exec(select(StreamPace)).all()) == 2
