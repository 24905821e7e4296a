"""A case knows when the first of its running clocks runs out, whoever moves a clock and however."""

from datetime import timedelta

from sqlalchemy import text
from sqlmodel import Session

from tests.make import NOON, make_case
from triage.records import Case, Clock, Desk

HOUR = timedelta(hours=1)


def first_due(session: Session, case: Case) -> object:
    session.commit()
    return session.execute(
        text("SELECT first_due_at FROM cases WHERE id = :id"), {"id": case.id}
    ).scalar_one()


def test_the_first_running_clock_counts_and_none_when_all_stand(session: Session) -> None:
    case, other = make_case(), make_case()
    session.add_all([case, other])
    session.flush()
    clocks = [
        Clock(case_id=case.id, name=name, desk=Desk.COMMS, started_at=NOON, due_at=NOON + hours * HOUR)
        for name, hours in (("acknowledge", 1), ("first_line", 2), ("next_update", 3))
    ]
    session.add_all(clocks)
    assert first_due(session, case) == NOON + HOUR
    clocks[0].stopped_at = NOON
    assert first_due(session, case) == NOON + 2 * HOUR
    clocks[1].paused_at = NOON
    assert first_due(session, case) == NOON + 3 * HOUR
    clocks[2].due_at = NOON + 5 * HOUR
    assert first_due(session, case) == NOON + 5 * HOUR
    session.delete(clocks[2])
    assert first_due(session, case) is None
    session.execute(text("UPDATE clocks SET paused_at = NULL"))
    assert first_due(session, case) == NOON + 2 * HOUR
    assert first_due(session, other) is None
