"""A wire between us and any server on this machine, that breaks: refusals, resets, answers cut short, silence.

What goes wrong is planned ahead and counted when it happens, so that a test can prove that it did.
"""

import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

REFUSALS = {
    "500": b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "429": b"HTTP/1.1 429 Slow Down\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}
FAULTS = (*REFUSALS, "reset", "cut short")
CUT_AFTER = 60  # bytes of an answer that still come through: not even its head
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


@dataclass
class Wire:
    """`plan` holds the fault of each next request, one of FAULTS; `fired` counts those that happened."""

    behind: int
    port: int = 0
    plan: deque[str] = field(default_factory=deque)
    fired: Counter[str] = field(default_factory=Counter)
    open_: set[socket.socket] = field(default_factory=set)
    carries: threading.Event = field(default_factory=threading.Event)

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def drop(self) -> None:
        """Break all connections that are open now."""
        for each in list(self.open_):
            self.fired["dropped"] += 1
            _reset(each)

    def freeze(self) -> None:
        """Carry nothing more, and keep every connection open: what a cut cable looks like."""
        self.carries.clear()

    def thaw(self) -> None:
        self.carries.set()


@contextmanager
def wired(behind: int) -> Iterator[Wire]:
    """A wire to the server on that port of this machine."""
    made = Wire(behind)
    made.thaw()
    with socket.create_server(("127.0.0.1", 0)) as door:
        made.port = door.getsockname()[1]
        accepting = threading.Thread(target=_accept, args=(door, made), daemon=True)
        accepting.start()
        yield made
        made.thaw()
        with suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
    for each in list(made.open_):
        _reset(each)


def _accept(door: socket.socket, wire: Wire) -> None:
    while True:
        try:
            near, _ = door.accept()
        except OSError:
            return
        threading.Thread(target=_carry, args=(near, wire), daemon=True).start()


def _carry(near: socket.socket, wire: Wire) -> None:
    """One connection: requests out, answers back, until one of both ends or a fault ends it."""
    wire.open_.add(near)
    with suppress(OSError), near, socket.create_connection(("127.0.0.1", wire.behind), timeout=5) as far:
        far.settimeout(None)
        left: list[int | None] = [None]
        back = threading.Thread(target=_answers, args=(far, near, wire, left), daemon=True)
        back.start()
        while data := near.recv(65_536):
            wire.carries.wait()
            fault = wire.plan.popleft() if wire.plan else None
            if fault is not None:
                wire.fired[fault] += 1
            if fault in REFUSALS:
                near.sendall(REFUSALS[fault])
                break
            if fault == "reset":
                _reset(near)
                break
            if fault == "cut short":
                left[0] = CUT_AFTER
            far.sendall(data)
        with suppress(OSError):
            far.shutdown(socket.SHUT_RDWR)
        back.join(5)
    wire.open_.discard(near)


def _answers(far: socket.socket, near: socket.socket, wire: Wire, left: list[int | None]) -> None:
    with suppress(OSError):
        while data := far.recv(65_536):
            wire.carries.wait()
            if left[0] is not None:
                near.sendall(data[: left[0]])
                break
            near.sendall(data)
        near.shutdown(socket.SHUT_RDWR)


def _reset(near: socket.socket) -> None:
    with suppress(OSError):
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        near.shutdown(socket.SHUT_RDWR)
        near.close()
