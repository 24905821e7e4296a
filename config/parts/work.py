"""The work part: one process that works through queues."""

import gc
from collections.abc import Sequence

import structlog

from config.beats import Pulse
from config.lanes import Lanes
from config.service import House, build
from config.supervise import when_asked_to_end

log = structlog.get_logger()


def work(house: House, name: str, queues: Sequence[str]) -> None:
    """Work through the queues until asked to end; the jobs in hand are finished first."""
    app = build(house, queues)
    gc.collect()
    gc.freeze()  # the model and the lexicons stay for good: nothing in them is garbage to look for
    lanes = Lanes(app, queues, collect=house.settings.collect.fetches_at_once)
    pulse = Pulse(house.engine, name, clock=house.clock, alive=lanes.alive)
    when_asked_to_end(lanes.stop)
    pulse.start()
    log.info("working", queues=list(queues))
    lanes.work()
    pulse.end()
