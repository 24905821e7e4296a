"""A person who may work on every track, and a confirmed case."""

import pytest
from sqlmodel import Session

from tests.make import make_person
from tests.triage.confirmed import EVERY, confirmed, kept
from triage.records import Case, Person


@pytest.fixture
def ann(session: Session) -> Person:
    return kept(session, make_person(username="ann", name="Ann Kerr", roles=EVERY))


@pytest.fixture
def case(session: Session, ann: Person) -> Case:
    return confirmed(session, ann)
