"""When things are due, a file of tracks that is wrong, and that no order of acts breaks a lifecycle."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine
from sqlmodel import Session, create_engine, select

from tests.conftest import LOG_KEY
from tests.databases import Databases
from tests.make import LIFECYCLE, NOON, make_person
from tests.triage.confirmed import EVERY, confirmed, kept
from triage import actions, tracks
from triage.breaches import mark_breaches
from triage.clocks import LONDON, due_at
from triage.lifecycle import LifecycleError, TrackName, read_lifecycle
from triage.records import Clock, LogEntry, Status

CONFIG = Path(__file__).resolve().parents[2] / "config"


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
