"""What must be right before the service starts. What is not is said in one line that tells what to do."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from config.cli import Complaint
from config.database import owned
from config.settings import Settings
from config.supervise import Part, goldenhour

log = structlog.get_logger()

LEAST_FREE_MB = 200
STRAYS_END_WITHIN_S = 10.0


@contextmanager
def claimed(settings: Settings) -> Iterator[None]:
    """The data folder is ours as long as this lasts; parts left by a service that was killed are ended."""
    with owned(settings.data) as other:
        if other:
            raise Complaint(
                f"Golden Hour (process {other}) already runs on {settings.data.resolve()}: "
                "stop it first, or set GOLDENHOUR_DATA to another folder"
            )
        end_strays(settings)
        yield


def need_port(settings: Settings) -> None:
    """Raises Complaint when the desk cannot listen where it is told to."""
    host, port = settings.web.host, settings.web.port
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, number) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise Complaint(
            f"the desk cannot listen on {host} port {port}: {error.strerror}. "
            "Stop what uses it, or choose with GOLDENHOUR_WEB__PORT and GOLDENHOUR_WEB__HOST"
        ) from error


def need_room(settings: Settings) -> None:
    """Raises Complaint when the disk under the data folder is nearly full."""
    free = free_mb(settings)
    if free < LEAST_FREE_MB:
        raise Complaint(
            f"the disk with {settings.data.resolve()} is full: {free} MB free, at least {LEAST_FREE_MB} MB "
            "are needed. Make room, or set GOLDENHOUR_DATA to a folder on another disk"
        )


def start_check() -> "subprocess.Popen[str]":
    """`goldenhour check`, begun. Reading the gazetteer takes memory that this process would never give back."""
    return subprocess.Popen(
        goldenhour("check", "--quiet"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def need_files(checking: "subprocess.Popen[str]") -> None:
    """Wait for the check. Raises Complaint with what it says when a file under `config/` is wrong."""
    _, said = checking.communicate()
    if checking.returncode != 0:
        words = said.strip().removeprefix("goldenhour: ")
        raise Complaint(words or f"goldenhour check ended with {checking.returncode}")
    for warning in said.splitlines():
        log.warning("check", found=warning.removeprefix("warning: "))


def free_mb(settings: Settings) -> int:
    """Room left on the disk of the data folder, in millions of bytes."""
    folder = settings.data.resolve()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // 1_000_000


def note_parts(settings: Settings, parts: Sequence[Part]) -> None:
    """Keep the parts' process ids, so that the next start finds those that outlive us."""
    running = [str(part.process.pid) for part in parts if part.process]
    _noted(settings).write_text("\n".join(running), encoding="ascii")


def end_strays(settings: Settings) -> None:
    """Wait for the parts of a killed service, which end by themselves, and help those that do not."""
    with suppress(FileNotFoundError):
        noted = _noted(settings).read_text(encoding="ascii").split()
        strays = [int(pid) for pid in noted if _is_ours(int(pid))]
        deadline_s = time.monotonic() + STRAYS_END_WITHIN_S
        while strays and time.monotonic() < deadline_s:
            time.sleep(0.1)
            strays = [pid for pid in strays if _is_ours(pid)]
        for pid in strays:
            log.warning("killing a part of the last run", process=pid)
            os.kill(pid, signal.SIGKILL)
        _noted(settings).unlink()


def _noted(settings: Settings) -> Path:
    return Path(settings.data.resolve()) / "parts"


def _is_ours(pid: int) -> bool:
    """Whether a process is one of our commands; process ids are used again by others."""
    with suppress(OSError):
        return b"config.cli" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
