"""When cases are committed: PostgreSQL tells open pages with the commit, and a listener here takes the time."""

import json
import time
from collections import defaultdict
from threading import Event, Thread

import psycopg

from config.database import plain_url
from config.settings import Settings
from triage.notice import CHANNEL


class Commits(Thread):
    """Listens while it is open."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="commits", daemon=True)
        self._url, self._ended = plain_url(settings), Event()
        self._heard: dict[str, list[float]] = defaultdict(list)

    def __enter__(self) -> "Commits":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            while not self._ended.is_set():
                for told in connection.notifies(timeout=0.5, stop_after=1):
                    self._heard[str(json.loads(told.payload).get("case"))].append(time.time())

    def first(self, case: str, since_s: float) -> float | None:
        """The first commit of a case after a moment, None when none was heard."""
        return next((at_s for at_s in self._heard.get(case, ()) if at_s >= since_s), None)
