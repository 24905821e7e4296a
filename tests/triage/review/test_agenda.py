"""The list of a meeting: put on once, locked at its moment, after that the chair's alone."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from tests.triage.review.kept import CYCLE, case, keeper, meetings, seat_group
from triage.locked import Conflict
from triage.records import LogEntry
from triage.review.agenda import (
    add_case,
    agenda_of,
    carry_over,
    due_to_lock,
    list_again,
    list_for_review,
    lock_agenda,
    shift_item,
    take_off,
)
from triage.review.meeting_records import Attendance, LockedAgenda, ReviewItem
from triage.review.schedule import next_open

GROUP = CYCLE.group


def test_a_case_is_listed_once_for_the_next_open_meeting(session: Session, noon: datetime) -> None:
    first, second = case(session), case(session)
    for later in (0, 1, 40):
        list_for_review(session, first.id, CYCLE.meetings, now=noon + timedelta(days=later))
    list_for_review(session, second.id, CYCLE.meetings, now=noon)
    session.commit()
    meeting = next_open(session, now=noon)
    assert meeting is not None
    assert f"{meeting.meets_at:%Y-%m-%d}" == "2026-07-29", "the list of the 15th is locked by the 14th"
    assert [each.case_id for each in agenda_of(session, meeting.id)] == [first.id, second.id]
    assert [each.position for each in agenda_of(session, meeting.id)] == [1, 2]
    said = [line.what for line in session.exec(select(LogEntry))]
    assert said == ["meetings set", "listed for review", "listed for review"]


def test_what_is_listed_between_the_lock_and_its_tick_goes_to_the_next_meeting(
    session: Session, noon: datetime
) -> None:
    _, second, third, *_ = meetings(session, now=noon)
    assert second.locks_at is not None
    early, late = case(session), case(session)
    list_for_review(session, early.id, CYCLE.meetings, now=second.locks_at - timedelta(seconds=1))
    list_for_review(session, late.id, CYCLE.meetings, now=second.locks_at)
    kept = lock_agenda(session, second.id, GROUP, now=second.locks_at + timedelta(hours=4))
    assert kept is not None
    assert [each["case"] for each in kept.items] == [str(early.id)]
    assert [each.case_id for each in agenda_of(session, third.id)] == [late.id]


def test_a_list_is_locked_once_and_the_snapshot_stays_as_it_was(session: Session, noon: datetime) -> None:
    chair = seat_group(session, now=noon)
    _, second, *_ = meetings(session, now=noon)
    cases = [case(session) for _ in range(3)]
    for each in cases:
        list_for_review(session, each.id, CYCLE.meetings, now=noon)
    assert second.locks_at is not None
    assert lock_agenda(session, second.id, GROUP, now=second.locks_at - timedelta(seconds=1)) is None
    due = second.locks_at
    assert second.id in due_to_lock(session, now=due)
    assert lock_agenda(session, second.id, GROUP, now=due) is not None
    assert lock_agenda(session, second.id, GROUP, now=due + timedelta(minutes=1)) is None
    assert second.id not in due_to_lock(session, now=due)
    take_off(session, second.id, cases[0].id, GROUP, who=chair, why="not the Met after all", now=due)
    session.commit()
    [kept] = [each for each in session.exec(select(LockedAgenda)) if each.review_id == second.id]
    assert [each["case"] for each in kept.items] == [str(each.id) for each in cases]
    assert [each.case_id for each in agenda_of(session, second.id)] == [each.id for each in cases[1:]]
    expected = session.exec(select(Attendance.name).where(Attendance.review_id == second.id)).all()
    assert sorted(expected) == ["Ada", "Bo", "Chair", "D", "M", "O"]


def test_after_the_lock_only_the_chair_adds_and_the_case_is_late_with_its_reason(
    session: Session, noon: datetime
) -> None:
    chair, who = seat_group(session, now=noon), keeper(session)
    locked, second, *_ = meetings(session, now=noon)
    added, other = case(session), case(session)
    with pytest.raises(Conflict, match="Only the chair"):
        add_case(session, locked.id, added.id, GROUP, who=who, because="it cannot wait", now=noon)
    late = add_case(session, locked.id, added.id, GROUP, who=chair, because="it cannot wait", now=noon)
    assert (late.late, late.late_because, late.listed_by) == (True, "it cannot wait", "chair")
    early = add_case(session, second.id, other.id, GROUP, who=who, because="asked for by us", now=noon)
    assert (early.late, early.late_because) == (False, None)
    with pytest.raises(Conflict, match="already"):
        add_case(session, second.id, other.id, GROUP, who=who, because="asked for by us", now=noon)
    with pytest.raises(Conflict, match="carry it over"):
        add_case(session, second.id, added.id, GROUP, who=who, because="asked for by us", now=noon)
    with pytest.raises(Conflict, match="Only the chair"):
        take_off(session, locked.id, added.id, GROUP, who=who, why="a good reason here", now=noon)
    with pytest.raises(Conflict, match="why"):
        take_off(session, second.id, other.id, GROUP, who=who, why="no", now=noon)


def test_a_case_is_carried_over_and_may_come_back_later(session: Session, noon: datetime) -> None:
    who, chair = keeper(session), seat_group(session, now=noon)
    first, second, third, *_ = meetings(session, now=noon)
    one = case(session)
    list_for_review(session, one.id, CYCLE.meetings, now=noon)
    with pytest.raises(Conflict, match="locked"):
        carry_over(session, second.id, one.id, GROUP, who=who, why="BWV is not in", to=first.id, now=noon)
    carry_over(session, second.id, one.id, GROUP, who=who, why="BWV is not in", now=noon)
    [was] = session.exec(select(ReviewItem).where(ReviewItem.review_id == second.id)).all()
    assert (was.carried_to, was.off_because) == (third.id, "BWV is not in")
    assert [each.case_id for each in agenda_of(session, third.id)] == [one.id]
    held = third.meets_at + timedelta(hours=1)
    again = list_again(session, one.id, who=chair, because="deferred until the inquest", now=held)
    assert again.review_id not in (second.id, third.id)
    assert [each.case_id for each in agenda_of(session, third.id)] == [one.id], "what was held keeps its list"
    with pytest.raises(Conflict, match="already"):
        list_again(session, one.id, who=chair, because="deferred until the inquest", now=held)


def test_what_was_taken_off_can_be_put_on_again_at_the_end(session: Session, noon: datetime) -> None:
    who = keeper(session)
    _, second, *_ = meetings(session, now=noon)
    one, two = case(session), case(session)
    for each in (one, two):
        list_for_review(session, each.id, CYCLE.meetings, now=noon)
    take_off(session, second.id, one.id, GROUP, who=who, why="the wrong borough entirely", now=noon)
    add_case(session, second.id, one.id, GROUP, who=who, because="right after all", now=noon)
    assert [each.case_id for each in agenda_of(session, second.id)] == [two.id, one.id]
    shift_item(session, second.id, one.id, GROUP, up=True, who=who, now=noon)
    shift_item(session, second.id, one.id, GROUP, up=True, who=who, now=noon)
    assert [(each.case_id, each.position) for each in agenda_of(session, second.id)] == [
        (one.id, 1),
        (two.id, 2),
    ]
