"""When the group meets: every fortnight in London, off bank holidays; a year ahead, moved and cancelled by people."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from sqlmodel import Session, col, select

from tests.make import LIFECYCLE
from tests.triage.review.kept import CYCLE, case, keeper, meetings
from triage.locked import Conflict
from triage.oncall_roster import works
from triage.permissions import Denied
from triage.records import LogEntry
from triage.review.agenda import agenda_of, list_for_review
from triage.review.meeting_records import Review
from triage.review.meetings import LONDON, Meetings, MeetingsError, read_meetings
from triage.review.meetings_ics import calendar_of
from triage.review.schedule import arrange, cancel, coming, is_locked, move, next_open, reinstate

FORTNIGHT = Meetings(first_on=date(2026, 1, 14), at=time(10))
HOLIDAYS = LIFECYCLE.bank_holidays


def london(*when: int) -> datetime:
    return datetime(*when, tzinfo=LONDON)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("moment", "meets"),
    [
        ("2025-12-01T00:00+00:00", "2026-01-14T10:00+00:00"),
        ("2026-01-14T09:59+00:00", "2026-01-14T10:00+00:00"),
        ("2026-01-14T10:00+00:00", "2026-01-28T10:00+00:00"),
        ("2026-03-26T00:00+00:00", "2026-04-08T10:00+01:00"),
        ("2026-10-22T00:00+01:00", "2026-11-04T10:00+00:00"),
        ("2026-07-14T12:00+00:00", "2026-07-15T10:00+01:00"),
    ],
)
def test_meetings_are_a_fortnight_apart_at_ten_in_london(moment: str, meets: str) -> None:
    assert FORTNIGHT.next_after(datetime.fromisoformat(moment)) == datetime.fromisoformat(meets)


def test_a_meeting_on_a_bank_holiday_is_held_on_the_next_working_day_and_the_others_stay() -> None:
    mondays = Meetings(first_on=date(2026, 3, 23), at=time(10), bank_holidays=HOLIDAYS)
    days = [each.date() for each in mondays.between(london(2026, 3, 1), london(2026, 4, 30))]
    assert days == [date(2026, 3, 23), date(2026, 4, 7), date(2026, 4, 20)]  # Easter Monday is the 6th
    good_friday = Meetings(first_on=date(2026, 4, 3), at=time(10), bank_holidays=HOLIDAYS)
    assert next(good_friday.since(london(2026, 4, 1))).date() == date(2026, 4, 7)


@pytest.mark.parametrize(
    ("meets", "locks"),
    [
        ("2026-07-15T10:00+01:00", "2026-07-10T17:00+01:00"),  # Wednesday: Tuesday, Monday, Friday
        ("2026-04-08T10:00+01:00", "2026-04-01T17:00+01:00"),  # Easter lies between
        ("2026-11-04T10:00+00:00", "2026-10-30T17:00+00:00"),
    ],
)
def test_the_list_is_locked_three_working_days_before(meets: str, locks: str) -> None:
    calendar = FORTNIGHT.model_copy(update={"bank_holidays": HOLIDAYS})
    assert calendar.locks_at(datetime.fromisoformat(meets)) == datetime.fromisoformat(locks)


@given(
    st.dates(date(2026, 1, 1), date(2027, 6, 1)),
    st.integers(1, 60),
    st.sets(st.dates(date(2026, 1, 1), date(2028, 1, 1)), max_size=20),
    st.integers(0, 700 * 24),
    st.integers(0, 8),
)
def test_meetings_and_locks_fall_on_working_days_in_order(
    first: date, every: int, holidays: set[date], hours: int, days: int
) -> None:
    calendar = Meetings(
        first_on=first, at=time(10), every_days=every, lock_days=days, bank_holidays=frozenset(holidays)
    )
    asked = london(2026, 1, 1) + timedelta(hours=hours)
    meets = calendar.next_after(asked)
    assert meets > asked
    assert works(meets.date(), holidays)
    locks = calendar.locks_at(meets)
    assert locks <= meets
    assert days == 0 or works(locks.date(), holidays)
    assert sum(
        works(locks.date() + timedelta(n), holidays) for n in range((meets.date() - locks.date()).days)
    ) in (
        days,
        0,
    )
    assert calendar.between(asked, meets)[0] == meets


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("every_days = 14", "first_on"),
        ("first_on = 2026-01-14\nat = 10:00:00\nevry = 1", "evry"),
        ("first_on = 2026-01-14\nat = 10:00:00\nbank_holidays = []", "bank_holidays"),
        ("=", "meetings"),
    ],
)
def test_wrong_meetings_are_refused_with_file_and_key(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "meetings.toml"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(MeetingsError, match=r"meetings\.toml") as refused:
        read_meetings(path)
    assert told in str(refused.value)


def test_meetings_are_there_a_year_ahead_and_made_once(session: Session, noon: datetime) -> None:
    assert arrange(session, CYCLE.meetings, now=noon) == 27
    assert arrange(session, CYCLE.meetings, now=noon) == 0
    ahead = coming(session, now=noon)
    assert len(ahead) == 27
    assert ahead[-1].meets_at > noon + timedelta(days=350)
    assert all(each.locks_at == CYCLE.meetings.locks_at(each.meets_at) for each in ahead)
    assert arrange(session, CYCLE.meetings, now=noon + timedelta(days=15)) == 1


def test_a_changed_calendar_moves_only_what_nobody_touched(session: Session, noon: datetime) -> None:
    locked, moved, cancelled, free, *_ = meetings(session, now=noon)
    who = keeper(session)
    move(
        session,
        moved.id,
        moved.meets_at + timedelta(days=1),
        CYCLE.meetings,
        who=who,
        why="the room is taken",
        now=noon,
    )
    cancel(session, cancelled.id, who=who, why="nobody can come", now=noon)
    stays = {each.id: each.meets_at for each in (locked, moved, cancelled)}
    assert is_locked(locked, now=noon)
    listed = case(session)
    thursdays = CYCLE.meetings.model_copy(update={"first_on": date(2026, 1, 15)})
    list_for_review(session, listed.id, CYCLE.meetings, now=noon)
    before = free.meets_at
    assert arrange(session, thursdays, now=noon) > 20
    assert arrange(session, thursdays, now=noon) == 0
    session.flush()
    rows = session.exec(select(Review).order_by(col(Review.meets_at))).all()
    assert {each.id: each.meets_at for each in rows if each.id in stays} == stays
    assert free.meets_at == before + timedelta(days=1)
    assert free.locks_at == thursdays.locks_at(free.meets_at)
    assert len(rows) in (27, 28), "no second meeting beside one that stays"
    days = [each.meets_at for each in rows]
    assert min(b - a for a, b in pairwise(days)) > timedelta(days=7)


def test_a_calendar_with_fewer_meetings_cancels_the_others_and_carries_their_cases(
    session: Session, noon: datetime
) -> None:
    made = meetings(session, now=noon)
    listed = case(session)
    item = list_for_review(session, listed.id, CYCLE.meetings, now=noon)
    assert item is not None
    assert item.review_id == made[1].id
    monthly = CYCLE.meetings.model_copy(update={"every_days": 28, "first_on": date(2026, 1, 14)})
    planned = monthly.between(noon, noon + timedelta(days=366))
    arrange(session, monthly, now=noon)
    left = coming(session, now=noon)
    assert [each.meets_at for each in left if not is_locked(each, now=noon)] == [
        each for each in planned if each > noon + timedelta(days=3)
    ]
    assert sum(len(agenda_of(session, each.id)) for each in left) == 1


def test_a_person_moves_a_meeting_with_a_reason_and_its_lock_goes_along(
    session: Session, noon: datetime
) -> None:
    _, second, third, *_ = meetings(session, now=noon)
    who = keeper(session)
    to = london(2026, 7, 31, 14)
    with pytest.raises(Conflict, match="why"):
        move(session, second.id, to, CYCLE.meetings, who=who, why="", now=noon)
    with pytest.raises(Conflict, match="ahead"):
        move(session, second.id, noon, CYCLE.meetings, who=who, why="for a reason", now=noon)
    with pytest.raises(Conflict, match="already"):
        move(
            session,
            second.id,
            third.meets_at + timedelta(hours=2),
            CYCLE.meetings,
            who=who,
            why="for a reason",
            now=noon,
        )
    triage = keeper(session, "sam", ("triage",))
    with pytest.raises(Denied):
        move(session, second.id, to, CYCLE.meetings, who=triage, why="for a reason", now=noon)
    move(session, second.id, to, CYCLE.meetings, who=who, why="the room is flooded", now=noon)
    session.commit()
    assert (second.meets_at, second.moved_by, second.moved_because) == (to, "keeper", "the room is flooded")
    assert second.locks_at == london(2026, 7, 28, 17)
    assert arrange(session, CYCLE.meetings, now=noon) == 0, "where it was planned none is made anew"
    assert "meeting moved" in session.exec(select(LogEntry.what)).all()


def test_a_cancelled_meeting_hands_its_cases_on_and_can_be_held_after_all(
    session: Session, noon: datetime
) -> None:
    _, second, third, *_ = meetings(session, now=noon)
    who = keeper(session)
    listed = case(session)
    list_for_review(session, listed.id, CYCLE.meetings, now=noon)
    cancel(session, second.id, who=who, why="no quorum in August", now=noon)
    assert [each.case_id for each in agenda_of(session, third.id)] == [listed.id]
    assert agenda_of(session, second.id) == []
    assert next_open(session, now=noon) == third
    with pytest.raises(Conflict, match="cancelled"):
        cancel(session, second.id, who=who, why="once more please", now=noon)
    reinstate(session, second.id, who=who, now=noon)
    assert next_open(session, now=noon) == second


def test_calendars_are_told_of_meetings_and_locks_and_follow_what_is_moved(
    session: Session, noon: datetime
) -> None:
    _, second, *_ = meetings(session, now=noon)
    who = keeper(session)

    def events(now: datetime) -> dict[str, object]:
        told = calendar_of(
            [second], title="Oversight", lasts=timedelta(hours=2), page="https://x/reviews", now=now
        )
        return {str(each["uid"]): each for each in Calendar.from_ical(told).walk("VEVENT")}

    before = events(noon)
    assert set(before) == {f"{second.id}@goldenhour", f"lock-{second.id}@goldenhour"}
    move(
        session,
        second.id,
        london(2026, 7, 31, 14),
        CYCLE.meetings,
        who=who,
        why="the room is flooded",
        now=noon,
    )
    cancel(session, second.id, who=who, why="no quorum in August", now=noon)
    after = events(noon + timedelta(hours=1))
    assert set(after) == set(before)
    meeting = after[f"{second.id}@goldenhour"]
    assert meeting["dtstart"].dt == london(2026, 7, 31, 14)  # type: ignore[index]
    assert meeting["status"] == "CANCELLED"  # type: ignore[index]
    assert meeting["sequence"] > before[f"{second.id}@goldenhour"]["sequence"]  # type: ignore[index]
