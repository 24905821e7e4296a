"""The work part: one process that works through queues."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from config.beats import Pulse
from config.lanes import Lanes
from config.service import House, build, loaded
from config.supervise import when_asked_to_end

log = structlog.get_logger()

# What reads posts and files keeps cores busy for as long as there is anything to read: people at the desk, and
# alerts, go first. A third of their share is left to it even then, for a post that waits is a late alert.
PATIENT = {"assess", "look", "claims"}
NICENESS = 5
# No alert waits for footage or for what is said again of a claim: these take what the others leave.
LEISURELY = {"look", "claims"}
LEISURELY_NICENESS = 12


def work(house: House, name: str, queues: Sequence[str]) -> None:
    """Work through the queues until asked to end; the jobs in hand are finished first."""
    app = build(house, queues)
    if PATIENT.issuperset(queues):
        give_way(LEISURELY_NICENESS if LEISURELY.issuperset(queues) else NICENESS)
    loaded()
    lanes = Lanes(app, queues, collect=house.settings.collect.fetches_at_once)
    pulse = Pulse(house.engine, name, clock=house.clock, alive=lanes.alive)
    when_asked_to_end(lanes.stop)
    pulse.start()
    log.info("working", queues=list(queues))
    lanes.work()
    pulse.end()


def give_way(niceness: int) -> None:
    """Let other processes go first when the cores are busy. Where the system shares time by session, as Linux does on
    a desktop, the session is told too: a niceness alone counts only within one.
    """
    os.nice(niceness)
    with suppress(OSError):  # not Linux, or a container that does not let us
        Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")
