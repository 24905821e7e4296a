"""Machines that share one database: each a `goldenhour schedule` or `work` of its own, that can be killed or frozen."""

import json
import os
import signal
import subprocess
from datetime import datetime
from pathlib import Path

from tests.faults.service import COMMAND


class Machine:
    """One part on a machine of its own: its own data folder, the same database and the same key file."""

    def __init__(self, folder: Path, database_url: str, *part: str, allow: str) -> None:
        folder.mkdir(exist_ok=True)
        self.log_file = folder / "log"
        self.command = [*COMMAND, *part]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GOLDENHOUR_")},
            "GOLDENHOUR_DATA": str(folder / "var"),
            "GOLDENHOUR_SECRET_FILE": str(folder.parent / "secret"),
            "GOLDENHOUR_DATABASE_URL": database_url,
            "GOLDENHOUR_HTTP__ALLOW": allow,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment
            )

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        assert self.process.poll() is None, "it was not running"
        self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        assert self.process.wait() == -signal.SIGKILL

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def end(self) -> None:
        if self.process is not None and not self.ended:
            self.process.kill()
            self.process.wait()

    def said(self, event: str) -> list[datetime]:
        """When it said something, by its own log."""
        if not self.log_file.exists():
            return []
        lines = [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]
        return [datetime.fromisoformat(line["timestamp"]) for line in lines if line["event"] == event]
