"""Many people at the same cases at once, over HTTP: each goes to one of them, and nobody sees an error."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from config.benches.desk import wrongs
from config.benches.desk_readers import Storm, storm
from tests.browser.seed import Seeded
from tests.make import make_person
from triage.records import Case, Desk, LogEntry, Role
from triage.settings import WebSettings
from triage.web import sessions

PEOPLE, CASES = 12, 15
ROLES = [Role.TRIAGE.value, Role.DUTY_OFFICER.value]


@pytest.fixture
def cookies(engine: Engine) -> list[str]:
    made = []
    with Session(engine, expire_on_commit=False) as session:
        for at in range(PEOPLE):
            person = make_person(username=f"officer-{at}", roles=ROLES, desks=[each.value for each in Desk])
            session.add(person)
            session.flush()
            made.append(sessions.begin(session, person, WebSettings(), now=datetime.now(UTC)))
        session.commit()
    return made


def test_many_people_grab_the_same_cases_and_each_goes_to_one(
    engine: Engine, seeded: Seeded, base: str, cookies: list[str]
) -> None:
    free = [each for each in seeded.cases if each.status == "detected" and each.claimed_by is None]
    numbers = [each.number or 0 for each in free][:CASES]
    before = {each.number: each.version for each in free}
    came = storm(base, cookies, numbers)
    assert came.errors == {}
    assert len(numbers) > 8
    assert wrongs(engine, came, numbers) == {"claims": 0, "acknowledgements": 0}
    with Session(engine) as session:
        for case in session.exec(select(Case).where(Case.number.in_(numbers))):  # type: ignore[union-attr]
            told = session.exec(select(LogEntry.what).where(LogEntry.case_id == case.id)).all()
            assert (told.count("claimed"), told.count("acknowledged")) == (1, 1)
            assert case.version == before[case.number] + 2


def test_a_case_that_two_were_given_would_be_found(
    engine: Engine, seeded: Seeded, cookies: list[str]
) -> None:
    number = seeded.cases[6].number or 0
    assert wrongs(engine, Storm({number: [1, 2]}, {number: []}, Counter()), [number])["claims"] == 1
