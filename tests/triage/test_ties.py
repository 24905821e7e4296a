"""Whoever says they know somebody in a case is kept from it until a supervisor says otherwise."""

import pytest
from sqlmodel import Session, select

from tests.make import NOON, make_case, make_person
from triage.actions import claim
from triage.hidden import sees
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, LogEntry, Person
from triage.ties import declare_tie, ties_of, withdraw_tie
from triage.track_records import Track


@pytest.fixture
def people(session: Session) -> tuple[Person, Person]:
    """Somebody of triage, and a supervisor."""
    made = make_person(roles=["triage", "duty_officer"]), make_person(roles=["duty_officer"])
    session.add_all(made)
    session.commit()
    return made


@pytest.fixture
def case(session: Session, people: tuple[Person, Person]) -> Case:
    made = make_case(status="confirmed")
    session.add(made)
    session.flush()
    session.add(
        Track(
            case_id=made.id, name="comms", state="open", owner=people[0].id, opened_at=NOON, state_since=NOON
        )
    )
    claim(session, made.id, who=people[0], now=NOON)
    session.commit()
    return made


def test_what_they_held_of_it_is_free(session: Session, case: Case, people: tuple[Person, Person]) -> None:
    declare_tie(session, case.id, who=people[0], now=NOON)
    session.commit()
    assert case.claimed_by is None
    assert session.exec(select(Track.owner)).one() is None
    assert (sees(session, people[0], case.id), sees(session, people[1], case.id)) == (False, True)
    assert [each.name for each in ties_of(session, case.id)] == [people[0].name]
    last = session.exec(select(LogEntry).where(LogEntry.what == "own tie declared")).one()
    assert (last.who, last.case_id) == (people[0].username, case.id)
    with pytest.raises(Conflict, match="already"):
        declare_tie(session, case.id, who=people[0], now=NOON)


def test_only_another_supervisor_takes_it_back_with_a_reason(
    session: Session, case: Case, people: tuple[Person, Person]
) -> None:
    tie = declare_tie(session, case.id, who=people[0], now=NOON)
    with pytest.raises(Conflict):
        withdraw_tie(session, tie.id, who=people[0], why="it was a mistake", now=NOON)
    with pytest.raises(Conflict, match="few words"):
        withdraw_tie(session, tie.id, who=people[1], why="fine", now=NOON)
    with pytest.raises(Denied):
        withdraw_tie(session, tie.id, who=make_person(), why="it was a mistake", now=NOON)
    withdraw_tie(session, tie.id, who=people[1], why="it was a mistake", now=NOON)
    assert sees(session, people[0], case.id)
    assert ties_of(session, case.id) == []
    with pytest.raises(Conflict, match="any more"):
        withdraw_tie(session, tie.id, who=people[1], why="it was a mistake", now=NOON)
