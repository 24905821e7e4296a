"""What a BCU is told: drafted from the finding, due in five working days, sent and confirmed by people."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from sqlmodel import Session, select

from tests.make import LIFECYCLE, NOON, make_case
from tests.triage.review.deciding import found, listed, meeting, reviewer
from triage.clocks import LONDON, after_working_days
from triage.locked import Conflict
from triage.records import LogEntry
from triage.review.feedback import (
    confirm_told,
    feedback_of,
    mark_breaches,
    record_sent,
    write_feedback,
)

HOLIDAYS = LIFECYCLE.bank_holidays


def test_five_working_days_leave_out_weekends_and_bank_holidays() -> None:
    easter = datetime(2026, 4, 1, 9, tzinfo=UTC)  # a Wednesday; Good Friday and Easter Monday follow
    assert after_working_days(easter, 5, HOLIDAYS) == datetime(2026, 4, 10, 17, tzinfo=UTC)
    assert after_working_days(NOON, 5, HOLIDAYS) == datetime(2026, 7, 21, 17, tzinfo=UTC)


@drawn(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)), st.integers(1, 20))  # noqa: DTZ001  London's below
def test_working_days_are_counted_as_a_calendar_shows_them(moment: datetime, days: int) -> None:
    begun = moment.replace(tzinfo=LONDON)
    due = after_working_days(begun, days, HOLIDAYS).astimezone(LONDON)
    between = [begun.date() + timedelta(days=n) for n in range(1, (due.date() - begun.date()).days + 1)]
    assert sum(each.weekday() < 5 and each not in HOLIDAYS for each in between) == days
    assert (due.hour, due.weekday() < 5) == (18, True)


def test_feedback_is_begun_with_the_finding_and_follows_a_correction_until_it_is_sent(
    session: Session,
) -> None:
    review, case = listed(session)
    tom = reviewer(session)
    found(session, review, case, tom, dissent=[("Community member", "Not hard enough")])
    [made] = feedback_of(session, case.id)
    assert made.bcu == "CE"
    assert made.due_at == after_working_days(review.meets_at, 5, HOLIDAYS)
    assert "Poor communication" in made.words
    assert "Not hard enough" not in made.words
    assert "tom" not in made.words
    again = {"code": "PROFESSIONAL", "seen": 1, "correction_why": "A video was found"}
    found(session, review, case, tom, **again)
    assert "Professional" in made.words
    record_sent(session, made.id, "BCU commander's office", who=tom, now=NOON)
    found(session, review, case, tom, **again | {"code": "EXEMPLARY", "seen": 2})
    assert "Professional" in made.words
    session.commit()


def test_it_is_written_over_sent_and_confirmed_in_this_order(session: Session) -> None:
    review, case = listed(session)
    tom = reviewer(session)
    found(session, review, case, tom)
    [made] = feedback_of(session, case.id)
    write_feedback(session, made.id, "The team should explain searches.", who=tom, now=NOON)
    with pytest.raises(Conflict, match="first that it was sent"):
        confirm_told(session, made.id, "Supervisor", who=tom, now=NOON)
    for to, at in (
        ("", None),
        ("BCU commander", NOON + timedelta(days=1)),
        ("BCU commander", NOON - timedelta(9)),
    ):
        with pytest.raises(Conflict):
            record_sent(session, made.id, to, sent_at=at, who=tom, now=NOON)
    record_sent(session, made.id, "BCU commander", who=tom, now=NOON)
    with pytest.raises(Conflict, match="cannot be changed"):
        write_feedback(session, made.id, "Something else altogether", who=tom, now=NOON)
    confirm_told(session, made.id, "Supervisor", who=tom, now=NOON)
    session.commit()
    assert (made.sent_to, made.confirmed_by, made.breached_at) == ("BCU commander", "Supervisor", None)
    acts = session.exec(select(LogEntry.what).where(LogEntry.case_id == case.id).order_by(LogEntry.seq)).all()  # type: ignore[arg-type]
    assert acts[-2:] == ["feedback sent to BCU", "officer told, BCU confirmed"]


def test_what_runs_out_unsent_is_marked_once_and_sent_late_all_the_same(session: Session) -> None:
    tom = reviewer(session)
    cases = [make_case(bcu="CE"), make_case(bcu="CN")]
    review = meeting(session, *cases)
    for case in cases:
        found(session, review, case, tom)
    late = NOON + timedelta(days=8)
    assert mark_breaches(session, now=NOON + timedelta(days=6)) == 0
    assert mark_breaches(session, now=late) == 2
    assert mark_breaches(session, now=late) == 0
    [made] = feedback_of(session, cases[0].id)
    assert made.breached_at == late
    record_sent(session, made.id, "BCU commander", who=tom, now=late)
    session.commit()
    lines = session.exec(select(LogEntry).where(LogEntry.what == "feedback to BCU overdue")).all()
    assert {line.detail["bcu"] for line in lines} == {"CE", "CN"}
