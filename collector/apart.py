"""Reads a large feed in a process of its own, which may be killed: a feed made to exhaust its reader costs no
other source anything.

A small one is read here: whatever it holds, a second is enough.
"""

import atexit
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import IO

import msgspec

from collector.errors import TooSlow, Unreadable
from collector.feeds import Feed, read_feed
from collector.patience import left_s

SMALL = 128_000  # bytes
READ_S = 6.0
MEMORY_BYTES = 64_000_000

_LENGTH = struct.Struct("!Q")
_EXHAUSTS = "Disable the source: its feed is made to exhaust whoever reads it, or badly broken"


class _Ordered(msgspec.Struct):
    headers: dict[str, str]
    url: str


class _Refused(msgspec.Struct):
    cause: str
    remedy: str


class _Said(msgspec.Struct):
    """What the reader found: a feed, or why there is none."""

    feed: Feed | None = None
    refused: _Refused | None = None


class Reader:
    """One process that reads one feed at a time. It is started when first needed, and again when it was killed."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def read(self, body: bytes, headers: Mapping[str, str], url: str) -> Feed:
        """As `read_feed`, of any size. Raises Unreadable, also for a feed that takes too long or too much memory."""
        if len(body) <= SMALL:
            return read_feed(body, headers, url)
        where = url.partition("?")[0]
        if not self._free.acquire(timeout=left_s(2 * READ_S)):
            raise TooSlow(f"{where}: other large feeds were read all the while")
        try:
            time_s = left_s(READ_S)
            said = self._asked(body, _Ordered(dict(headers), url), time_s)
        finally:
            self._free.release()
        if said.feed is not None:
            return said.feed
        if said.refused is not None:
            raise Unreadable(said.refused.cause, remedy=said.refused.remedy)
        if time_s < READ_S / 2:
            raise TooSlow(f"{where}: other large feeds or a slow answer left no time to read it")
        raise Unreadable("the feed takes too long to read", remedy=_EXHAUSTS)

    def close(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def _asked(self, body: bytes, ordered: _Ordered, within_s: float) -> _Said:
        """What the child says; nothing when it was killed. One that ended after its last answer is started again."""
        for _ in range(2):
            child = self._child if self._child and self._child.poll() is None else self._start()
            late = threading.Timer(within_s, child.kill)
            late.start()
            try:
                _write(child.stdin, msgspec.msgpack.encode(ordered))
                _write(child.stdin, body)
                return msgspec.msgpack.decode(_read(child.stdout), type=_Said)
            except (EOFError, OSError):
                if child.wait() == -signal.SIGKILL:
                    return _Said()
            finally:
                late.cancel()
        raise RuntimeError("the process that reads feeds ends by itself")

    def _start(self) -> "subprocess.Popen[bytes]":
        self.close()
        command = [sys.executable, "-P", "-m", "collector.apart"]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._child


def main() -> None:
    """The child: reads feeds from standard input until it ends, each within its memory."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(os.dup(0), "rb") as orders, os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what a library prints is no answer
        exhausted = False
        while not exhausted:
            try:
                ordered = msgspec.msgpack.decode(_read(orders), type=_Ordered)
            except EOFError:
                return
            said = _said(_read(orders), ordered)
            exhausted = said.refused is not None and said.refused.remedy == _EXHAUSTS
            _write(out, msgspec.msgpack.encode(said))


def _said(body: bytes, ordered: _Ordered) -> _Said:
    try:
        return _Said(feed=read_feed(body, ordered.headers, ordered.url))
    except Unreadable as error:
        return _Said(refused=_Refused(error.cause, error.remedy))
    except MemoryError:
        return _Said(
            refused=_Refused(f"the feed takes more than {MEMORY_BYTES / 1e6:.0f} MB to read", _EXHAUSTS)
        )


def _write(pipe: IO[bytes] | None, message: bytes) -> None:
    if pipe is not None:
        pipe.write(_LENGTH.pack(len(message)))
        pipe.write(message)
        pipe.flush()


def _read(pipe: IO[bytes] | None) -> bytes:
    head = pipe.read(_LENGTH.size) if pipe is not None else b""
    if len(head) < _LENGTH.size or pipe is None:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    message = pipe.read(length)
    if len(message) < length:
        raise EOFError
    return message


READER = Reader()
atexit.register(READER.close)

if __name__ == "__main__":
    main()
