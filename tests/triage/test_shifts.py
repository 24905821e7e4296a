"""A shift is handed over with what is open; it is counted, and whoever looks at much footage is asked to rest."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlmodel import Session, select

from collector.evidence import note_custody_of_files
from collector.footage_records import Look
from config.settings import HERE
from tests.make import NOON, make_alert, make_case, make_person
from triage.actions import acknowledge, claim
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Clock, Desk, LogEntry, Person
from triage.shifts import (
    last_note,
    needs_break,
    read_note,
    read_shift_policy,
    report,
    standing,
    workload,
    write_note,
)

POLICY = read_shift_policy(HERE / "policy" / "shift.toml")
SOON = NOON + timedelta(minutes=3)


@pytest.fixture
def people(session: Session) -> tuple[Person, Person]:
    made = make_person(name="Ann", roles=["duty_officer"]), make_person(name="Ben", roles=["triage"])
    session.add_all(made)
    session.commit()
    return made


@pytest.fixture
def night(session: Session, people: tuple[Person, Person]) -> None:
    """Three cases of the comms desk: one answered and held by Ann, one late, one on watch; one of the other desk."""
    held, late, watched, other = (
        make_case(severity=1, desks=["comms"]),
        make_case(severity=3, desks=["comms", "oversight"]),
        make_case(severity=4, desks=["comms"], status="watch"),
        make_case(severity=2, desks=["oversight"], opened_at=NOON - timedelta(days=2)),
    )
    session.add_all([held, late, watched, other])
    session.flush()
    session.add_all([make_alert(held), make_alert(late)])
    session.add(
        Clock(
            case_id=late.id, name="acknowledge", desk=Desk.COMMS, started_at=NOON,
            due_at=NOON + timedelta(minutes=1),
        )
    )  # fmt: skip
    session.commit()
    claim(session, held.id, who=people[0], now=NOON)
    acknowledge(session, held.id, who=people[0], desk=Desk.COMMS, now=NOON + timedelta(seconds=90))
    session.commit()


@pytest.mark.usefixtures("night")
def test_what_is_open_is_drawn_from_the_records(session: Session) -> None:
    stands = standing(session, Desk.COMMS, now=SOON)
    assert stands[:5] == (3, 1, 1, 1, 1)
    assert [case.severity for case in stands.gravest] == [1, 3]
    assert standing(session, Desk.OVERSIGHT, now=SOON).open == 2


@pytest.mark.usefixtures("night")
def test_the_report_counts_what_was_done_and_how_fast(session: Session) -> None:
    told = report(session, Desk.COMMS, since=NOON - timedelta(hours=1))
    assert told[:4] == (3, 2, 1, 90.0)
    assert told.acts == [("acknowledged", 1), ("claimed", 1)]
    assert report(session, Desk.COMMS, since=SOON)[:4] == (0, 0, 0, None)


@pytest.mark.usefixtures("night")
def test_who_holds_how_much_is_seen(session: Session) -> None:
    assert workload(session, now=SOON) == [("Ann", 1, 1, NOON)]
    assert workload(session, now=NOON + timedelta(hours=1)) == []


@pytest.mark.usefixtures("night")
def test_a_note_is_read_once_by_somebody_else(session: Session, people: tuple[Person, Person]) -> None:
    ann, ben = people
    written = write_note(session, Desk.COMMS, "The family calls at six", who=ann, now=SOON)
    assert written.stood == {"open": 3, "unclaimed": 1, "watch": 1, "unanswered": 1, "overdue": 1}
    with pytest.raises(Conflict, match="comes next"):
        read_note(session, written.id, who=ann, now=SOON)
    read_note(session, written.id, who=ben, now=SOON)
    with pytest.raises(Conflict, match="already"):
        read_note(session, written.id, who=ben, now=SOON)
    with pytest.raises(Conflict, match="few words"):
        write_note(session, Desk.COMMS, "nothing", who=ann, now=SOON)
    with pytest.raises(Denied):
        write_note(session, Desk.COMMS, "I look only here", who=make_person(roles=["approver"]), now=SOON)
    session.commit()
    found = last_note(session, Desk.COMMS)
    assert found is not None
    assert found.read_by == ben.id
    assert last_note(session, Desk.OVERSIGHT) is None
    said = session.exec(select(LogEntry.what)).all()
    assert {"handed over", "handover read"} <= set(said)


def test_whoever_opens_much_footage_is_asked_to_rest(session: Session, people: tuple[Person, Person]) -> None:
    ann, ben = people
    looks = [Look(media_id=uuid4(), at=NOON, sha256=bytes(32)) for _ in range(POLICY.distressing_most)]
    session.add_all(looks)
    session.commit()
    for at, look in enumerate(looks):
        assert needs_break(session, POLICY, who=ann, now=NOON + timedelta(minutes=at)) == 0
        note_custody_of_files(
            session, [look.media_id], "viewed", who=ann.username, now=NOON + timedelta(minutes=at)
        )
    last = NOON + timedelta(minutes=len(looks) - 1)
    assert needs_break(session, POLICY, who=ann, now=last) == POLICY.distressing_most
    assert needs_break(session, POLICY, who=ben, now=last) == 0
    rested = last + timedelta(minutes=POLICY.break_minutes, seconds=1)
    assert needs_break(session, POLICY, who=ann, now=rested) == 0


def test_a_wrong_policy_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shift.toml"
    path.write_text((HERE / "policy" / "shift.toml").read_text().replace("hours = 12", "hours = 40"))
    with pytest.raises(ValueError, match=r"shift\.toml: key hours"):
        read_shift_policy(path)
