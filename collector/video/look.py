"""Looks at one local file, in a process of its own that is ended when it costs too much.

The file was made by a stranger, and so was the next exploit of a decoder: the process that opens it has
no environment (so no secrets), limits on memory, time and files written, and is killed with all it
started when time is up. Nothing it says is trusted beyond its shape.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TypeVar

import msgspec

from collector.video.errors import KINDS, Damaged, NotFootage, TooBig, TookTooLong, VideoError
from collector.video.probed import Captions, Limits, Order, Probe, Provenance, Stills, Trouble

LARGEST_ANSWER = 64_000_000
# All the child's environment. onnxruntime reports to its maker since 1.29 unless told not to.
SECRETLESS = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "ORT_TELEMETRY_DISABLED": "1",
}

Answer = TypeVar("Answer", Probe, Captions, Provenance, Stills)


def probe(path: Path, limits: Limits | None = None) -> Probe:
    """What the file is and what it is recognised by. Raises VideoError with cause and remedy."""
    return _ask("probing", path, Order(limits or Limits()), Probe)


def read_captions(path: Path, probed: Probe, limits: Limits | None = None) -> Captions:
    """The words burnt into up to six of its frames, about two seconds of processor each.

    Empty with a note when the reader is not installed. Raises VideoError.
    """
    moments = [frame.at_s for frame in probed.frames] or [0.0]
    return _ask("captions", path, Order(limits or Limits(memory_bytes=6_000_000_000), moments), Captions)


def read_provenance(path: Path, limits: Limits | None = None) -> Provenance:
    """The C2PA manifest of the file, read offline. Raises VideoError."""
    return _ask("provenance", path, Order(limits or Limits(memory_bytes=4_000_000_000)), Provenance)


def read_stills(path: Path, limits: Limits | None = None) -> Stills:
    """Pictures of it for the case page, made anew from its pixels. Raises VideoError."""
    return _ask("stills", path, Order(limits or Limits()), Stills)


def _ask(task: str, path: Path, order: Order, kind: type[Answer]) -> Answer:
    _weigh(path, order.limits)
    ours, theirs = os.pipe()
    try:
        with path.open("rb") as file, os.fdopen(theirs, "wb") as answers:
            module, told = f"collector.video.{task}", msgspec.json.encode(order).decode()
            child = subprocess.Popen(
                [sys.executable, "-I", "-m", "collector.video.child", module, told],
                stdin=file,
                stdout=answers,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=SECRETLESS,
            )
        try:
            said = _listen(ours, order.limits.wall_s)
        finally:
            _end(child)
    finally:
        os.close(ours)
    return _read(path.name, said, child.returncode, order.limits, kind)


def _weigh(path: Path, limits: Limits) -> None:
    if not path.is_file():
        raise NotFootage(f"{path.name}: there is no such file")
    size = path.stat().st_size
    if size == 0:
        raise NotFootage(f"{path.name}: the file is empty", remedy="Fetch or upload it again")
    if size > limits.size_bytes:
        raise TooBig(f"{path.name}: {size:,} bytes, more than {limits.size_bytes:,}")


def _listen(pipe: int, wall_s: float) -> bytes:
    """All the child says until it closes its end. Raises TookTooLong, or TooBig when it never stops."""
    said, until = bytearray(), time.monotonic() + wall_s
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    while (left := until - time.monotonic()) > 0:
        if not waiting.poll(left * 1000):
            break
        part = os.read(pipe, 1 << 20)
        if not part:
            return bytes(said)
        said += part
        if len(said) > LARGEST_ANSWER:
            raise TooBig(f"what was found in the file is more than {LARGEST_ANSWER:,} bytes")
    raise TookTooLong(f"not done after {wall_s:g} s")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Nothing of it is left running: the child, and what it started, are one process group.

    Killed before it is waited for: until then its number cannot be given to another group.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _read(name: str, said: bytes, status: int, limits: Limits, kind: type[Answer]) -> Answer:
    try:
        answer = msgspec.msgpack.decode(said, type=kind | Trouble)
    except msgspec.DecodeError as error:
        if status in (-signal.SIGXCPU, -signal.SIGKILL):
            raise TookTooLong(f"{name}: more than {limits.cpu_s} s of processor time") from error
        raise Damaged(f"{name}: the reader ended without an answer (status {status})") from error
    if isinstance(answer, Trouble):
        raise KINDS.get(answer.kind, VideoError)(f"{name}: {answer.cause}", remedy=answer.remedy)
    return answer
