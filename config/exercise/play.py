"""A play: one exercise under way. Round by round posts come in, jobs are done, ticks tick, messages go to the mock.

All of it happens in this process and goes by the exercise's clock, so that a script plays in minutes or in seconds and
the same seed plays the same.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.batch import Batch
from collector.collect import collect
from collector.months import make_months
from collector.records import Grade, SourceRow
from config.beats import beat
from config.exercise.clock import AHEAD, Clock
from config.exercise.script import Inject, Script
from config.exercise.slack import Marked
from config.exercise.telling import PLATFORMS, Told, item_of
from config.queues.collect import author_key, prefilter_of
from config.service import House, Task, tasks_of
from config.settings import Settings
from config.slack import channels_of
from config.ticks import TICKS
from responders.deliver import Sender
from responders.outbox import channels_with_work

PLAYED = ("assess", "route", "respond", "claims")
TICKED = {"clocks", "alerts", "growth", "posts of a flood", "edits", "lines"}
PARTS = ("web", "schedule", "listen", "work-1", "work-2")
BATCH = 500
TURNS = 200  # messages in one round, at most

NEXT = text("""
    SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = ANY(:queues)
    ORDER BY priority DESC, id LIMIT 1
""")
DONE = text("DELETE FROM procrastinate_jobs WHERE id = :id")
ASKED = text(
    "UPDATE sources SET last_tried_at = :now, last_success_at = :now, newest_at = :now, due_at = :later"
)
UNPLAYED = text("DELETE FROM procrastinate_jobs WHERE queue_name <> ALL(:queues)")


class Held(NamedTuple):
    """What the world of the exercise holds and the team has to find: every post by its external id."""

    told: Sequence[Told]
    run: str

    def truth(self, external_id: str) -> Told | None:
        run, _, number = external_id.rpartition("/")
        return self.told[int(number)] if run == self.run and number.isdigit() else None


class Play:
    """An exercise from its first post to its last minute. `acts` are what a team does by itself in each round."""

    def __init__(
        self, settings: Settings, engine: Engine, script: Script, told: Sequence[Told], clock: Clock
    ) -> None:
        self.script, self.clock, self.now = script, clock, clock()
        self.house = House(settings, engine, lambda: self.now)
        self.held = Held(told, script.name)
        self.prefilter = prefilter_of(settings)
        self.poured = 0
        self.stored = 0
        self.tasks: dict[str, Task] = {}
        self.ticked: dict[str, datetime] = {}
        self.sender: Sender | None = None
        self.acts: Sequence[Callable[[datetime], None]] = ()

    @property
    def over(self) -> bool:
        return self.clock.minute >= self.script.minutes

    def injects(self, minute: float) -> list[Inject]:
        """What the players have been told so far, the latest first."""
        return sorted((each for each in self.script.inject if each.at <= minute), key=lambda each: -each.at)

    def prepare(self) -> None:
        """What must be there before the first post. Loading the model takes some seconds."""
        now, house = self.now, self.house
        with Session(house.engine) as session:
            make_months(session, now=now)
            session.add_all(_source(name, now) for name in self._platforms())
            session.commit()
        self.sender = self._sender()
        for queue in PLAYED:
            self.tasks |= tasks_of(queue, house)
        self.beat()

    def round(self) -> None:
        """Everything that is due at this moment, all of it played at one moment."""
        now = self.now = self.clock.turn()
        self._pour(now)
        self._work()
        self._tick(now)
        for act in self.acts:
            act(now)
        self._work()
        self._say()

    def _tick(self, now: datetime) -> None:
        for tick in TICKS:
            last = self.ticked.get(tick.name)
            if tick.name in TICKED and (last is None or now - last >= timedelta(seconds=tick.every_s)):
                self.ticked[tick.name] = now
                tick.act(self.house, now)

    def beat(self) -> None:
        """Say that all parts are alive and no source is silent, for the pages: in an exercise one process is all."""
        now, ahead = self.clock(), timedelta(minutes=2 * AHEAD)
        for part in PARTS:
            beat(self.house.engine, part, now=now + ahead, state="ok")
        with self.house.engine.begin() as connection:
            connection.execute(ASKED, {"now": now, "later": now + timedelta(days=1)})

    def close(self) -> None:
        if self.sender is not None:
            self.sender.close()

    def _pour(self, now: datetime) -> None:
        """Take in every post whose moment has come."""
        until_s = (now - self.clock.start).total_seconds()
        due: list[Told] = []
        while self.poured < len(self.held.told) and self.held.told[self.poured].at_s <= until_s:
            due.append(self.held.told[self.poured])
            self.poured += 1
        settings = self.house.settings
        key = author_key(settings)
        for source in sorted({each.platform for each in due}):
            told = [each for each in due if each.platform == source]
            for start in range(0, len(told), BATCH):
                items = [
                    item_of(each, self.script.name, self.clock.start + timedelta(seconds=each.at_s))
                    for each in told[start : start + BATCH]
                ]
                with Session(self.house.engine) as session:
                    found = collect(
                        session, _name(source), Batch(items=items), self.prefilter, author_key=key, now=now
                    )
                    session.commit()
                self.stored += found.stored

    def _work(self) -> None:
        """Do every job there is, one after the other; files are not fetched, because there are none."""
        queues = list(PLAYED)
        with Session(self.house.engine) as session:
            session.execute(UNPLAYED, {"queues": queues})
            session.commit()
            while (job := session.execute(NEXT, {"queues": queues}).one_or_none()) is not None:
                session.commit()
                self._do(job.task_name, job.args)
                session.execute(DONE, {"id": job.id})
                session.commit()

    def _do(self, name: str, arguments: dict[str, Any]) -> None:
        if name == "deliver" and self.sender is not None:
            self.sender.deliver(arguments["alert"])
        else:
            self.tasks[name].work(**arguments)

    def _say(self) -> None:
        if self.sender is None:
            return
        with Session(self.house.engine) as session:
            waiting = channels_with_work(session, before=self.now)
        for channel in waiting:
            for _ in range(TURNS):
                if not self.sender.step(channel):
                    break

    def _sender(self) -> Sender:
        slack = self.house.settings.slack
        token = slack.token.get_secret_value() if slack.token else ""
        return Sender(
            self.house.engine,
            Marked(token, slack.base_url, slack.timeout_s),
            channels_of(self.house),
            slack,
            desk_url=self.house.settings.address,
            clock=self.house.clock,
            owner="exercise",
        )

    def _platforms(self) -> list[str]:
        return sorted({*PLATFORMS, *(each.platform for each in self.script.single)})


def _name(platform: str) -> str:
    return f"exercise-{platform}"


def _source(platform: str, now: datetime) -> SourceRow:
    """A place that nobody visits: the script brings what it shows."""
    return SourceRow(
        name=_name(platform),
        kind="feed",
        url=f"https://posts.example/{platform}",
        every_s=60,
        boroughs=["London"],
        grade=Grade.C,
        basis="an exercise, made up",
        enabled=True,
        due_at=now,
        last_success_at=now,
    )
