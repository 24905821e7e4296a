"""How backups are made: where to, when, how many stay, under which key."""

from datetime import time, timedelta
from pathlib import Path

from pydantic import Field

from collector.settings import Section


class BackupSettings(Section):
    """`folder` is where they lie (`backups/` of the data folder when left out), `key_file` what seals them, `at` when
    one is made each night (London time), `keep` how many stay, `warn_hours` how old the last good one may be.
    `programs` is the folder of PostgreSQL's own programs, for a server newer than those that come with us.
    """

    nightly: bool = True
    at: time = time(4, 15)
    folder: Path | None = None
    key_file: Path | None = None
    keep: int = Field(default=14, ge=1)
    warn_hours: int = Field(default=30, ge=1)
    programs: Path | None = None

    @property
    def longest(self) -> timedelta:
        """How old the last good one may be before people are told."""
        return timedelta(hours=self.warn_hours)
