"""The desk of an exercise: the usual pages, with the exercise's own, served beside the rounds by a thread."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Thread

import uvicorn

from config.cli import Complaint
from config.exercise.drafting import spoken_facts
from config.exercise.play import Play
from config.exercise.runs import Run, runs
from config.exercise.slack import Workspace
from config.parts.web import STREAMS_END_WITHIN_S, desk_of
from triage.web.drill import Earlier, Exercise, Marked, Noted, Said, Standing, Told

STARTS_WITHIN_S = 30.0
SHOWN = 40


class Shown:
    """What the page of the exercise shows, put together when it is asked for."""

    def __init__(self, play: Play, run: Run, workspace: Workspace) -> None:
        self.play, self.run, self.workspace = play, run, workspace
        self.begun = False

    def exercise(self) -> Exercise:
        script = self.play.script
        return Exercise(
            title=script.title,
            brief=script.brief.strip().replace("\n", " "),
            minutes=script.minutes,
            standing=self.standing,
            rate=lambda: self.play.clock.rate,
            begin=self.begin,
            keep_note=lambda who, words: self.run.note(who, words, self.play.clock()),
        )

    def begin(self) -> None:
        self.begun = True
        self.play.clock.begin()

    def standing(self) -> Standing:
        minute, held = self.play.clock.minute, self.run.held
        return Standing(
            begun=self.begun,
            over=held["points"] is not None,
            minute=int(minute),
            posts=self.play.poured,
            told=tuple(
                Told(each.at, each.sender, each.title, each.text, spoken_facts(self.play, each))
                for each in (self.play.injects(minute) if self.begun else [])
            ),
            said=tuple(
                Said(
                    each["at"],
                    each["channel"],
                    str(each.get("text", "")),
                    each["edits"],
                    bool(each.get("thread_ts")),
                )
                for each in self.workspace.messages()[: -SHOWN - 1 : -1]
            ),
            points=held["points"],
            marks=tuple(Marked(**each) for each in held["marks"]),
            notes=tuple(Noted(each["who"], each["words"]) for each in held["notes"]),
            earlier=tuple(
                Earlier(datetime.fromisoformat(each["played_at"]), each["points"], each["who"], each["seed"])
                for each in runs(self.run.path.parent, held["name"])
                if each["played_at"] != held["played_at"]
            ),
        )


@contextmanager
def served(play: Play, shown: Shown) -> Iterator[str]:
    """The desk, and its address. Raises Complaint when it does not come up."""
    web = play.house.settings.web
    server = uvicorn.Server(
        uvicorn.Config(
            desk_of(play.house._replace(clock=play.clock), shown.exercise()),
            host=web.host,
            port=web.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STREAMS_END_WITHIN_S,
        )
    )
    thread = Thread(target=server.run, name="desk", daemon=True)
    thread.start()
    try:
        deadline_s = time.monotonic() + STARTS_WITHIN_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline_s:
                raise Complaint(
                    f"the desk of the exercise does not come up on port {web.port}; "
                    "choose another with GOLDENHOUR_EXERCISE__PORT"
                )
            time.sleep(0.05)
        yield play.house.settings.address
    finally:
        server.should_exit = True
        thread.join(timeout=10)
