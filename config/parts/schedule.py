"""The schedule part: ticks and streams, on one machine of all at a time."""

import os
import time
from collections.abc import Callable
from threading import Event, Timer
from typing import Protocol

import structlog

from config.beats import Pulse
from config.database import plain_url
from config.leader import TRY_EVERY_S, Leadership
from config.service import House
from config.supervise import when_asked_to_end
from config.ticks import scheduler

log = structlog.get_logger()

STANDS_DOWN_WITHIN_S = 5.0
ALIVE_WITHIN_S = 15.0


class Duty(Protocol):
    """Something that only the leader does, in threads of its own."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def schedule(house: House, duties: Callable[[House], list[Duty]] = lambda _house: []) -> None:
    """Lead when no other machine does, else stand by; until asked to end."""
    stop = Event()
    when_asked_to_end(stop.set)
    leadership = Leadership(plain_url(house.settings))
    turned = [time.monotonic()]
    pulse = Pulse(
        house.engine,
        "schedule",
        clock=house.clock,
        alive=lambda: time.monotonic() - turned[0] < ALIVE_WITHIN_S,
        state=lambda: "ok" if leadership.connection else "standing by",
    )
    pulse.start()
    while not stop.is_set():
        turned[0] = time.monotonic()
        if leadership.take():
            _lead(house, leadership, stop, turned, duties(house))
            leadership.give_up()
        stop.wait(TRY_EVERY_S)
    pulse.end()


def _lead(house: House, leadership: Leadership, stop: Event, turned: list[float], duties: list[Duty]) -> None:
    ticks = scheduler(house)
    ticks.start()
    for duty in duties:
        duty.start()
    while leadership.holds() and not stop.wait(TRY_EVERY_S):
        turned[0] = time.monotonic()
    # Another may lead already: what does not stand down in time takes this process with it.
    last = Timer(STANDS_DOWN_WITHIN_S, os._exit, [1])
    last.daemon = True
    last.start()
    ticks.shutdown(wait=False)
    for duty in duties:
        duty.stop()
    last.cancel()
