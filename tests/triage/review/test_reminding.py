"""What is due is said once for each day that matters, by post and number, never in the words of a case."""

from datetime import date, time, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from config.follow_up_ticks import follow_up
from config.service import House
from config.settings import Settings
from tests.make import NOON, make_person
from tests.triage.review.deciding import found, listed, reviewer
from triage.notification_records import Notification, NotificationKind
from triage.oncall import OnCall
from triage.oncall_roster import Colleague, Post, Roster, Rota
from triage.records import Person
from triage.review.actions import ActionGiven, Closing, close, open_action
from triage.review.finding_records import Action, Feedback
from triage.review.reminding import remind

ROSTER = Roster(
    rota=(
        Rota(
            name="oversight", desk="oversight", title="Oversight duty reviewer", people=["ann"], turn="weekly",
            begins=date(2026, 1, 5), hands_over=time(8),
        ),
    ),
    post=(Post(name="chair", title="Oversight chair", email="chair@force.example"),),
    person=(Colleague(username="ann", email="ann@force.example"),),
)  # fmt: skip
ONCALL = OnCall(roster=ROSTER, desk_url="https://desk.example")
DUE = date(2026, 8, 14)


@pytest.fixture
def tom(session: Session) -> Person:
    session.add(make_person(username="ann", roles=["oversight_reviewer"]))
    return reviewer(session)


def asked(session: Session, tom: Person, owner: str = "Oversight chair") -> Action:
    review, case = listed(session)
    given = ActionGiven("Brief everybody on a secret thing", owner, DUE, "training")
    return open_action(session, review.id, given, case_id=case.id, who=tom, now=NOON)


def left(session: Session) -> list[Notification]:
    return list(session.exec(select(Notification).order_by(Notification.recipient, Notification.key)))


def test_an_action_is_reminded_of_before_it_is_due_on_the_day_and_as_it_ages(
    session: Session, tom: Person
) -> None:
    made = asked(session, tom, "BCU commander")
    counts = []
    for days in (0, 23, 24, 25, 31, 32, 45, 46, 73, 74, 200):
        remind(session, ONCALL, now=NOON + timedelta(days=days))
        counts.append(len(left(session)))
    assert counts == [0, 0, 1, 1, 2, 3, 4, 4, 5, 5, 5]
    told = left(session)
    assert {each.kind for each in told} == {NotificationKind.REMINDER}
    assert {each.recipient for each in told} == {"person:ann"}
    assert all("secret" not in each.text and f"A-{made.number}" in each.subject for each in told)
    assert all("BCU commander" in each.text for each in told)


def test_the_owner_is_told_too_where_the_roster_has_the_post(session: Session, tom: Person) -> None:
    asked(session, tom)
    remind(session, ONCALL, now=NOON + timedelta(days=31))
    assert [(each.recipient, each.address) for each in left(session)] == [
        ("person:ann", "ann@force.example"),
        ("post:chair", "chair@force.example"),
    ]


def test_nobody_is_reminded_by_night_or_of_what_is_closed(session: Session, tom: Person) -> None:
    made = asked(session, tom)
    assert remind(session, ONCALL, now=NOON + timedelta(days=31, hours=-8)) == 0
    close(session, made.id, Closing("not_done", "Nobody could"), who=tom, now=NOON)
    assert remind(session, ONCALL, now=NOON + timedelta(days=31)) == 0


def test_feedback_is_reminded_of_once_a_day_from_the_day_before(session: Session, tom: Person) -> None:
    review, case = listed(session)
    found(session, review, case, tom)
    for days in (5, 6, 6, 7, 7, 8):
        remind(session, ONCALL, now=NOON + timedelta(days=days))
    assert [each.subject for each in left(session)] == [
        "Feedback to BCUs: 1 to send, 0 overdue",
        "Feedback to BCUs: 1 to send, 1 overdue",
    ]


def test_the_tick_marks_what_ran_out(
    session: Session, settings: Settings, engine: Engine, tom: Person
) -> None:
    review, case = listed(session)
    found(session, review, case, tom)
    session.commit()
    house = House(settings, engine, lambda: NOON)
    follow_up(house, NOON + timedelta(days=9))
    follow_up(house, NOON + timedelta(days=9))
    session.expire_all()
    assert session.exec(select(Feedback.breached_at)).one() == NOON + timedelta(days=9)
