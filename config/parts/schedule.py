"""The schedule part: ticks and streams, on one machine of all at a time."""

import os
import time
from threading import Event, Timer

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.beats import Pulse
from config.database import DatabaseError, plain_url
from config.leader import TRY_EVERY_S, Leadership
from config.parts.duties import duties
from config.service import House, in_short, loaded
from config.supervise import when_asked_to_end
from config.ticks import scheduler

log = structlog.get_logger()

STANDS_DOWN_WITHIN_S = 5.0
ALIVE_WITHIN_S = 15.0


def schedule(house: House) -> None:
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
    loaded()
    pulse.start()
    standing_by = False
    while not stop.is_set():
        turned[0] = time.monotonic()
        if leadership.take():
            standing_by = False
            try:
                _lead(house, leadership, stop, turned)
            except (DatabaseError, SQLAlchemyError) as error:
                log.warning("cannot lead yet", error=in_short(error))
            leadership.give_up()
        elif not standing_by:
            log.info("standing by")
            standing_by = True
        stop.wait(TRY_EVERY_S)
    pulse.end()


def _lead(house: House, leadership: Leadership, stop: Event, turned: list[float]) -> None:
    engine = leadership.engine(house.settings)
    acting = house._replace(engine=engine)
    leadership.holds()
    ticks, mine = scheduler(acting), duties(acting, house.engine)
    leadership.holds()
    ticks.start()
    for duty in mine:
        duty.start()
    while leadership.holds() and not stop.wait(TRY_EVERY_S):
        turned[0] = time.monotonic()
    # Another may lead already: what does not stand down in time takes this process with it.
    last = Timer(STANDS_DOWN_WITHIN_S, os._exit, [1])
    last.daemon = True
    last.start()
    ticks.shutdown(wait=False)
    for duty in mine:
        duty.stop()
    engine.dispose()
    last.cancel()
