"""Two people who work on claims, and a case to note them on."""

import pytest
from sqlmodel import Session

from tests.make import make_case, make_person
from tests.triage.confirmed import kept
from triage.records import Case, Person


@pytest.fixture
def ann(session: Session) -> Person:
    return kept(session, make_person(username="ann", roles=["duty_officer"]))


@pytest.fixture
def ben(session: Session) -> Person:
    return kept(session, make_person(username="ben", roles=["approver", "triage"]))


@pytest.fixture
def case(session: Session) -> Case:
    made = make_case()
    session.add(made)
    session.commit()
    return made
