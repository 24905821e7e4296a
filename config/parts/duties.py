"""A duty: what only the leading schedule does beside the ticks, each in a thread of its own."""

from collections.abc import Callable
from threading import Event, Thread

import structlog

from config.service import House, in_short
from config.slack import sender_of, socket_of
from responders.deliver import Sender
from responders.socket_mode import Socket

log = structlog.get_logger()

SWEEP_EVERY_S = 1.0
SWEEP_FOR_S = 5.0
LOOK_AT_SOCKET_EVERY_S = 2.0
LONGEST_PAUSE_S = 60.0


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


def duties(house: House) -> list[Repeated]:
    """All that the leader does, not yet started."""
    made = [_sweeping(sender_of(house))]
    socket = socket_of(house)
    if socket is not None:
        made.append(_listening_to_slack(socket))
    return made


def _sweeping(sender: Sender) -> Repeated:
    def sweep() -> None:
        sender.sweep(for_s=SWEEP_FOR_S)

    return Repeated("deliver", sweep, SWEEP_EVERY_S)


def _listening_to_slack(socket: Socket) -> Repeated:
    def look() -> None:
        if not socket.is_open():
            socket.open()

    return Repeated("slack socket", look, LOOK_AT_SOCKET_EVERY_S, socket.close)
