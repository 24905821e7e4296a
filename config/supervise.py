"""A part: one process of the service. Here parts are kept alive: restarted when they die or fall silent.

Each part's standard input is a pipe that only we hold open: when we die, however we die, it ends,
and the part ends itself (`Attended`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread, Timer
from typing import NamedTuple

import structlog

from config.beats import SILENT_AFTER_S, Beat

log = structlog.get_logger()

LOOK_EVERY_S = 0.25
BEATS_EVERY_S = 5.0
SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
SETTLED_AFTER_S = 60.0
ENDS_WITHIN_S = 8.0

# Two processes that each start a thread a core for every matrix product are three times slower than two threads.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"
)


def goldenhour(*arguments: str) -> list[str]:
    """The command line that runs one of our own commands, whatever folder we are in."""
    return [sys.executable, "-P", "-m", "config.cli", *arguments]


class Seen(NamedTuple):
    """The last beat of a process and when we saw it change, on a clock that stands still in sleep."""

    at: object
    seen_s: float


class Part:
    """One process and its restarts. Pauses between restarts double up to half a minute."""

    def __init__(self, name: str, command: Sequence[str], **environment: str) -> None:
        self.name = name
        self.command = list(command)
        self.environment = {**ONE_THREAD, **environment}
        self.process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        self.again_s = 0.0
        self.pause_s = SHORTEST_PAUSE_S
        self.young_deaths = 0
        self.seen = Seen(None, 0.0)

    def start(self, alive_pipe: int, now_s: float) -> None:
        self.process = subprocess.Popen(
            self.command,
            stdin=alive_pipe,
            stdout=sys.stderr,
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop the parts in order
            env={**os.environ, **self.environment},
        )
        self.started_s = now_s
        self.seen = Seen(None, now_s)
        log.info("part started", name=self.name, process=self.process.pid)

    def look(self, alive_pipe: int, now_s: float) -> None:
        """Start the process when it is down and its pause is over."""
        if self.process is None:
            if now_s >= self.again_s:
                self.start(alive_pipe, now_s)
            return
        ended = self.process.poll()
        if ended is None:
            return
        if now_s - self.started_s > SETTLED_AFTER_S:
            self.pause_s, self.young_deaths = SHORTEST_PAUSE_S, 0
        self.young_deaths += 1
        log.warning("part ended", name=self.name, code=ended, again_in_s=self.pause_s)
        self.process, self.again_s = None, now_s + self.pause_s
        self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S)

    def listen(self, last: Sequence[Beat], now_s: float) -> None:
        """End a process that has not beaten for a minute; `look` starts it again."""
        if self.process is None:
            return
        # a process may beat for several parts, such as schedule and listen: the slowest counts
        oldest = min((beat.at for beat in last if beat.pid == self.process.pid), default=None)
        if oldest != self.seen.at:
            self.seen = Seen(oldest, now_s)
        elif now_s - self.seen.seen_s > SILENT_AFTER_S:
            log.error("part is silent, ending it", name=self.name, process=self.process.pid)
            self.process.kill()

    def ask_to_end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, deadline_s: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("part does not end, killing it", name=self.name)
            self.process.kill()
            self.process.wait()
        log.info("part stopped", name=self.name, code=self.process.returncode)
        self.process = None


def supervise(
    parts: Sequence[Part],
    *,
    until: Callable[[], bool],
    mend: Callable[[], bool],
    beats: Callable[[], list[Beat] | None],
    started: Callable[[Sequence[Part]], None],
) -> None:
    """Keep the parts alive until `until` says so, then end them all, within about eight seconds.

    `until` is asked a few times a second, and takes the time in between: it waits, or sleeps.
    `mend` brings the database server back when it died and says whether it now has another address, at
    which the parts must be started anew. `beats` gives None when the database does not answer: then
    nobody can beat, and nobody is judged. `started` is told of the parts' processes when they change.
    """
    alive_pipe, ours = os.pipe()
    next_beats_s = 0.0
    known: list[int | None] = []
    try:
        while not until():
            now_s = time.monotonic()
            if mend():
                for part in parts:
                    part.ask_to_end()
            for part in parts:
                part.look(alive_pipe, now_s)
            if now_s >= next_beats_s:
                next_beats_s = now_s + BEATS_EVERY_S
                last = beats()
                for part in parts if last is not None else ():
                    part.listen(last or (), now_s)
            running = [part.process.pid if part.process else None for part in parts]
            if running != known:
                known = running
                started(parts)
    finally:
        for part in parts:
            part.ask_to_end()
        deadline_s = time.monotonic() + ENDS_WITHIN_S
        for part in parts:
            part.end(deadline_s)
        os.close(ours)
        os.close(alive_pipe)


class Attended(Thread):
    """In a part: ends this process when the one that attends it is gone.

    Asks once, as SIGTERM does; a part that then cannot finish in time is ended.
    """

    def __init__(self) -> None:
        super().__init__(name="attended", daemon=True)

    def run(self) -> None:
        with suppress(OSError):
            while os.read(0, 1):
                pass
        last = Timer(ENDS_WITHIN_S, os._exit, [1])
        last.daemon = True
        last.start()
        os.kill(os.getpid(), signal.SIGTERM)
        with suppress(OSError):  # where the log went may be gone with them
            log.warning("whoever started this part is gone, ending")


def when_asked_to_end(told: Callable[[], None]) -> None:
    """Call `told` on SIGTERM, SIGINT and SIGHUP. The second time the process ends at once."""

    def asked(_number: int, _frame: object) -> None:
        if already.is_set():
            os._exit(1)
        already.set()
        told()

    already = Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, asked)
