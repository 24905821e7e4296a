"""A real `goldenhour run` in a folder of its own, whose processes can be found and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import socket

from config.benches.memory import name_of, tree
from config.database import cluster
from config.settings import Settings

STARTS_WITHIN_S = 300.0  # on a machine that others keep busy
COMMAND = [sys.executable, "-P", "-m", "config.cli"]


class Service:
    """`goldenhour run`, watching only what `sources` (the text of a sources.toml) says."""

    def __init__(self, folder: Path, *, sources: str = "", **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.settings = Settings(data=folder / "var")
        overlay = folder / "config"
        overlay.mkdir(parents=True, exist_ok=True)
        (overlay / "sources.toml").write_text(sources, encoding="utf-8")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GOLDENHOUR_")},
            "GOLDENHOUR_DATA": str(folder / "var"),
            "GOLDENHOUR_CONFIG": str(overlay),
            "GOLDENHOUR_WEB__PORT": str(self.port),
            "GOLDENHOUR_WORKERS": "1",
            "GOLDENHOUR_BACKUP__NIGHTLY": "false",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    @property
    def said(self) -> str:
        """What it printed so far."""
        return (self.folder / "out").read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until the desk answers."""
        with (self.folder / "out").open("wb") as out, (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "run"], stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=self.environment
            )
        wait_until(lambda: "Golden Hour is at" in self.said or self.ended, STARTS_WITHIN_S)
        assert not self.ended, self.log[-2000:]

    def run_once(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another command with the same settings, to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=self.environment,
        )

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does, and give its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)

    def parts(self) -> dict[str, int]:
        """Its parts' processes by name."""
        assert self.process is not None
        return {name_of(pid): pid for pid in tree((self.process.pid,)) if is_part(pid)}

    def postgres(self) -> int | None:
        return cluster(self.settings).running_pid()

    def kill(self, name: str) -> int:
        """Kill a part, `postgres`, or `run` itself, without warning. Gives the process id it had."""
        assert self.process is not None
        pid = {"postgres": self.postgres(), "run": self.process.pid, **self.parts()}[name]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def end(self) -> None:
        """Whatever state it is in, leave nothing running."""
        if self.process is not None and not self.ended:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        cluster(self.settings).stop_stray()


def is_part(pid: int) -> bool:
    """Whether a process is one that `run` attends."""
    with suppress(OSError):
        return b"--attended" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return name_of(pid) in ("", "gone")


def wait_until(seen: Callable[[], bool], for_s: float, found: Callable[[], object] | None = None) -> None:
    """Wait for something to happen; `found` tells how things stand when it never does."""
    deadline = time.monotonic() + for_s
    while not seen():
        if time.monotonic() > deadline:
            raise AssertionError(f"it never happened: {found()}" if found else "it never happened")
        time.sleep(0.05)


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
