"""Draining: working until nothing is left to do, for commands that end, such as `goldenhour ingest`."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import NamedTuple, TypeVar

import structlog
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from config.beats import BEAT_EVERY_S, Beat, beats
from config.cli import Complaint
from config.database import Server
from config.settings import Settings
from config.supervise import Part, goldenhour, supervise

log = structlog.get_logger()

T = TypeVar("T")

DRAINED = ("assess", "route", "respond")
LOOK_EVERY_S = 0.25
SAY_EVERY_S = 10.0
TOO_MANY_DEATHS = 4

# Jobs that are to be tried later, such as a message to a channel that is down, are left to the service.
LEFT = text(
    """
    SELECT count(*), coalesce(sum(jsonb_array_length(args->'posts')), 0) FROM procrastinate_jobs
    WHERE queue_name = ANY(:queues) AND status IN ('todo', 'doing') AND coalesce(scheduled_at, now()) <= now()
    """
)


class Left(NamedTuple):
    """What is still to be done now. `posts` counts a post once for each stage it waits for."""

    jobs: int
    posts: int


def left(engine: Engine, queues: Sequence[str] = DRAINED) -> Left:
    with engine.connect() as connection:
        row = connection.execute(LEFT, {"queues": list(queues)}).one()
        return Left(int(row[0]), int(row[1]))


def service_works(engine: Engine, *, now: datetime) -> bool:
    """Whether some machine's workers have been heard of lately."""
    heard = now - timedelta(seconds=3 * BEAT_EVERY_S)
    return any(beat.part.startswith("work") and beat.at > heard for beat in beats(engine))


def work_until_empty(settings: Settings, engine: Engine, *, quiet: bool = False) -> None:
    """Return when the assess, route and respond queues hold nothing more to do now.

    A running service does the work, and this only waits; without one, workers run for as long as it takes.
    Raises Complaint when the workers do not stay up.
    """
    with _Progress(quiet) as progress:
        while left(engine).jobs:
            if service_works(engine, now=datetime.now(UTC)):
                _wait(engine, progress)
            else:
                _work(settings, engine, progress)


def work_along(settings: Settings, engine: Engine, act: Callable[[Event], T]) -> T:
    """Do something, and what it leaves to be done meanwhile; then return what it gave, or raise what it raised.

    A running service does the work; without one, workers run for as long as it takes. `act` is told by the event
    to end early.
    """
    stop = Event()
    if service_works(engine, now=datetime.now(UTC)):
        return act(stop)
    with ThreadPoolExecutor(1, thread_name_prefix="act") as pool, _Progress(quiet=True) as progress:
        acting = pool.submit(act, stop)
        try:
            _work(settings, engine, progress, until=acting.done)
        finally:
            stop.set()
        return acting.result()


def worker(name: str, *queues: str, **environment: str) -> Part:
    """A part that works through these queues."""
    chosen = [each for queue in queues for each in ("--queue", queue)]
    return Part(name, goldenhour("work", "--attended", "--name", name, *chosen), **environment)


def _wait(engine: Engine, progress: "_Progress") -> None:
    for _ in range(int(BEAT_EVERY_S / LOOK_EVERY_S)):
        remaining = left(engine)
        if not remaining.jobs:
            return
        progress.say(remaining)
        time.sleep(LOOK_EVERY_S)


def _work(
    settings: Settings, engine: Engine, progress: "_Progress", until: Callable[[], bool] = lambda: True
) -> None:
    """Workers of our own, until nothing is left and `until` agrees."""
    calm = {"GOLDENHOUR_LOG_LEVEL": "warning"}
    parts = [worker("work-1", "route", "respond", **calm)]
    parts += [worker(f"work-{number}", "assess", **calm) for number in range(2, settings.workers + 2)]
    with interrupted() as asked:
        supervise(
            parts,
            until=lambda: asked.is_set() or (_done(engine, parts, progress) and until()),
            mend=Server(settings).mend,
            beats=lambda: _beats(engine),
            started=lambda _parts: None,
        )


@contextmanager
def interrupted() -> Iterator[Event]:
    """An event that Ctrl-C sets; afterwards KeyboardInterrupt is raised when it was. Pressed twice, it ends at once.

    Raised where it falls, the interrupt is lost when that is in a finaliser, and the work would go on for ever.
    """
    asked = Event()
    if threading.current_thread() is not threading.main_thread():  # signals are for the main thread alone
        yield asked
        return

    def ask(_number: int, _frame: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
    if asked.is_set():
        raise KeyboardInterrupt


def _done(engine: Engine, parts: Sequence[Part], progress: "_Progress") -> bool:
    tired = next((part for part in parts if part.young_deaths >= TOO_MANY_DEATHS), None)
    if tired:
        raise Complaint(f"{tired.name} does not stay up, so posts stay waiting; its lines above say why")
    time.sleep(LOOK_EVERY_S)
    try:
        remaining = left(engine)
    except SQLAlchemyError:
        return False
    progress.say(remaining)
    return remaining.jobs == 0


def _beats(engine: Engine) -> list[Beat] | None:
    try:
        return beats(engine)
    except SQLAlchemyError:
        return None


class _Progress:
    """What is left: a line that changes on a terminal, else one line every ten seconds; on stderr."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.next_s = time.monotonic() + SAY_EVERY_S
        self.bar: Progress | None = None

    def __enter__(self) -> "_Progress":
        if not self.quiet and sys.stderr.isatty():
            columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.bar.add_task("working")
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def say(self, remaining: Left) -> None:
        words = f"working: {remaining.posts:,} posts in {remaining.jobs:,} jobs still to go"
        if self.bar:
            self.bar.update(self.bar.task_ids[0], description=words)
        elif not self.quiet and time.monotonic() > self.next_s:
            self.next_s = time.monotonic() + SAY_EVERY_S
            print(words, file=sys.stderr, flush=True)
