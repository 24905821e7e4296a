"""A duty: what only the leading schedule does beside the ticks, each in a thread of its own."""

import time
from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from typing import Protocol

import structlog
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.http import Http
from collector.listen import Hearing, listen
from collector.records import SourceRow
from collector.sources import streamed
from config.beats import Pulse
from config.channels import courier_of
from config.queues.collect import author_key, prefilter_of
from config.service import House, in_short
from config.slack import sender_of, socket_of
from responders.courier import Courier
from responders.deliver import Sender
from responders.socket_mode import Socket

log = structlog.get_logger()

HEARD_WITHIN_S = 60.0
CARRY_EVERY_S = 1.0
DELIVER_EVERY_S = 0.25  # an alert that found its channel resting waits for the next round
SWEEP_FOR_S = 5.0
LOOK_AT_SOCKET_EVERY_S = 2.0
LONGEST_PAUSE_S = 60.0


class Duty(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


class Repeated:
    """Does one thing over and over until stopped; after a failure with growing pauses."""

    def __init__(
        self, name: str, act: Callable[[], None], every_s: float, close: Callable[[], None] = lambda: None
    ) -> None:
        self.act, self.every_s, self.close = act, every_s, close
        self.stopped = Event()
        self.thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.close()
        self.thread.join(timeout=SWEEP_FOR_S)

    def _run(self) -> None:
        pause_s = self.every_s
        while not self.stopped.wait(pause_s):
            try:
                self.act()
                pause_s = self.every_s
            except Exception as error:  # noqa: BLE001 - a duty goes on, whatever one round of it met
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                log.warning("duty failed", duty=self.thread.name, error=in_short(error), again_in_s=pause_s)


class Streams:
    """The streams of all sources that stay open, a thread each, and one heartbeat for them: `listen`.

    `beats` is an engine that anyone may use: also who does not lead any more takes its heartbeat back.
    """

    def __init__(self, house: House, beats: Engine) -> None:
        self.house = house
        self.stopped = Event()
        self.states: dict[str, str] = {}
        self.heard_s: dict[str, float] = {}
        with Session(house.engine) as session:
            rows = session.exec(
                select(SourceRow).where(SourceRow.enabled, col(SourceRow.kind).in_(streamed()))
            ).all()
        self.threads = [
            Thread(target=self._keep, args=(row.name, row.url.split()), name=row.name, daemon=True)
            for row in rows
        ]
        self.prefilter, self.http = prefilter_of(house.settings), Http(house.settings.http)
        self.pulse = Pulse(beats, "listen", clock=house.clock, alive=self._alive, state=self._state)

    def start(self) -> None:
        for thread in self.threads:
            self.heard_s[thread.name] = time.monotonic()
            thread.start()
        if self.threads:
            self.pulse.start()

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(timeout=SWEEP_FOR_S)
        if self.threads:
            self.pulse.end()

    def _keep(self, source: str, urls: list[str]) -> None:
        """Listen until stopped; what listening raises is a fault to be shown, and the stream is opened again."""
        while not self.stopped.is_set():
            try:
                listen(
                    self.house.engine,
                    source,
                    urls,
                    prefilter=self.prefilter,
                    http=self.http,
                    author_key=author_key(self.house.settings),
                    stop=self.stopped,
                    clock=self.house.clock,
                    heard=partial(self._hear, source),
                    flush_s=self.house.settings.collect.flush_s,
                )
            except Exception as error:  # noqa: BLE001 - one stream must not take the others with it
                log.error("stream broke off", source=source, error=in_short(error))
                self._hear(source, Hearing(in_short(error), None, 0))
                self.stopped.wait(LONGEST_PAUSE_S / 4)

    def _hear(self, source: str, hearing: Hearing) -> None:
        self.heard_s[source] = time.monotonic()
        self.states[source] = hearing.state

    def _alive(self) -> bool:
        return all(time.monotonic() - heard_s < HEARD_WITHIN_S for heard_s in tuple(self.heard_s.values()))

    def _state(self) -> str:
        amiss = [f"{source}: {state}" for source, state in tuple(self.states.items()) if state != "ok"]
        return "; ".join(amiss) or "ok"


def duties(house: House, beats: Engine) -> list[Duty]:
    """All that the leader does beside the ticks, not yet started. `beats` is an engine for its heartbeats."""
    made: list[Duty] = [Streams(house, beats), _sweeping(sender_of(house)), _carrying(courier_of(house))]
    socket = socket_of(house)
    if socket is not None:
        made.append(_listening_to_slack(socket))
    return made


def _sweeping(sender: Sender) -> Repeated:
    def sweep() -> None:
        sender.sweep(for_s=SWEEP_FOR_S)

    return Repeated("deliver", sweep, DELIVER_EVERY_S)


def _carrying(courier: Courier) -> Repeated:
    def carry() -> None:
        courier.sweep(for_s=SWEEP_FOR_S)

    return Repeated("carry", carry, CARRY_EVERY_S)


def _listening_to_slack(socket: Socket) -> Repeated:
    def look() -> None:
        if not socket.is_open():
            socket.open()

    return Repeated("slack socket", look, LOOK_AT_SOCKET_EVERY_S, socket.close)
