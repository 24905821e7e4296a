"""An exercise's clock: it stands still before the beginning and after the end, and runs as fast as it is played.

Everything in an exercise goes by it: posts, deadlines, lines, sessions.
"""

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as TimeOfDay

from triage.clocks import LONDON

AHEAD = 1.0  # minutes that may pass before the next round: where rounds take long, time waits for them


class Clock:
    """Minutes from the beginning, and the moment they stand for. With a `speed` time passes by itself, so many times
    as fast as on the wall or as fast as rounds are played; without one it stands until it is `set`.
    """

    def __init__(self, starts: TimeOfDay, on: date, *, speed: float | None) -> None:
        self.start = datetime.combine(on, starts, LONDON).astimezone(UTC)
        self.speed = speed
        self._minute = 0.0
        self._running_since_s: float | None = None

    def __call__(self) -> datetime:
        return self.start + timedelta(minutes=self.minute)

    @property
    def minute(self) -> float:
        """Minutes since the beginning."""
        if self._running_since_s is None or self.speed is None:
            return self._minute
        passed = (time.monotonic() - self._running_since_s) * self.speed / 60
        return self._minute + min(passed, AHEAD)

    def turn(self) -> datetime:
        """A round begins: the moment it is played at, from which time goes on."""
        self._minute = self.minute
        if self._running_since_s is not None:
            self._running_since_s = time.monotonic()
        return self()

    @property
    def rate(self) -> float:
        """How many seconds of the exercise pass in one on the wall, now."""
        return self.speed if self.speed is not None and self._running_since_s is not None else 0.0

    def begin(self) -> None:
        """Let time pass. Does nothing where it runs already."""
        if self._running_since_s is None:
            self._running_since_s = time.monotonic()

    def stop(self, at_most: float) -> None:
        """Let time stand, no later than at this minute."""
        self._minute, self._running_since_s = min(self.minute, at_most), None

    def set(self, minute: float) -> None:
        """Go on to a minute; never back."""
        self._minute = max(self._minute, minute)
