"""Switching off: by one person, with a reason, at once; on every page until it is on; and in the log both times."""

import pytest
from sqlmodel import Session, col, select

from tests.make import NOON, make_person
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import LogEntry, Person
from triage.switch_records import SwitchKind
from triage.switching import MODEL, model_is_off, switch_off, switch_on, switched_off
from triage.web.calm import troubles


@pytest.fixture
def ann(session: Session) -> Person:
    person = make_person(username="ann", roles=["duty_officer"])
    session.add(person)
    session.commit()
    return person


def off(session: Session, who: Person, why: str = "it raises weather reports") -> None:
    switch_off(session, SwitchKind.MODEL, MODEL, known=(MODEL,), who=who, why=why, now=NOON)
    session.commit()


def test_it_is_off_until_somebody_says_why_it_may_be_on(session: Session, ann: Person) -> None:
    off(session, ann)
    assert model_is_off(session)
    [said] = [
        each
        for each in troubles(session, channels=["slack"], now=NOON).troubles
        if "switched off" in each.what
    ]
    assert "The model is switched off by ann since" in said.what
    assert "it raises weather reports" in said.what
    with pytest.raises(Conflict, match="Say why it may be on again"):
        switch_on(session, SwitchKind.MODEL, MODEL, who=ann, why=" ", now=NOON)
    switch_on(session, SwitchKind.MODEL, MODEL, who=ann, why="mended", now=NOON)
    session.commit()
    assert switched_off(session) == []
    lines = session.exec(select(LogEntry.what, LogEntry.who).order_by(col(LogEntry.seq))).all()
    assert lines == [("model switched off", "ann"), ("model switched on", "ann")]


def test_a_reason_a_role_and_something_to_switch_are_needed(session: Session, ann: Person) -> None:
    viewer = make_person(roles=["triage"])
    with pytest.raises(Denied):
        off(session, viewer)
    with pytest.raises(Conflict, match="Say why"):
        off(session, ann, why="")
    with pytest.raises(Conflict, match="no channel 'pigeon'"):
        switch_off(session, SwitchKind.CHANNEL, "pigeon", known=("email",), who=ann, why="x", now=NOON)
    with pytest.raises(Conflict, match="on already"):
        switch_on(session, SwitchKind.MODEL, MODEL, who=ann, why="x", now=NOON)
    off(session, ann)
    with pytest.raises(Conflict, match="off already"):
        off(session, ann)
