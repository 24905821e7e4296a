"""When the oversight group meets: every so many days, London time, off bank holidays; read from a file.

Pure. What becomes of each meeting is in rows (triage/review/schedule.py): the file only says where new ones go.
"""

import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage.oncall_roster import works

LONDON = ZoneInfo("Europe/London")
DAY = timedelta(days=1)
AHEAD = timedelta(days=366)


class MeetingsError(ValueError):
    """The meetings cannot be read; the message names file, key and reason."""


class Meetings(BaseModel):
    """Meetings every so many days from a first one, at the same London time; one that would fall on a day that is not
    worked goes to the next day that is, and the others stay. `bank_holidays` are those of tracks.toml.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_on: date
    at: time
    every_days: Annotated[int, Field(ge=1, le=366)] = 14
    lasts_minutes: Annotated[int, Field(ge=15, le=720)] = 120
    lock_days: Annotated[int, Field(ge=0, le=20)] = 3
    lock_at: time = time(17)
    bank_holidays: frozenset[date] = frozenset()

    @property
    def lasts(self) -> timedelta:
        return timedelta(minutes=self.lasts_minutes)

    def next_after(self, moment: datetime) -> datetime:
        """The first meeting that begins after a moment."""
        return next(each for each in self.since(moment) if each > moment)

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """The meetings that begin after one moment, and not after another."""
        found: list[datetime] = []
        for each in self.since(after):
            if each > until:
                return found
            if each > after:
                found.append(each)
        return found

    def since(self, moment: datetime) -> Iterator[datetime]:
        """Meetings in order, without end; the first may lie before the moment."""
        day = moment.astimezone(LONDON).date()
        rounds = max(0, (day - self.first_on).days // self.every_days - 1)
        while True:
            yield self._begins(rounds)
            rounds += 1

    def locks_at(self, meets_at: datetime) -> datetime:
        """When the list of a meeting is locked: some working days before it."""
        day = meets_at.astimezone(LONDON).date()
        for _ in range(self.lock_days):
            day = self._next(day - DAY, -DAY)
        return min(meets_at, datetime.combine(day, self.lock_at, LONDON))

    def working(self, day: date) -> date:
        """This day, or the next that is worked."""
        return self._next(day, DAY)

    def _begins(self, rounds: int) -> datetime:
        day = self.first_on + timedelta(days=rounds * self.every_days)
        return datetime.combine(self.working(day), self.at, LONDON)

    def _next(self, day: date, step: timedelta) -> date:
        while not works(day, self.bank_holidays):
            day += step
        return day


def read_meetings(path: Path, bank_holidays: frozenset[date] = frozenset()) -> Meetings:
    """Raises MeetingsError."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        if "bank_holidays" in written:
            raise MeetingsError(f"{path}: bank_holidays: take it out, those of tracks.toml count")
        return Meetings.model_validate({**written, "bank_holidays": bank_holidays})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MeetingsError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MeetingsError(f"{path}: {error}") from error
