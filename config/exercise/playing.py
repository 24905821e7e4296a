"""Playing an exercise from start to score: by people at a desk of its own, or by a scripted team alone."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import Any, NamedTuple

from sqlmodel import Session

from config.exercise.clock import AHEAD, Clock
from config.exercise.desk import Shown, served
from config.exercise.drafting import Pen
from config.exercise.play import Play
from config.exercise.runs import Run
from config.exercise.score import Scorer
from config.exercise.script import Script
from config.exercise.slack import mock_slack
from config.exercise.stage import own_settings, runs_folder, stage
from config.exercise.team import PRESS, SEATS, Reactions, Team
from config.exercise.telling import tell
from config.settings import Settings
from triage.people import make_link

STEP = 2.0  # minutes of the exercise between two rounds that nobody waits for
NAP_S = 0.25
BEAT_S = 2.0
LINK_LASTS = timedelta(days=2)


class Manner(NamedTuple):
    """How an exercise is played. Without a `speed` it is played as fast as it is read, and only by the script.
    `robot`: the script plays every seat; `team`: people play every seat, else only the press officer's.
    """

    seed: int = 1
    speed: float | None = None
    robot: bool = False
    team: bool = False
    size: float = 1.0
    step: float = STEP
    reactions: Reactions | None = None

    @property
    def seats(self) -> frozenset[str]:
        """Those that the script plays."""
        if self.robot:
            return frozenset(SEATS)
        return frozenset() if self.team else frozenset(SEATS) - {PRESS}


class Opened(NamedTuple):
    """The desk of an exercise: its address, and a one-time link for each seat that people play."""

    address: str
    links: Mapping[str, str]


def play_exercise(
    live: Settings,
    script: Script,
    manner: Manner,
    *,
    on: date,
    opened: Callable[[Opened], None] = lambda _opened: None,
    told: Callable[[str], None] = lambda _words: None,
    leave: Event,
) -> dict[str, Any]:
    """The run with its score. With a desk (a `speed` is given) it is shown until `leave` is set."""
    clock = Clock(script.starts, on, speed=manner.speed)
    with ExitStack() as stack:
        workspace, address = stack.enter_context(mock_slack(clock))
        settings = own_settings(live, slack=address, port=live.exercise.port)
        told("making the stage")
        engine = stack.enter_context(stage(settings))
        play = Play(settings, engine, script, tell(script, seed=manner.seed, size=manner.size), clock)
        team = Team(play, seats=manner.seats, reactions=manner.reactions)
        pen = Pen(team)
        told("loading the model")
        play.prepare()
        stack.callback(play.close)
        team.arrive()
        play.acts = (team.act, pen.act)
        who = "robot" if manner.robot else "team" if manner.team else "press officer"
        run = Run(
            runs_folder(live), script.name, datetime.now(UTC), title=script.title, seed=manner.seed,
            speed=manner.speed, size=manner.size, who=who,
        )  # fmt: skip
        shown = Shown(play, run, workspace)
        if manner.speed is None:
            _hurry(play, manner.step, told, leave)
        else:
            at = stack.enter_context(served(play, shown))
            opened(Opened(at, _links(team, at, manner)))
            if manner.robot:
                shown.begin()
            _keep_up(play, leave)
        _score(play, team, run)
        if manner.speed is not None:
            _stay(play, leave, told)
        return run.held


def _hurry(play: Play, step: float, told: Callable[[str], None], leave: Event) -> None:
    """Round after round, each `step` minutes on, until it is over or somebody leaves."""
    while not play.over and not leave.is_set():
        play.clock.set(min(play.clock.minute + step, play.script.minutes))
        play.round()
        told(f"minute {play.clock.minute:.0f} of {play.script.minutes}, {play.poured:,} posts")


def _keep_up(play: Play, leave: Event) -> None:
    """Round after round as time passes, until it is over or somebody leaves. Signs of life go by the exercise's clock:
    at a high speed a few seconds are minutes on the pages."""
    next_beat = 0.0
    while not play.over and not leave.is_set():
        play.round()
        if play.clock.minute >= next_beat:
            play.beat()
            next_beat = play.clock.minute + AHEAD
        leave.wait(NAP_S)
    play.clock.stop(play.script.minutes)


def _stay(play: Play, leave: Event, told: Callable[[str], None]) -> None:
    """Keep the desk open on the score, for people to read and to note what they learnt."""
    told("it is over: the score stands on the page; Ctrl-C ends it")
    while not leave.wait(BEAT_S):
        play.beat()


def _score(play: Play, team: Team, run: Run) -> None:
    with Session(play.house.engine) as session:
        scorer = Scorer(session, play.script, play.held, play.clock.start, play.clock())
        found = scorer.score()
    run.scored(found.as_json(), posts=play.poured, stored=play.stored, refused=dict(team.refused))


def _links(team: Team, address: str, manner: Manner) -> dict[str, str]:
    """A one-time link for each seat that people play; to look on, where the script plays all of them."""
    seats = [each for each in SEATS if each not in manner.seats] or [PRESS]
    with Session(team.play.house.engine) as session:
        links = {
            seat: make_link(
                session, session.merge(team.people[seat]), now=team.play.clock(), lasts=LINK_LASTS
            )
            for seat in seats
        }
        session.commit()
    return {SEATS[seat][0]: f"{address}/sign-in/{token}" for seat, token in links.items()}
