"""Confirmed cases and the people who work on them, as the tests of tracks want them."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from tests.make import LIFECYCLE, NOON, make_alert, make_case
from triage import actions, tracks
from triage.lifecycle import TrackName
from triage.records import Case, Clock, LogEntry, Person, Role
from triage.track_records import Track

HOUR = timedelta(hours=1)


EVERY = [Role.DUTY_OFFICER, Role.OVERSIGHT_REVIEWER, Role.APPROVER]


def kept(session: Session, person: Person) -> Person:
    session.add(person)
    session.commit()
    return person


def confirmed(session: Session, who: Person, **given: Any) -> Case:
    case = make_case(severity=given.pop("severity", 1), **given)
    session.add(case)
    session.flush()
    session.add(make_alert(case))
    session.commit()
    actions.confirm(session, case.id, who=who, now=NOON, lifecycle=LIFECYCLE)
    session.commit()
    return case


def move(session: Session, case: Case, track: str, *states: str, who: Person, **given: Any) -> Track:
    given = {"why": "as agreed", "now": NOON, **given}
    for state in states:
        if LIFECYCLE.plan(TrackName(track)).state(state).public:
            moved = recorded(session, case, state, at=given["now"], who=who)
            continue
        moved = tracks.move_track(session, case.id, TrackName(track), state, LIFECYCLE, who=who, **given)
        session.commit()
    return moved


def recorded(session: Session, case: Case, state: str, *, at: datetime, who: Person) -> Track:
    """The comms track as a line that was issued moves it."""
    tracks.record_line(session, case, state, LIFECYCLE, at=at, by=who.username, next_at=at + HOUR)
    session.commit()
    return session.get_one(Track, (case.id, "comms"))


def clock_of(session: Session, case: Case, name: str) -> Clock:
    return session.exec(select(Clock).where(Clock.case_id == case.id, Clock.name == name)).one()


def logged(session: Session, case: Case, what: str) -> list[LogEntry]:
    session.commit()
    asked = select(LogEntry).where(LogEntry.case_id == case.id, LogEntry.what == what)
    return list(session.exec(asked.order_by(col(LogEntry.seq))))
