"""The child process that opens a stranger's file: sets its own limits, does one task, says one answer."""

import ctypes
import importlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable

import msgspec

from collector.video.errors import TooBig, TookTooLong, VideoError
from collector.video.probed import Captions, Limits, Order, Probe, Provenance, Stills, Trouble

Found = Probe | Captions | Provenance | Stills
Task = Callable[[int, Order], Found]


NICE = 15  # what routes posts and tells people goes first
CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000  # linux/sched.h


def main(module: str, ordered: str) -> None:
    """Do a module's `task` with the file on standard input, and say what came of it on standard output.

    The limits stand before the module is loaded, and with it any library that may be greedy or talkative.
    """
    order = msgspec.json.decode(ordered, type=Order)
    _limit(order.limits)
    _unplug()
    task: Task = importlib.import_module(module).task
    said = _try(task, os.dup(0), order)
    with os.fdopen(1, "wb") as out:
        out.write(msgspec.msgpack.encode(said))


def _try(task: Task, file: int, order: Order) -> Found | Trouble:
    try:
        return task(file, order)
    except VideoError as error:
        return Trouble(type(error).__name__, error.cause, error.remedy)
    except MemoryError:
        return Trouble("TooBig", f"needs more than {order.limits.memory_bytes:,} bytes", TooBig.remedy)
    except subprocess.TimeoutExpired:
        return Trouble("TookTooLong", f"not decoded after {order.limits.wall_s:g} s", TookTooLong.remedy)


def _limit(limits: Limits) -> None:
    """For this process and all it starts: last in the queue for the processor, and only so long; memory, no
    files written, no core dumps."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 2))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _unplug() -> None:
    """Leave the network behind, where the system lets a process do so. Nothing here needs it."""
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    if unshare is not None:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)


if __name__ == "__main__":
    main(*sys.argv[1:])
