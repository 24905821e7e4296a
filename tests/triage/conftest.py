"""A person who may work on every track, and a confirmed case."""

import pytest
from sqlmodel import Session

from tests.make import make_person
from tests.triage.confirmed import EVERY, confirmed, kept
from triage.records import Case, Person, Role


@pytest.fixture
def ann(session: Session) -> Person:
    return kept(session, make_person(username="ann", name="Ann Kerr", roles=EVERY))


@pytest.fixture
def case(session: Session, ann: Person) -> Case:
    return confirmed(session, ann)


@pytest.fixture
def ben(session: Session) -> Person:
    return kept(session, make_person(username="ben", name="Ben Oak", roles=[Role.APPROVER]))


@pytest.fixture
def cee(session: Session) -> Person:
    return kept(session, make_person(username="cee", name="Cee Lark", roles=[Role.APPROVER]))
