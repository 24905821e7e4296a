"""A beat: that one part of the service was alive at a moment. Silence must never look like calm."""

import os
import socket
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread
from typing import NamedTuple

import structlog
from sqlalchemy import Engine, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from triage.records import Heartbeat

log = structlog.get_logger()

BEAT_EVERY_S = 5.0
SILENT_AFTER_S = 60.0


class Beat(NamedTuple):
    part: str
    host: str
    pid: int
    at: datetime
    state: str


def here() -> str:
    """The name of this machine, as the heartbeats call it."""
    return socket.gethostname()


def beat(engine: Engine, part: str, *, now: datetime, state: str = "ok") -> None:
    """Say that `part` is alive on this machine. `state` is "ok" or what keeps it from its work."""
    row = {"part": part, "host": here(), "pid": os.getpid(), "beat_at": now, "state": state}
    saying = insert(Heartbeat).values(row)
    saying = saying.on_conflict_do_update(index_elements=["part", "host"], set_=row)
    with engine.begin() as connection:
        connection.execute(saying)


def beats(engine: Engine) -> list[Beat]:
    """The last beat of each part on each machine, by name."""
    with Session(engine) as session:
        rows = session.exec(select(Heartbeat).order_by(col(Heartbeat.part), col(Heartbeat.host))).all()
        return [Beat(row.part, row.host, row.pid, row.beat_at, row.state) for row in rows]


def silence(engine: Engine, *parts: str) -> None:
    """Forget parts of this machine that were stopped on purpose; without names, all of this machine."""
    gone = delete(Heartbeat).where(col(Heartbeat.host) == here())
    if parts:
        gone = gone.where(col(Heartbeat.part).in_(parts))
    with engine.begin() as connection:
        connection.execute(gone)


class Pulse(Thread):
    """Beats for a part every five seconds, as long as `alive` says that its work goes on.

    The thread alone proves nothing: `alive` must look at the work itself.
    """

    def __init__(
        self,
        engine: Engine,
        part: str,
        *,
        clock: Callable[[], datetime],
        alive: Callable[[], bool] = lambda: True,
        state: Callable[[], str] = lambda: "ok",
    ) -> None:
        super().__init__(name=f"pulse of {part}", daemon=True)
        self.engine, self.part, self.clock, self.alive, self.state = engine, part, clock, alive, state
        self.stopped = Event()

    def run(self) -> None:
        while True:
            if self.alive():
                try:
                    beat(self.engine, self.part, now=self.clock(), state=self.state())
                except SQLAlchemyError:
                    log.warning("no heartbeat: the database does not answer")
            if self.stopped.wait(BEAT_EVERY_S):
                return

    def end(self) -> None:
        """Stop beating, and say that this was on purpose."""
        self.stopped.set()
        self.join(timeout=2 * BEAT_EVERY_S)
        try:
            silence(self.engine, self.part)
        except SQLAlchemyError:
            log.warning("last heartbeat stays: the database does not answer")
