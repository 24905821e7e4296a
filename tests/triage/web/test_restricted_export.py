"""Exports of a restricted case: for whom its policy or its list names and whose role exports, and nobody else."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.browser.seed import PASSWORD, Seeded, password_hash
from tests.make import make_person
from tests.served import Browser
from triage.exporting import export_case, verify_export
from triage.locked import Conflict
from triage.records import Case, LogEntry, Person
from triage.restriction_records import Restriction

# account: its roles, whether it is named on the restriction, and what an export answers: in part, in whole
PEOPLE = {
    "liaison": (["dps_liaison"], False, 200, 200),
    "reviewer": (["oversight_reviewer"], False, 404, 404),
    "named": (["oversight_reviewer"], True, 200, 403),
    "triager": (["triage"], True, 403, 403),
    "stranger": (["triage", "approver"], False, 403, 403),
}


@pytest.fixture
def restricted(engine: Engine, seeded: Seeded) -> Case:
    """The gravest case of the night: only DPS liaison sees it by role, two people by name."""
    with Session(engine, expire_on_commit=False) as session:
        people = {
            name: make_person(username=name, roles=roles, password_hash=password_hash())
            for name, (roles, *_) in PEOPLE.items()
        }
        session.add_all(people.values())
        session.flush()
        named = [str(people[name].id) for name, told in PEOPLE.items() if told[1]]
        session.add(
            Restriction(
                case_id=seeded.cases[0].id, reason="known_to_staff", why="kept apart", roles=["dps_liaison"],
                people=named, set_by=seeded.officer.id, set_at=datetime.now(UTC),
            )
        )  # fmt: skip
        session.commit()
        return session.get_one(Case, seeded.cases[0].id)


@pytest.mark.parametrize("name", PEOPLE)
def test_an_export_is_given_or_refused_as_declared(
    name: str, engine: Engine, restricted: Case, visit: Callable[[], Browser]
) -> None:
    _, _, part, whole = PEOPLE[name]
    browser = visit()
    browser.sign_in(name, PASSWORD)
    given = browser.fill_in("/cases/1/export", why="referral")
    assert given.status_code == part
    assert browser.fill_in("/cases/1/export", why="referral", whole="true").status_code == whole
    with Session(engine) as session:
        exported = session.exec(select(LogEntry).where(LogEntry.what == "evidence exported")).all()
        denied = session.exec(select(LogEntry).where(LogEntry.what == "denied")).all()
    assert len(exported) == (part == 200) + (whole == 200)
    assert len(denied) == (part != 200) + (whole != 200), "each refusal is in the log"
    assert {each.who for each in (*exported, *denied)} == {name}
    if part == 200:
        assert verify_export(io.BytesIO(given.content)).wrong == []


def test_what_is_refused_says_nothing_of_the_case(restricted: Case, visit: Callable[[], Browser]) -> None:
    browser = visit()
    browser.sign_in("reviewer", PASSWORD)
    said = browser.fill_in("/cases/1/export", why="referral")
    assert "There is no such case" in said.text
    assert restricted.title not in said.text


def test_the_archive_of_another_case_holds_no_post_of_it(
    engine: Engine, restricted: Case, seeded: Seeded, visit: Callable[[], Browser]
) -> None:
    browser = visit()
    browser.sign_in("reviewer", PASSWORD)
    answer = browser.fill_in("/cases/2/export", why="for the meeting")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        told = "".join(archive.read(each).decode(errors="replace") for each in archive.namelist())
    assert restricted.title not in told
    assert str(restricted.id) not in told


def test_no_other_road_exports_it_either(engine: Engine, restricted: Case, seeded: Seeded) -> None:
    with Session(engine) as session:
        reviewer = session.exec(select(Person).where(Person.username == "reviewer")).one()
        case, out = session.get_one(Case, restricted.id), io.BytesIO()
        files = None
        with pytest.raises(Conflict, match="no such case"):
            export_case(session, case, out, files, who=reviewer, why="x", whole=False, now=datetime.now(UTC))  # type: ignore[arg-type]
        assert out.getvalue() == b""
