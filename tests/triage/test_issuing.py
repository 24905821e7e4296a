"""A line that goes out: recorded as issued, updated, corrected, not written anew, expired when nobody issues it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from classifier.records import IncidentType
from tests.make import LIFECYCLE, NOON, make_case
from tests.triage.confirmed import clock_of, confirmed, logged
from tests.triage.lines import HOUR, WORDS, WRITING, approve, begun, issue, review, spoken, write
from triage import issuing
from triage.actions import confirm
from triage.breaches import mark_breaches
from triage.claim_records import KnownClaim
from triage.lifecycle import TrackName
from triage.locked import Conflict
from triage.records import Case, Clock, Person
from triage.track_records import Track
from triage.tracks import move_track


def test_issuing_ends_the_silence_turns_the_clocks_and_is_known_as_ours(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann)
    review(session, line, ann)
    approve(session, line, ben)
    assert clock_of(session, case, "first_line").stopped_by == "ben"
    assert clock_of(session, case, "line_issued").stopped_at is None
    later = NOON + timedelta(minutes=30)
    issue(session, line, ann, now=later, next_at=later + timedelta(minutes=20))
    track = session.get_one(Track, (case.id, "comms"))
    assert (track.state, track.spoke_at) == ("issued", later)
    assert clock_of(session, case, "line_issued").stopped_at == later
    assert clock_of(session, case, "next_update").due_at == later + timedelta(minutes=20)
    claim = session.get_one(KnownClaim, line.claim_id)
    assert (claim.ours, claim.text, claim.title) == (True, WORDS, f"Our line S-{line.number}")
    mark_breaches(session, case.id, LIFECYCLE, now=later + HOUR)
    late = [each.detail["clock"] for each in logged(session, case, "clock breached")]
    assert "next_update" in late
    assert "line_issued" not in late


def test_a_line_on_a_case_that_nobody_confirmed_stops_its_clocks_too(
    session: Session, ann: Person, ben: Person
) -> None:
    case = make_case(severity=2)
    session.add(case)
    session.commit()
    line = spoken(session, case, ann, ben)
    assert line.state == "issued"
    assert clock_of(session, case, "next_update").due_at == NOON + HOUR


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"next_at": None}, "next update"),
        ({"next_at": NOON + 3 * HOUR}, "within 60m"),
        ({"next_at": NOON - HOUR}, "after the line"),
        ({"now": NOON + HOUR / 2, "next_at": NOON + 1.4 * HOUR}, "promise an update by 14:00"),
        ({"place": " "}, "where it was issued"),
        ({"link": "javascript:alert(1)"}, "begins with https"),
        ({"variant": "short"}, "which wording"),
        ({"now": NOON - HOUR}, "not come yet|approved after"),
    ],
)
def test_what_cannot_be_recorded_is_said(
    session: Session, case: Case, ann: Person, ben: Person, given: dict[str, Any], told: str
) -> None:
    line = begun(session, case, ann)
    review(session, line, ann)
    approve(session, line, ben)
    with pytest.raises(Conflict, match=told):
        issue(session, line, ann, **given)


def test_only_an_approved_line_is_issued(session: Session, case: Case, ann: Person) -> None:
    line = begun(session, case, ann)
    with pytest.raises(Conflict, match="only an approved line"):
        issue(session, line, ann)


def test_a_correction_names_the_first_day_lists_who_got_the_first_and_replaces_it(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    first = spoken(session, case, ann, ben)
    issue(session, first, ann, place="News desk, by e-mail", recipients="Two papers")
    wrong = begun(
        session, case, ann, "It was in Rye Lane, not Peckham High Street.", follows=first.id, correction=True
    )
    review(session, wrong, ann)
    with pytest.raises(Conflict, match="name its day, 14 July"):
        approve(session, wrong, ben)
    session.rollback()
    write(session, wrong, ann, "On 14 July we said it was in Rye Lane. That was wrong.")
    review(session, wrong, ann)
    approve(session, wrong, ben)
    issue(session, wrong, ann)
    assert (first.state, wrong.state) == ("corrected", "issued")
    assert session.get_one(Track, (case.id, "comms")).state == "corrected"
    told = [(each.issue.place, each.told) for each in issuing.reached(session, wrong)]
    assert told == [("X", True), ("News desk, by e-mail", False)]
    assert [each.number for each in issuing.follow_ups(session, first.id)] == [wrong.number]
    with pytest.raises(Conflict, match="corrected already"):
        begun(session, case, ann, follows=first.id)


def test_a_correction_lists_who_got_any_line_before_it_once(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    first = spoken(session, case, ann, ben)
    issue(session, first, ann, place="News desk, by e-mail", recipients="Two papers")
    second = spoken(session, case, ann, ben, follows=first.id)
    third = begun(session, case, ann, "That was wrong.", follows=second.id, correction=True)
    told = [(each.issue.place, each.told) for each in issuing.reached(session, third)]
    assert sorted(told) == [("News desk, by e-mail", False), ("X", False)]


def test_what_is_told_inside_does_not_end_the_silence(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann)
    write(session, line, ann, WORDS, internal="Officers: a line is being prepared. Next update at 14:00.")
    review(session, line, ann)
    approve(session, line, ben)
    issue(session, line, ann, place="Intranet", variant="internal", next_at=None)
    track = session.get_one(Track, (case.id, "comms"))
    assert (line.state, line.issued_at, line.claim_id, track.spoke_at) == ("approved", None, None, None)
    assert clock_of(session, case, "line_issued").stopped_at is None
    assert [each.what for each in logged(session, case, "line given to some, not to the public")]
    issue(session, line, ann)
    assert (line.state, track.spoke_at) == ("issued", NOON)
    assert [each.place for each in issuing.issues(session, line.id)] == ["Intranet", "X"]


def test_a_line_that_went_out_before_the_case_was_confirmed_counts_on_its_track(
    session: Session, ann: Person, ben: Person
) -> None:
    case = make_case(severity=2)
    session.add(case)
    session.commit()
    spoken(session, case, ann, ben)
    confirm(session, case.id, lifecycle=LIFECYCLE, who=ann, now=NOON + HOUR / 2)
    session.commit()
    track = session.get_one(Track, (case.id, "comms"))
    assert (track.state, track.spoke_at, track.state_since) == ("issued", NOON, NOON)
    running = select(Clock.name).where(Clock.case_id == case.id, col(Clock.stopped_at).is_(None))
    waiting = set(session.exec(running))
    assert "next_update" in waiting
    assert not waiting & {"first_line", "line_issued"}
    with pytest.raises(Conflict, match="An update is promised by"):
        move_track(session, case.id, TrackName.COMMS, "done", LIFECYCLE, who=ann, now=NOON + HOUR / 2)


def test_words_that_promise_an_update_need_its_time_whatever_the_severity(
    session: Session, ann: Person, ben: Person
) -> None:
    case = confirmed(session, ann, severity=4)
    line = begun(session, case, ann)
    review(session, line, ann)
    approve(session, line, ben)
    with pytest.raises(Conflict, match="promise an update by 14:00"):
        issue(session, line, ann, next_at=None)


def test_an_update_supersedes_the_line_before(session: Session, case: Case, ann: Person, ben: Person) -> None:
    first = spoken(session, case, ann, ben)
    second = spoken(session, case, ann, ben, follows=first.id)
    assert (first.state, second.state) == ("superseded", "issued")
    assert session.get_one(Track, (case.id, "comms")).state == "updated"
    with pytest.raises(Conflict, match="Only a line that was issued"):
        begun(session, case, ann, follows=begun(session, case, ann).id)


def test_an_issued_line_is_not_written_anew(session: Session, case: Case, ann: Person, ben: Person) -> None:
    line = spoken(session, case, ann, ben)
    with pytest.raises(Conflict, match="updates or corrects"):
        write(session, line, ann, "Other words.")


def test_an_approved_line_that_nobody_issues_expires_once_and_can_be_renewed(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann)
    review(session, line, ann)
    approve(session, line, ben)
    assert issuing.overdue_lines(session, now=NOON + 0.9 * HOUR) == []
    late = NOON + HOUR  # the words promise more by 14:00 in London
    [(case_id, number)] = issuing.overdue_lines(session, now=late)
    assert [issuing.expire_line(session, case_id, number, now=late) for _ in range(2)] == [True, False]
    assert line.state == "expired"
    assert line.approved_at == NOON
    assert write(session, line, ann, f"{WORDS} Still.").state == "drafted"


def test_what_went_out_before_it_expired_is_still_recorded_and_nothing_later(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    line = begun(session, case, ann)
    review(session, line, ann)
    approve(session, line, ben)
    [(case_id, number)] = issuing.overdue_lines(session, now=NOON + 2 * HOUR)
    issuing.expire_line(session, case_id, number, now=NOON + 2 * HOUR)
    session.commit()
    with pytest.raises(Conflict, match="had expired at that time"):
        issue(session, line, ann, now=NOON + 2 * HOUR)
    session.rollback()
    went = issuing.Issued("X", NOON + timedelta(minutes=9), next_at=NOON + HOUR)
    issuing.record_issue(session, number, went, WRITING, LIFECYCLE, who=ann, now=NOON + 2 * HOUR)
    assert (line.state, line.issued_at) == ("issued", NOON + timedelta(minutes=9))


def test_a_case_that_grows_graver_holds_an_approved_line_until_a_second_person_has_approved_it(
    session: Session, case: Case, ann: Person, ben: Person, cee: Person
) -> None:
    line = begun(session, case, ann)
    review(session, line, ann)
    approve(session, line, ben)
    case.type = IncidentType.DEATH_OR_FIREARMS
    session.commit()
    with pytest.raises(Conflict, match="A second person approves this line before it goes out"):
        issue(session, line, ann)
    session.rollback()
    for who, told in ((ann, "Somebody else"), (ben, "You have approved")):
        with pytest.raises(Conflict, match=told):
            approve(session, line, who)
        session.rollback()
    assert approve(session, line, cee).state == "approved"
    assert [each.who for each in logged(session, case, "line approved by the second of two")] == ["cee"]
    with pytest.raises(Conflict, match="only a line in review"):
        approve(session, line, cee)
    session.rollback()
    issue(session, line, ann)
    assert line.state == "issued"
