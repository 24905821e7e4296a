"""The four tracks of a confirmed case: moved by people, with clocks that start, pause, stop and breach once."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, text
from sqlmodel import Session, col, create_engine, select

from responders.figures import Period, clocks_due
from tests.conftest import LOG_KEY
from tests.databases import Databases
from tests.make import LIFECYCLE, NOON, make_alert, make_assessment, make_case, make_person, make_post
from triage import actions, tracks
from triage.body_worn import Known, note_body_worn, note_viewing, share_seen
from triage.breaches import begin_tracks, mark_breaches, overdue_cases, unbegun_cases
from triage.casework import follow
from triage.clocks import LONDON, due_at
from triage.lifecycle import LifecycleError, TrackName, read_lifecycle
from triage.overrides import override_of, set_severity, take_back_severity
from triage.permissions import Denied
from triage.prompts import answer_prompt, raise_prompt
from triage.records import Alert, AlertState, Case, Clock, Desk, LogEntry, Membership, Person, Role, Status
from triage.track_records import BodyWornVideo, Prompt, Track

CONFIG = Path(__file__).resolve().parents[2] / "config"
HOUR = timedelta(hours=1)
EVERY = [Role.DUTY_OFFICER, Role.OVERSIGHT_REVIEWER, Role.APPROVER]


@pytest.fixture
def ann(session: Session) -> Person:
    return kept(session, make_person(username="ann", name="Ann Kerr", roles=EVERY))


@pytest.fixture
def case(session: Session, ann: Person) -> Case:
    return confirmed(session, ann)


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
        moved = tracks.move_track(session, case.id, TrackName(track), state, LIFECYCLE, who=who, **given)
        session.commit()
    return moved


def clock_of(session: Session, case: Case, name: str) -> Clock:
    return session.exec(select(Clock).where(Clock.case_id == case.id, Clock.name == name)).one()


def logged(session: Session, case: Case, what: str) -> list[LogEntry]:
    session.commit()
    asked = select(LogEntry).where(LogEntry.case_id == case.id, LogEntry.what == what)
    return list(session.exec(asked.order_by(col(LogEntry.seq))))


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
    assert (line.who, line.why, line.detail["from"], line.detail["to"]) == (
        "ann",
        "as agreed",
        "approved",
        "issued",
    )


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
        move(session, case, "comms", "issued", who=ann)
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
    figures = {each.name: each for each in clocks_due(session, Period(NOON, NOON + timedelta(days=2)))}
    late = {name: [row.late_by for row in figure.rows] for name, figure in figures.items()}
    assert late["family_contact"] == [None]
    assert late["dps_told"] == [timedelta(days=2) - timedelta(minutes=15)]


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


def test_what_fits_is_asked_and_a_person_enters_the_decision(session: Session, ann: Person) -> None:
    case = confirmed(session, ann, severity_parts={"triggers": ["death"], "conduct": 1.0})
    asked = set(session.exec(select(Prompt.name)))
    assert asked == {"critical_incident", "death_or_serious_injury"}
    assert clock_of(session, case, "referral_decision").due_at == datetime(2026, 7, 15, 23, tzinfo=UTC)
    given: dict[str, Any] = {"decided_by": "DPS", "why": "Criteria met", "who": ann, "now": NOON + HOUR}
    with pytest.raises(actions.Conflict, match="Names are not entered"):
        answer_prompt(
            session,
            case.id,
            "death_or_serious_injury",
            "Referred",
            LIFECYCLE,
            **{**given, "decided_by": "A. Name"},
        )
    session.rollback()
    answer_prompt(session, case.id, "death_or_serious_injury", "Referred", LIFECYCLE, **given)
    assert clock_of(session, case, "referral_decision").stopped_by == "ann"
    [line] = logged(session, case, "decision entered")
    assert line.detail == {"prompt": "death_or_serious_injury", "answer": "Referred", "decided_by": "DPS"}


def test_a_label_in_one_post_asks_about_discrimination(session: Session, ann: Person) -> None:
    case = make_case(severity=3)
    post = make_post()
    session.add_all([case, post, make_assessment(post, labels={"allegation:discrimination": 0.8})])
    session.flush()
    session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
    session.commit()
    actions.confirm(session, case.id, who=ann, now=NOON, lifecycle=LIFECYCLE)
    session.commit()
    assert session.exec(select(Prompt)).one().because == "discrimination alleged"


def test_a_person_asks_what_the_machine_did_not(session: Session, ann: Person) -> None:
    case = confirmed(session, ann, severity=3)
    assert session.exec(select(Prompt)).all() == []
    raise_prompt(session, case.id, "discrimination", LIFECYCLE, who=ann, why="The family says so", now=NOON)
    assert clock_of(session, case, "referral_decision").stopped_at is None
    with pytest.raises(actions.Conflict, match="stands on this case"):
        raise_prompt(session, case.id, "discrimination", LIFECYCLE, who=ann, why="again", now=NOON)


def test_body_worn_video_is_a_reference_and_never_a_link(session: Session, case: Case, ann: Person) -> None:
    for link in (
        "https://video.example/1",
        "www.video.example",
        "//server/share/1",
        "clip.mp4",
        r"\\server\share",
    ):
        with pytest.raises(actions.Conflict, match="never reached from here"):
            note_body_worn(session, case.id, Known("yes", reference=link), who=ann, now=NOON)
        session.rollback()
    with pytest.raises(actions.Conflict, match="Enter first"):
        note_viewing(session, case.id, "Supervisor", LIFECYCLE, who=ann, now=NOON)
    session.rollback()
    note_body_worn(
        session, case.id, Known("yes", "BWV/2026/0012", "At the stop", "30 s later", 600), who=ann, now=NOON
    )
    session.commit()
    with pytest.raises(actions.Conflict, match="Look again"):
        note_body_worn(session, case.id, Known("no"), who=ann, version=0, now=NOON)
    session.rollback()
    note_viewing(session, case.id, "Supervisor", LIFECYCLE, who=ann, now=NOON)
    session.commit()
    assert session.exec(select(BodyWornVideo)).one().viewings == [
        {"role": "Supervisor", "at": NOON.isoformat()}
    ]
    assert "BWV/2026" not in str([each.detail for each in session.exec(select(LogEntry))])


@pytest.mark.parametrize(
    ("clip", "encounter", "said"),
    [(None, 60, ""), (30, None, ""), (30, 600, "5% of the encounter"), (1, 600, "under 1% of the encounter"),
     (600, 600, "as long as the encounter")],
)  # fmt: skip
def test_how_much_of_an_encounter_a_clip_can_show(
    clip: float | None, encounter: int | None, said: str
) -> None:
    assert share_seen(clip, encounter) == said


def test_a_severity_is_set_with_a_reason_and_taken_back(session: Session, ann: Person) -> None:
    case = confirmed(session, ann, severity=3)
    actions.acknowledge(session, case.id, who=ann, desk=Desk.COMMS, now=NOON)
    session.commit()
    with pytest.raises(actions.Conflict, match="Say why"):
        set_severity(session, case.id, 1, LIFECYCLE, who=ann, why="", now=NOON)
    session.rollback()
    set_severity(session, case.id, 1, LIFECYCLE, who=ann, why="An MP has called", now=NOON)
    session.commit()
    said = override_of(session, case)
    assert said == ("ann", NOON, "An MP has called", 3, 1)
    assert clock_of(session, case, "first_line").due_at == NOON + timedelta(minutes=15)
    assert session.exec(select(Alert)).one().state == AlertState.OPEN
    take_back_severity(session, case.id, LIFECYCLE, who=ann, now=NOON)
    session.commit()
    assert (case.severity, case.severity_computed, override_of(session, case)) == (3, None, None)


def test_a_lighter_severity_leaves_what_runs(session: Session, case: Case, ann: Person) -> None:
    due = clock_of(session, case, "first_line").due_at
    set_severity(session, case.id, 4, LIFECYCLE, who=ann, why="It is a film set", now=NOON)
    session.commit()
    assert clock_of(session, case, "first_line").due_at == due


@pytest.mark.parametrize(
    ("now", "written", "due"),
    [
        # the clocks go back on 25 October 2026: a day of 25 hours
        (datetime(2026, 10, 24, 12, tzinfo=UTC), "72h", datetime(2026, 10, 27, 12, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), "end-of-next-day", datetime(2026, 10, 26, 0, tzinfo=UTC)),
        # and forward on 28 March 2027
        (datetime(2027, 3, 27, 23, 30, tzinfo=UTC), "by-day", datetime(2027, 3, 28, 6, 30, tzinfo=UTC)),
        (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), "60m", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        # Thursday before Easter, to Tuesday
        (datetime(2026, 4, 2, 18, tzinfo=UTC), "next-working-day", datetime(2026, 4, 7, 9, tzinfo=UTC)),
        (datetime(2026, 4, 2, 18, tzinfo=UTC), "end-of-working-day", datetime(2026, 4, 7, 17, tzinfo=UTC)),
        # Boxing Day 2026 is a Saturday: its Monday is a holiday too
        (datetime(2026, 12, 24, 12, tzinfo=UTC), "next-working-day", datetime(2026, 12, 29, 10, tzinfo=UTC)),
        (datetime(2026, 7, 17, 16, 59, tzinfo=UTC), "end-of-working-day", datetime(2026, 7, 17, 17, tzinfo=UTC)),
        # a referral does not wait for a working day
        (datetime(2026, 12, 24, 12, tzinfo=UTC), "end-of-next-day", datetime(2026, 12, 26, 0, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_when_something_is_due(now: datetime, written: str, due: datetime) -> None:
    assert due_at(written, now, LIFECYCLE.bank_holidays) == due
    assert due_at(written, now.astimezone(LONDON), LIFECYCLE.bank_holidays) == due


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (
            'to = ["drafting", "no_line", "waived"]',
            'to = ["drafting", "nowhere"]',
            "there is no state 'nowhere'",
        ),
        ('to = ["done"] }', 'to = ["actions"] }', "no end can be reached"),
        ('name = "community"', 'name = "press"', "track.3.name"),
        ('due = { 1 = "15m" }', 'due = { 1 = "soon" }', "write a length such as 15m"),
        ('ends = ["account_in"]', 'ends = ["account"]', "'account' is no state of its track"),
        ('name = "next_update"', 'name = "first_line"', "there are two of this name"),
        ('by = "end-of-next-day"', "", "clock and by go together"),
        ('name = "chair_told"', 'name = "chair"', "'chair_told': it must be there"),
        ("alert_to = 3", "alert_to = 3\nloud = true", "breach.loud"),
    ],
)
def test_a_wrong_file_is_refused_with_place_and_reason(
    tmp_path: Path, was: str, becomes: str, said: str
) -> None:
    path, whole = tmp_path / "tracks.toml", (CONFIG / "tracks.toml").read_text(encoding="utf-8")
    assert was in whole
    path.write_text(whole.replace(was, becomes, 1), encoding="utf-8")
    with pytest.raises(LifecycleError, match=r"tracks\.toml") as refused:
        read_lifecycle(path)
    assert said in str(refused.value)


class Lifecycles(RuleBasedStateMachine):
    """People and the machine act on one case in any order, sensible or not."""

    engine: Engine

    @initialize()
    def begin(self) -> None:
        self.now = NOON
        self.first_due: dict[tuple[str, datetime], datetime] = {}
        self.told: dict[tuple[str, datetime], int] = {}
        self.session = Session(self.engine, expire_on_commit=False)
        self.ann = kept(self.session, make_person(roles=EVERY))
        self.case = confirmed(self.session, self.ann)
        self._note_dues()

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.close()

    def _try(self, act: Any, *given: Any, **more: Any) -> None:
        try:
            act(self.session, self.case.id, *given, who=self.ann, now=self.now, **more)
            self.session.commit()
        except actions.Conflict:
            self.session.rollback()
        self._note_dues()

    def _note_dues(self) -> None:
        for each in self._clocks():
            self.first_due.setdefault(
                (each.name, each.started_at), each.due_at - timedelta(seconds=each.paused_s)
            )

    def _clocks(self) -> list[Clock]:
        asked = select(Clock).where(Clock.case_id == self.case.id)
        return list(self.session.scalars(asked.execution_options(populate_existing=True)))

    @rule(hours=st.integers(0, 30))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours, seconds=1)

    @rule(name=st.sampled_from(TrackName), pick=st.integers(0, 8), why=st.sampled_from(["", "agreed"]))
    def move(self, name: TrackName, pick: int, why: str) -> None:
        states = list(LIFECYCLE.plan(name).states)
        self._try(tracks.move_track, name, states[pick % len(states)], LIFECYCLE, why=why)

    @rule(name=st.sampled_from(TrackName), pick=st.integers(0, 3))
    def move_on(self, name: TrackName, pick: int) -> None:
        here = next(each.state for each in tracks.tracks_of(self.session, self.case.id) if each.name == name)
        to = LIFECYCLE.plan(name).state(here).to
        self._try(tracks.move_track, name, to[pick % len(to)], LIFECYCLE, why="agreed")

    @rule(
        clock=st.sampled_from([each.name for each in LIFECYCLE.clock]),
        act=st.sampled_from(["pause", "resume", "meet"]),
    )
    def touch_clock(self, clock: str, act: str) -> None:
        if act == "pause":
            self._try(tracks.pause_clock, clock, LIFECYCLE, why="waiting for another force")
        else:
            self._try(tracks.resume_clock if act == "resume" else tracks.meet_clock, clock, LIFECYCLE)

    @rule()
    def the_tick(self) -> None:
        mark_breaches(self.session, self.case.id, LIFECYCLE, now=self.now)
        self.session.commit()

    @rule()
    def dismiss_and_reopen(self) -> None:
        self._try(actions.dismiss, status=Status.NOISE, why="a film")
        self._try(actions.reopen, why="not a film")

    @precondition(lambda self: hasattr(self, "case"))
    @rule()
    def close(self) -> None:
        self._try(tracks.close_case, why="over")
        self._try(actions.reopen, why="shared again")

    @invariant()
    def every_track_is_in_one_known_state(self) -> None:
        if not hasattr(self, "case"):
            return
        found = tracks.tracks_of(self.session, self.case.id)
        assert [each.name for each in found] == list(TrackName)
        for each in found:
            state = LIFECYCLE.plan(TrackName(each.name)).states[each.state]
            assert (each.closed_at is not None) is state.end

    @invariant()
    def no_clock_runs_on_a_track_that_has_ended(self) -> None:
        if not hasattr(self, "case"):
            return
        ended = {each.name for each in tracks.tracks_of(self.session, self.case.id) if each.closed_at}
        running = {LIFECYCLE.track_of(each.name) for each in self._clocks() if each.stopped_at is None}
        assert not ended & running

    @invariant()
    def pauses_add_up(self) -> None:
        if not hasattr(self, "case"):
            return
        for each in self._clocks():
            stood = timedelta(seconds=each.paused_s)
            assert each.due_at == self.first_due[each.name, each.started_at] + stood
            assert each.paused_at is None or each.stopped_at is None

    @invariant()
    def a_breach_is_logged_once(self) -> None:
        if not hasattr(self, "case"):
            return
        asked = select(LogEntry).where(LogEntry.case_id == self.case.id, LogEntry.what == "clock breached")
        told = [(each.detail["clock"], each.detail["due_at"]) for each in self.session.scalars(asked)]
        assert len(told) == len(set(told))


def test_no_order_of_acts_breaks_a_lifecycle(databases: Databases) -> None:
    with databases.one() as url:
        Lifecycles.engine = create_engine(url, execution_options={"log_key": LOG_KEY})
        try:
            run_state_machine_as_test(
                Lifecycles,
                settings=settings(
                    max_examples=8, stateful_step_count=14, deadline=None,
                    suppress_health_check=list(HealthCheck), database=None,
                ),
            )  # fmt: skip
        finally:
            Lifecycles.engine.dispose()


@given(st.integers(1, 5), st.integers(1, 5), st.lists(st.integers(1, 5), max_size=6))
def test_what_a_person_said_stays_until_posts_are_graver_than_both(
    computed: int, said: int, found: list[int]
) -> None:
    case = make_case(severity=said, severity_computed=computed)
    for level in found:
        follow(case, level)
    grave = [level for level in found if level < min(computed, said)]
    assert case.severity == min([said, *grave])
    assert (case.severity_computed is None) is bool(grave)
    if not grave:
        assert case.severity_computed == min([computed, *found])
