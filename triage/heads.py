"""Heads of the log, kept in a file that whoever can change the database cannot change too.

A chain alone does not show that its end was cut off, nor that all of it was written anew; a head kept elsewhere
does. One is published every day, here and in Slack (`responders/alarms.py`); every review pack carries one.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from triage.chain import Head


class HeadsError(ValueError):
    """The file of published heads cannot be read; the message names file, line and reason."""


class Published(NamedTuple):
    head: Head
    at: datetime


def read_heads(path: Path) -> list[Published]:
    """Every head in the file, the oldest first; none when there is no file. Raises HeadsError."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            told = json.loads(line)
            at = datetime.fromisoformat(told["at"]).astimezone(UTC)
            found.append(Published(Head.read(f"{told['count']}:{told['hash']}"), at))
        except (ValueError, KeyError, TypeError) as error:
            raise HeadsError(f"{path}, line {number}: not a head: {error}") from error
    return found


def write_head(path: Path, head: Head, *, now: datetime) -> None:
    """Append a head to the file, and make sure it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {"at": now.astimezone(UTC).isoformat(), "count": head.entries, "hash": head.hash.hex()}
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(opened, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
