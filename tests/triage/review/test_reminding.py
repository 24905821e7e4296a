"""What is due is said once for each day that matters, by post and number, never in the words of a case."""

from datetime import date, time, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from config.files import rules_all
from config.follow_up_ticks import follow_up
from config.service import House
from config.settings import HERE, Settings
from tests.make import NOON, make_case, make_person
from tests.triage.review.deciding import found, listed, reviewer
from tests.triage.review.kept import CYCLE
from triage.hold_records import Hold, HoldScope
from triage.notification_records import Notification, NotificationKind
from triage.oncall import OnCall
from triage.oncall_roster import Colleague, Post, Roster, Rota
from triage.records import Person
from triage.review.actions import ActionGiven, Closing, close, open_action
from triage.review.finding_records import Action, Feedback, Minutes
from triage.review.group import BODY
from triage.review.meeting_records import Review, Seat
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


def test_the_chair_and_the_desk_are_told_before_a_list_is_locked_once(session: Session, tom: Person) -> None:
    review, _ = listed(session)
    chairs = make_person(username="chair-account", slack_user="U9")
    session.add(chairs)
    session.flush()
    post = CYCLE.group.chairing[0]
    session.add(Seat(body=BODY, post=post, name="C", person_id=chairs.id, begun_at=NOON, begun_by="t"))
    review.meets_at, review.locked_at = NOON + timedelta(days=6), None
    review.locks_at = NOON + timedelta(days=1, hours=5)
    session.commit()
    for hours in (-30, 0, 1):
        remind(session, ONCALL, group=CYCLE.group, now=NOON + timedelta(hours=hours))
    told = [each for each in left(session) if "is locked on 15 July" in each.subject]
    assert [each.recipient for each in told] == ["person:ann", "person:chair-account"]
    assert "Cases on it: 1" in told[0].text


def test_minutes_that_are_missing_or_wait_are_asked_for(session: Session, tom: Person) -> None:
    met = Review(meets_at=NOON - timedelta(days=5), created_at=NOON)
    following = Review(meets_at=NOON + timedelta(days=3), created_at=NOON)
    session.add_all([met, following])
    session.commit()
    remind(session, ONCALL, group=CYCLE.group, now=NOON)
    session.add(Minutes(review_id=met.id, author="t", drafted_at=NOON, changed_at=NOON))
    session.commit()
    remind(session, ONCALL, group=CYCLE.group, now=NOON + timedelta(hours=1))
    remind(session, ONCALL, group=CYCLE.group, now=NOON + timedelta(hours=2))
    told = {each.subject for each in left(session) if "inutes" in each.subject}
    assert told == {
        "No minutes are drafted of the meeting of 9 July 2026",
        "The minutes of 9 July 2026 wait for the approval of the meeting of 17 July 2026",
    }


def test_who_set_and_who_signed_a_hold_are_told_that_it_ends(session: Session, tom: Person) -> None:
    steward = make_person(username="steward")
    case = make_case()
    session.add_all([steward, case])
    session.flush()
    session.add(
        Hold(
            scope=HoldScope.CASE, case_id=case.id, reason="court", why="a secret thing", set_by=tom.id, set_at=NOON,
            review_at=NOON + timedelta(days=400), expires_at=NOON + timedelta(days=60), signed_by=steward.id,
            signed_at=NOON,
        )
    )  # fmt: skip
    session.commit()
    rules = rules_all(HERE / "policy" / "retention.toml").holds
    remind(session, ONCALL, holds=rules, now=NOON)
    assert left(session) == []
    for hours in (0, 1):
        remind(session, ONCALL, holds=rules, now=NOON + timedelta(days=58, hours=hours))
    told = left(session)
    assert {each.recipient for each in told} == {f"person:{tom.username}", "person:steward"}
    assert len(told) == 2
    assert all("secret" not in each.text and "ends on 12 September 2026" in each.subject for each in told)
