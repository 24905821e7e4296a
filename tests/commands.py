"""`goldenhour` run as people run it: a process of its own, its output kept.

The process is forked from one that has loaded the libraries, which take most of a command's start. Nothing of ours is
loaded before the fork: what a command forgets to import is missing here as well.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from select import select
from subprocess import PIPE, CompletedProcess
from typing import IO

FORKING = Path(__file__).with_name("forking.py")
WITHIN_S = 120.0


def goldenhour(*arguments: str, **environment: str) -> CompletedProcess[str]:
    """Run a command to its end with no other environment than this. Raises TimeoutExpired."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        surroundings = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment}
        code = _forks().run(list(arguments), surroundings, out, err)
        return CompletedProcess(list(arguments), code, _text(out), _text(err))


def _text(kept: IO[bytes]) -> str:
    kept.seek(0)
    return kept.read().decode()


class _Forks:
    """The process that forks: a line of JSON for each command in, its process id and then its exit code out."""

    def __init__(self) -> None:
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(FORKING)],
            bufsize=0,  # a line that was read ahead would be waited for
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, **one_thread},
        )

    def run(self, arguments: list[str], environment: dict[str, str], out: IO[bytes], err: IO[bytes]) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        files = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (out, err)]
        asked = {"arguments": arguments, "environment": environment, "files": files}
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        child = int(self.process.stdout.readline())
        if not select([self.process.stdout], [], [], WITHIN_S)[0]:
            os.kill(child, signal.SIGKILL)
            self.process.stdout.readline()
            raise subprocess.TimeoutExpired(arguments, WITHIN_S)
        return int(self.process.stdout.readline())

    def close(self) -> None:
        with self.process:
            self.process.terminate()


@cache
def _forks() -> _Forks:
    made = _Forks()
    atexit.register(made.close)
    return made
