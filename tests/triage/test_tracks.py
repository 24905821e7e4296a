"""The four tracks of a confirmed case: moved by people, with clocks that start, pause, stop and breach once."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from config.settings import HERE
from tests.make import LIFECYCLE, NOON, make_case, make_person
from tests.triage.confirmed import EVERY, HOUR, clock_of, kept, logged, move
from triage import actions, prompts, questions, tracks
from triage.breaches import begin_tracks, mark_breaches, overdue_cases, unbegun_cases
from triage.lifecycle import TrackName
from triage.permissions import Denied
from triage.records import Alert, AlertState, Case, Clock, Desk, Person, Role, Status
from triage.review.definitions import read_definitions
from triage.review.figures import Period
from triage.review.figuring import figures_as_of
from triage.review.journal import count
from triage.track_records import Track


def test_confirming_begins_four_tracks_each_with_its_clocks(session: Session, case: Case) -> None:
    begun = {each.name: each.state for each in tracks.tracks_of(session, case.id)}
    assert begun == {
        "comms": "line_to_decide",
        "conduct": "dps_to_tell",
        "oversight": "bwv_to_preserve",
        "community": "to_contact",
    }
    due = {each.name: each.due_at - NOON for each in session.exec(select(Clock))}
    assert due["first_line"] == timedelta(minutes=15)
    assert due["supervisor_account"] == 72 * HOUR
    assert due["family_contact"] == 4 * HOUR
    assert "acknowledge" not in due  # that is the answer to an alert


def test_a_move_stops_and_starts_clocks_and_says_why(session: Session, case: Case, ann: Person) -> None:
    move(session, case, "comms", "drafting", "approved", who=ann)
    assert clock_of(session, case, "first_line").stopped_by == "ann"
    later = NOON + HOUR
    track = move(session, case, "comms", "issued", who=ann, now=later)
    assert track.spoke_at == later
    assert clock_of(session, case, "next_update").due_at == later + HOUR
    line = logged(session, case, "track moved")[-1]
    said = (line.who, line.why, line.detail["from"], line.detail["to"])
    assert said == ("ann", "as agreed", "drafting", "approved")


def test_each_update_starts_the_time_to_the_next_anew(session: Session, case: Case, ann: Person) -> None:
    move(session, case, "comms", "drafting", "approved", "issued", who=ann)
    mark_breaches(session, case.id, LIFECYCLE, now=NOON + 2 * HOUR)
    move(session, case, "comms", "updated", who=ann, now=NOON + 3 * HOUR)
    clock = clock_of(session, case, "next_update")
    assert (clock.due_at, clock.breached_at) == (NOON + 4 * HOUR, None)
    before = len(logged(session, case, "clock breached"))
    mark_breaches(session, case.id, LIFECYCLE, now=NOON + 5 * HOUR)
    again = [each.detail["clock"] for each in logged(session, case, "clock breached")[before:]]
    assert "next_update" in again


def test_a_move_that_is_not_in_the_table_is_refused_in_a_sentence(
    session: Session, case: Case, ann: Person
) -> None:
    with pytest.raises(
        actions.Conflict, match="From “Line to be decided” this track goes to “Line being drafted” or"
    ):
        move(session, case, "comms", "done", who=ann)
    with pytest.raises(actions.Conflict, match="“Waived” needs a reason"):
        move(session, case, "conduct", "waived", who=ann, why=" ")


def test_whoever_saw_an_older_track_is_told_to_look_again(session: Session, case: Case, ann: Person) -> None:
    move(session, case, "comms", "drafting", who=ann, version=1)
    with pytest.raises(actions.Conflict, match="Look again"):
        move(session, case, "comms", "approved", who=ann, version=1)


def test_a_pause_needs_a_reason_and_moves_the_time(session: Session, case: Case, ann: Person) -> None:
    with pytest.raises(actions.Conflict, match="only for a reason"):
        tracks.pause_clock(session, case.id, "supervisor_account", LIFECYCLE, who=ann, why="", now=NOON)
    session.rollback()
    why = "The supervisor is in hospital"
    tracks.pause_clock(session, case.id, "supervisor_account", LIFECYCLE, who=ann, why=why, now=NOON + HOUR)
    session.commit()
    assert "supervisor_account" not in breached(session, case, NOON + 100 * HOUR)
    tracks.resume_clock(session, case.id, "supervisor_account", LIFECYCLE, who=ann, now=NOON + 101 * HOUR)
    clock = clock_of(session, case, "supervisor_account")
    assert (clock.due_at, clock.paused_s, clock.paused_at) == (NOON + 172 * HOUR, 100 * 3600, None)
    assert logged(session, case, "clock paused")[0].why == why


def test_the_review_counts_no_clock_late_that_was_paused_in_time(
    session: Session, case: Case, ann: Person
) -> None:
    tracks.pause_clock(
        session, case.id, "family_contact", LIFECYCLE, who=ann, why="Asked to wait", now=NOON + HOUR
    )
    session.commit()
    end = NOON + timedelta(days=4)
    count(session, now=end)
    session.commit()
    defined = read_definitions(HERE / "review" / "figures.toml")
    found = figures_as_of(session, Period(NOON, end), defined, at=end)
    assert found.figure("family_contact_in_time").brief == "1 of 1 (100.0%)"
    assert found.figure("supervisor_in_time").brief == "0 of 1 (0.0%)"


def test_an_alert_is_answered_not_paused(session: Session, case: Case, ann: Person) -> None:
    with pytest.raises(actions.Conflict, match="acknowledging"):
        tracks.pause_clock(session, case.id, "acknowledge", LIFECYCLE, who=ann, why="x", now=NOON)


def breached(session: Session, case: Case, now: datetime) -> set[str]:
    mark_breaches(session, case.id, LIFECYCLE, now=now)
    return {each.detail["clock"] for each in logged(session, case, "clock breached")}


def test_a_breach_is_marked_logged_and_told_once(session: Session, case: Case, ann: Person) -> None:
    actions.acknowledge(session, case.id, who=ann, desk=Desk.COMMS, now=NOON)
    session.commit()
    late = NOON + timedelta(minutes=16)
    assert overdue_cases(session, now=late) == [case.id]
    session.execute(text("DELETE FROM procrastinate_jobs"))
    assert mark_breaches(session, case.id, LIFECYCLE, now=late) == 2
    session.commit()
    assert mark_breaches(session, case.id, LIFECYCLE, now=late + HOUR * 0) == 0
    assert overdue_cases(session, now=late) == []
    alerts = {str(each.desk): each for each in session.exec(select(Alert))}
    assert {each.state for each in alerts.values()} == {AlertState.OPEN}
    assert alerts["comms"].raised_at == late
    assert (
        session.execute(
            text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'deliver'")
        ).scalar_one()
        >= 2
    )
    assert {each.detail["clock"] for each in logged(session, case, "clock breached")} == {
        "first_line",
        "dps_told",
    }


def test_an_old_breach_is_marked_and_wakes_nobody(session: Session, case: Case, ann: Person) -> None:
    actions.acknowledge(session, case.id, who=ann, desk=Desk.COMMS, now=NOON)
    session.commit()
    session.execute(text("DELETE FROM procrastinate_jobs"))
    assert mark_breaches(session, case.id, LIFECYCLE, now=NOON + timedelta(days=30)) > 3
    session.commit()
    assert session.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one() == 0
    assert {each.state for each in session.exec(select(Alert))} == {AlertState.ACKNOWLEDGED}


def test_two_that_look_at_once_find_a_breach_once(engine: Engine, session: Session, case: Case) -> None:
    found = []
    for _ in range(2):
        with Session(engine) as other:
            found.append(mark_breaches(other, case.id, LIFECYCLE, now=NOON + HOUR))
            other.commit()
    assert (found[0] > 0, found[1]) == (True, 0)


def test_a_case_closes_when_all_four_have_ended(session: Session, case: Case, ann: Person) -> None:
    with pytest.raises(actions.Conflict, match="Enter first what was decided: Apology"):
        move(session, case, "comms", "waived", who=ann)
    session.rollback()
    apologise(session, case, ann)
    for name in ("comms", "conduct", "oversight"):
        move(session, case, name, "waived", who=ann)
    with pytest.raises(actions.Conflict, match="Still open: community"):
        tracks.close_case(session, case.id, who=ann, why="over", now=NOON)
    move(session, case, "community", "waived", who=ann)
    tracks.close_case(session, case.id, who=ann, why="over", now=NOON)
    assert case.status == Status.CLOSED
    with pytest.raises(actions.Conflict, match="closed"):
        move(session, case, "comms", "line_to_decide", who=ann)
    actions.reopen(session, case.id, who=ann, why="It is shared again", now=NOON)
    assert move(session, case, "comms", "line_to_decide", who=ann).closed_at is None


def apologise(session: Session, case: Case, who: Person) -> None:
    prompts.answer_prompt(
        session, case.id, "apology", "Not appropriate", LIFECYCLE,
        decided_by="BCU commander", why="It was another force", who=who, now=NOON,
    )  # fmt: skip
    session.commit()


def test_no_case_is_closed_before_the_apology_is_decided(session: Session, case: Case, ann: Person) -> None:
    move(session, case, "comms", "no_line", who=ann)  # a quick decision, which needs no other
    for name in ("conduct", "oversight", "community"):
        move(session, case, name, "waived", who=ann)
    with pytest.raises(actions.Conflict, match="Apology"):
        tracks.close_case(session, case.id, who=ann, why="over", now=NOON, lifecycle=LIFECYCLE)
    session.rollback()
    apologise(session, case, ann)
    tracks.close_case(session, case.id, who=ann, why="over", now=NOON, lifecycle=LIFECYCLE)
    assert case.status == Status.CLOSED


def test_the_silence_ends_only_with_a_recorded_line(session: Session, case: Case, ann: Person) -> None:
    move(session, case, "comms", "drafting", "approved", who=ann)
    with pytest.raises(actions.Conflict, match="Record the line as issued"):
        tracks.move_track(session, case.id, TrackName.COMMS, "issued", LIFECYCLE, who=ann, now=NOON)
    for clock in ("first_line", "line_issued", "next_update"):
        with pytest.raises(actions.Conflict, match="recorded as issued"):
            tracks.meet_clock(session, case.id, clock, LIFECYCLE, who=ann, now=NOON)
    track = session.get_one(Track, (case.id, "comms"))
    assert (track.state, track.spoke_at) == ("approved", None)
    move(session, case, "comms", "no_line", who=ann)
    assert clock_of(session, case, "line_issued").stopped_by == "ann"


def test_the_standing_questions_come_with_confirming_and_go_with_its_undoing(
    session: Session, case: Case, ann: Person
) -> None:
    asked = questions.questions(session, case.id)
    assert [each.text for each in asked] == list(LIFECYCLE.questions)
    assert {each.state for each in asked} == {"not_yet"}
    actions.undo(session, case.id, who=ann, now=NOON, lifecycle=LIFECYCLE)
    assert questions.questions(session, case.id) == []


def test_undoing_a_confirming_takes_its_tracks_back_unless_someone_worked_on_them(
    session: Session, case: Case, ann: Person
) -> None:
    actions.undo(session, case.id, who=ann, now=NOON, lifecycle=LIFECYCLE)
    session.commit()
    assert [*session.exec(select(Track)), *session.exec(select(Clock))] == []
    actions.confirm(session, case.id, who=ann, now=NOON, lifecycle=LIFECYCLE)
    session.commit()
    ben = kept(session, make_person(username="ben", roles=EVERY))
    move(session, case, "comms", "drafting", who=ben)
    with pytest.raises(actions.Conflict, match="worked on the tracks"):
        actions.undo(session, case.id, who=ann, now=NOON, lifecycle=LIFECYCLE)


def test_a_case_confirmed_before_there_were_tracks_gets_them(session: Session, ann: Person) -> None:
    case = make_case(status=Status.CONFIRMED)
    session.add(case)
    session.commit()
    assert unbegun_cases(session) == [case.id]
    begin_tracks(session, case.id, LIFECYCLE, now=NOON)
    session.commit()
    assert (len(tracks.tracks_of(session, case.id)), unbegun_cases(session)) == (4, [])


def test_a_track_has_one_owner_and_the_log_says_from_whom(session: Session, case: Case, ann: Person) -> None:
    ben = kept(session, make_person(username="ben", roles=EVERY))
    tracks.take_track(session, case.id, TrackName.COMMS, who=ben, now=NOON)
    session.commit()
    tracks.take_track(session, case.id, TrackName.COMMS, who=ann, now=NOON)
    assert logged(session, case, "track taken")[-1].detail["from"] == "ben"
    with pytest.raises(actions.Conflict, match="not yours"):
        tracks.leave_track(session, case.id, TrackName.COMMS, who=ben, now=NOON)


ALLOWED = {
    Role.VIEWER: (),
    Role.TRIAGE: ("comms", "community"),
    Role.DUTY_OFFICER: ("comms", "conduct", "oversight", "community"),
    Role.APPROVER: ("comms",),
    Role.OVERSIGHT_REVIEWER: ("conduct", "oversight", "community"),
    Role.PANEL_VIEWER: (),
    Role.DPS_LIAISON: ("conduct",),
    Role.DATA_STEWARD: (),
    Role.ADMIN: (),
    Role.AUDITOR: (),
}


def test_each_role_works_on_its_own_tracks(session: Session, case: Case) -> None:
    found: dict[Role, tuple[str, ...]] = {}
    for role in Role:
        person = kept(session, make_person(roles=[role]))
        worked = []
        for name in TrackName:
            with suppress(Denied):
                tracks.take_track(session, case.id, name, who=person, now=NOON)
                worked.append(name.value)
        session.rollback()
        found[role] = tuple(worked)
    assert found == ALLOWED
